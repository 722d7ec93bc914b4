import { InvalidArgumentError } from 'commander';
import { describe, expect, it } from 'vitest';

import {
  fileOption,
  kebabCase,
  nameOption,
  namesOption,
  numberOption,
  numbersOption,
} from '../../src/cli/option-values.js';

describe('numbers on the command line', () => {
  it('are read within their limits', () => {
    expect(numberOption({ integer: true, from: 1 })('12')).toBe(12);
    expect(numberOption({ from: 0, to: 1 })('2.5e-1')).toBe(0.25);
    expect(numberOption({ integer: true })('-100')).toBe(-100);
    expect(numbersOption('1,0.5, 2')).toEqual([1, 0.5, 2]);
  });

  it.each(['', ' ', 'x', '1x', 'NaN', 'Infinity', '1,5'])('refuse %j', (text) => {
    expect(() => numberOption({})(text)).toThrow(InvalidArgumentError);
  });

  it('say which limits there are', () => {
    const threads = numberOption({ integer: true, from: 1 });
    expect(() => threads('0')).toThrow('expected an integer of at least 1.');
    expect(() => threads('1.5')).toThrow('expected an integer of at least 1.');
    expect(() => numberOption({ from: 0, to: 1 })('2')).toThrow(
      'expected a number of at least 0 and at most 1.',
    );
    expect(() => numbersOption('1,,2')).toThrow(InvalidArgumentError);
  });
});

describe('names on the command line', () => {
  const names = ['softmaxCrossEntropy', 'hessian'] as const;

  it('are kebab-case for camelCase', () => {
    expect(kebabCase('softmaxCrossEntropy')).toBe('softmax-cross-entropy');
    expect(nameOption(names)('softmax-cross-entropy')).toBe('softmaxCrossEntropy');
    expect(nameOption(names)('hessian')).toBe('hessian');
  });

  it('come in lists, each counted once', () => {
    expect(namesOption(names)('hessian,softmax-cross-entropy,hessian')).toEqual([
      'hessian',
      'softmaxCrossEntropy',
    ]);
  });

  it('unknown, are answered with those there are', () => {
    expect(() => nameOption(names)('toString')).toThrow(
      'expected one of softmax-cross-entropy, hessian.',
    );
  });
});

describe('files on the command line', () => {
  it('may have any name, but what looks like an option is a forgotten value', () => {
    expect(fileOption('out.json')).toBe('out.json');
    expect(fileOption('-')).toBe('-');
    expect(() => fileOption('--report')).toThrow(
      'expected a file; a file of that name is ./--report.',
    );
  });
});
