// Values on the command line: numbers, lists, kebab-case words for the library's camelCase names.

import { InvalidArgumentError } from 'commander';

/** A parser of decimal numbers for commander, within limits. */
export function numberOption(limits: {
  readonly integer?: boolean | undefined;
  readonly from?: number | undefined;
  readonly to?: number | undefined;
}): (text: string) => number {
  const { integer = false, from = -Infinity, to = Infinity } = limits;
  return (text) => {
    const value = text.trim() === '' ? NaN : Number(text);
    const fits = integer ? Number.isSafeInteger(value) : Number.isFinite(value);
    if (fits && value >= from && value <= to) return value;
    const kind = integer ? 'an integer' : 'a number';
    const atLeast = from > -Infinity ? ` of at least ${from}` : '';
    const atMost = to < Infinity ? ` and at most ${to}` : '';
    throw new InvalidArgumentError(`expected ${kind}${atLeast}${atMost}.`);
  };
}

/** A file's path; what looks like an option is one whose value was forgotten. `-` is a file. */
export function fileOption(text: string): string {
  if (text.startsWith('--')) {
    throw new InvalidArgumentError(`expected a file; a file of that name is ./${text}.`);
  }
  return text;
}

/** Numbers separated by commas. */
export function numbersOption(text: string): readonly number[] {
  const one = numberOption({ from: 0 });
  return text.split(',').map((part) => one(part));
}

/** A parser that can say which words it takes, for completion. */
export interface NamesParser<Value> {
  (text: string): Value;
  readonly words: readonly string[];
}

/** One of the library's names, written in kebab-case: `softmax-cross-entropy`. */
export function nameOption<const Name extends string>(names: readonly Name[]): NamesParser<Name> {
  const parse = (text: string): Name => {
    const found = names.find((name) => name === text || kebabCase(name) === text);
    if (found !== undefined) return found;
    throw new InvalidArgumentError(
      `expected ${names.length === 1 ? '' : 'one of '}${names.map(kebabCase).join(', ')}.`,
    );
  };
  return Object.assign(parse, { words: names.map(kebabCase) });
}

/** Names separated by commas, each once. */
export function namesOption<const Name extends string>(
  names: readonly Name[],
): NamesParser<readonly Name[]> {
  const one = nameOption(names);
  const parse = (text: string): readonly Name[] => [
    ...new Set(text.split(',').map((part) => one(part.trim()))),
  ];
  return Object.assign(parse, { words: one.words });
}

/** Words separated by commas, as they are. */
export function wordsOption(text: string): readonly string[] {
  const words = text.split(',').map((word) => word.trim());
  if (!words.includes('')) return words;
  throw new InvalidArgumentError('expected names separated by commas.');
}

/** gaussNewton → gauss-newton */
export function kebabCase(name: string): string {
  return name.replace(/[A-Z]/g, (capital) => `-${capital.toLowerCase()}`);
}
