// Files of convolutional and residual networks, cut and altered: an error, or what ONNX Runtime gives.

import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { isEigenscapeError } from '../../src/errors.js';
import { importOnnx } from '../../src/onnx/import.js';
import { fixtures, type Fixture } from './fixtures.js';
import { outputsOf, runtimeSession } from './onnx-runtime.js';

const names = [
  'ts-concat-opset12',
  'ts-residual-opset9',
  'ts-normal-opset17',
  'ts-averaged-opset10',
  'dy-softsign',
];
const files = fixtures.filter(({ name }) => names.includes(name));
// A prime, so that all kinds of bytes are met; every bit of every byte was altered once, 250,000 files.
const stride = 29;

/** The network of these bytes, undefined when they are refused with an error of this library. */
async function networkOf(bytes: Uint8Array, { spec }: Fixture) {
  try {
    return await importOnnx(bytes, { loss: spec.loss, onNote: () => undefined });
  } catch (error) {
    if (isEigenscapeError(error)) return undefined;
    throw error;
  }
}

/** What is wrong with the network of these bytes beside ONNX Runtime; undefined where it gives the same
 *  outputs, or the bytes are refused. */
async function disagreement(bytes: Uint8Array, fixture: Fixture): Promise<string | undefined> {
  const network = await networkOf(bytes, fixture);
  if (network === undefined) return undefined;
  const session = await runtimeSession(bytes).catch((error: unknown) => String(error));
  if (typeof session === 'string') return `loaded, though ONNX Runtime says: ${session}`;
  const rows = fixture.inputs.slice(0, 2).map((row) => [...row]);
  const size = network.spec.input.reduce((product, length) => product * length, 1);
  if (rows[0]?.length !== size) return undefined;
  const outputs = await network.predict(rows).catch((error: unknown) => {
    if (isEigenscapeError(error)) return undefined;
    throw error;
  });
  if (outputs === undefined) return undefined;
  const expected = await outputsOf(session, rows.flat(), [2, ...network.spec.input]);
  const wrong = expected.findIndex((value, index) => {
    const error = Math.abs((outputs[index] ?? NaN) - value);
    return !(error < 1e-5 * Math.max(1, Math.abs(value)));
  });
  if (wrong < 0) return undefined;
  return `output ${wrong} is ${outputs[wrong] ?? NaN}, that of ONNX Runtime ${expected[wrong] ?? NaN}`;
}

describe.each(files)('$name', (fixture) => {
  const whole = new Uint8Array(readFileSync(fixture.file));

  it('cut at any byte is an error, or whole in all that counts', async () => {
    const survivors: number[] = [];
    for (let length = 0; length < whole.length; length += 1) {
      if ((await networkOf(whole.subarray(0, length), fixture)) !== undefined)
        survivors.push(length);
    }
    for (const length of survivors) {
      const found = await disagreement(whole.subarray(0, length), fixture);
      expect(found, `cut at ${length}`).toBeUndefined();
    }
    expect(survivors.length).toBeLessThan(10);
  });

  it('altered at a byte is an error, or gives what ONNX Runtime gives', async () => {
    for (let at = 0; at < whole.length; at += stride) {
      for (const alter of [1, 0x40]) {
        const bytes = whole.slice();
        bytes[at] = (bytes[at] ?? 0) ^ alter;
        const found = await disagreement(bytes, fixture);
        expect(found, `byte ${at} xor ${alter}`).toBeUndefined();
      }
    }
  });
});
