// One small network with data, for tests that care little which.

import { createDataset, createNetwork } from '../../src/index.js';
import type { NetworkSpec } from '../../src/index.js';

export const smallSpec: NetworkSpec = {
  input: [2],
  layers: [{ type: 'dense', units: 3 }, { type: 'tanh' }, { type: 'dense', units: 2 }],
  loss: 'softmaxCrossEntropy',
};
export const smallNetwork = createNetwork(smallSpec);
export const smallData = createDataset({
  inputs: [
    [1, 2],
    [3, -4],
    [-5, 6],
  ],
  targets: [0, 1, 0],
});

type AnyFunction = (...given: never[]) => unknown;

/** Calls a typed function as JavaScript would, with whatever arguments; what it throws at once rejects. */
export function asJavaScript(call: AnyFunction, ...args: readonly unknown[]): Promise<unknown> {
  return Promise.resolve().then((): unknown =>
    Reflect.apply<unknown, never[], unknown>(call, undefined, args as never[]),
  );
}

/** The same for a method. */
export function callMethod(
  target: object,
  name: string,
  ...args: readonly unknown[]
): Promise<unknown> {
  const method: unknown = Reflect.get(target, name);
  if (typeof method !== 'function') throw new Error(`there is no method ${name}`);
  return asJavaScript(
    (...given: never[]): unknown => Reflect.apply(method, target, given),
    ...args,
  );
}

/** One of each kind of value that a caller may pass by mistake, with what to call it. */
export const strangers: readonly (readonly [string, unknown])[] = [
  ['null', null],
  ['a number', 5],
  ['NaN', NaN],
  ['a string', 'abc'],
  ['a boolean', true],
  ['a symbol', Symbol('s')],
  ['a bigint', 10n],
  ['a function', () => 1],
  ['a bare object', Object.create(null)],
];
