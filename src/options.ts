// How options objects are checked: valibot schemas, whose issues become ERR_SPEC.

import * as v from 'valibot';

import { describeValue } from './describe-value.js';
import { EigenscapeError } from './errors.js';
import { maximumThreads } from './native.js';
import type { LongCallOptions, Progress } from './progress.js';

// Each message completes the sentence "option … is …; expected …".

export const positiveInteger = v.pipe(
  v.number('an integer of at least 1'),
  v.safeInteger('an integer of at least 1'),
  v.minValue(1, 'an integer of at least 1'),
);

export const nonnegativeNumber = v.pipe(
  v.number('a finite number of at least 0'),
  v.finite('a finite number of at least 0'),
  v.minValue(0, 'a finite number of at least 0'),
);

export const positiveNumber = v.pipe(
  v.number('a finite number above 0'),
  v.finite('a finite number above 0'),
  v.gtValue(0, 'a finite number above 0'),
);

/** Which random numbers: any safe integer; 0 unless said otherwise. */
export const seedOption = v.optional(
  v.pipe(v.number('a safe integer'), v.safeInteger('a safe integer')),
  0,
);

/** One of a few words, the first of them by default. */
export function wordOption<const Word extends string>(words: readonly [Word, ...Word[]]) {
  return v.optional(v.picklist(words, `one of ${words.map(describeValue).join(', ')}`), words[0]);
}

const threadsExpected = `a whole number from 1 to ${maximumThreads}`;

/** What every long call takes. */
export const longCallEntries = {
  signal: v.optional(v.instance(AbortSignal, 'an AbortSignal')),
  onProgress: v.optional(
    v.custom<(progress: Progress) => void>(
      (value) => typeof value === 'function',
      'a function of { stage, done, total, secondsLeft }',
    ),
  ),
  threads: v.optional(
    v.pipe(
      v.number(threadsExpected),
      v.integer(threadsExpected),
      v.minValue(1, threadsExpected),
      v.maxValue(maximumThreads, threadsExpected),
    ),
  ),
};

/** The options object of one function: these entries and no others. */
export function optionsOf<const Entries extends v.ObjectEntries>(entries: Entries) {
  const known = Object.keys(entries).join(', ');
  // `expected` is 'never' for a key too many, and the quoted key for one that lacks.
  return v.strictObject(entries, (issue) =>
    issue.expected === 'never'
      ? `is unknown; there are ${known}`
      : issue.expected === 'Object'
        ? `{ ${known} }`
        : 'is missing',
  );
}

const longCallSchema = optionsOf(longCallEntries);

/** Options of a long call that has no others.
 *  @throws EigenscapeError as {@link parseOptions} */
export function parseLongCall(call: string, given: unknown): LongCallOptions {
  return parseOptions(call, longCallSchema, given);
}

/** `given` with defaults filled in.
 *  @param call the public function, as the message names it
 *  @throws EigenscapeError ERR_SPEC; the message names the option, its value and what was
 *  expected */
export function parseOptions<Schema extends v.GenericSchema>(
  call: string,
  schema: Schema,
  given: unknown,
): v.InferOutput<Schema> {
  const result = v.safeParse(schema, given, { abortEarly: true });
  if (result.success) return result.output;
  const [issue] = result.issues;
  const option = v.getDotPath(issue);
  const complaint =
    option === null
      ? `given ${describeValue(given)}; expected ${issue.message}`
      : issue.type === 'strict_object' && issue.expected !== 'Object'
        ? `option '${option}' ${issue.message}`
        : `option '${option}' is ${describeValue(issue.input)}; expected ${issue.message}`;
  throw new EigenscapeError('ERR_SPEC', `${call}: ${complaint}`, {
    details: { call, option, value: issue.input },
  });
}

/** The door for flat arrays of numbers: what is no array at all is refused before it is measured.
 *  @throws EigenscapeError ERR_SPEC unless `given` is a typed array, an array, or like one */
export function requireArray(
  call: string,
  name: string,
  given: unknown,
): asserts given is ArrayLike<unknown> {
  const arrayLike =
    typeof given === 'object' &&
    given !== null &&
    'length' in given &&
    Number.isSafeInteger(given.length);
  if (arrayLike) return;
  throw new EigenscapeError(
    'ERR_SPEC',
    `${call}: ${name} is ${describeValue(given)}; expected an array of numbers`,
    { details: { call, name } },
  );
}
