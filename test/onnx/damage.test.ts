// Files of convolutional and residual networks, cut and altered: an error, or what ONNX Runtime gives.

import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { isEigenscapeError } from '../../src/errors.js';
import { importOnnx } from '../../src/onnx/import.js';
import { fixtures, type Fixture } from './fixtures.js';
import { runtimeOutputs } from './onnx-runtime.js';

const names = ['ts-concat-opset12', 'ts-residual-opset9'];
const files = fixtures.filter(({ name }) => names.includes(name));
// A prime, so that all kinds of bytes are met; stride 1 with four alterations was run once, 16,000 files.
const stride = 13;

/** The network of these bytes, undefined when they are refused with an error of this library. */
async function networkOf(bytes: Uint8Array, { spec }: Fixture) {
  try {
    return await importOnnx(bytes, { loss: spec.loss, onNote: () => undefined });
  } catch (error) {
    if (isEigenscapeError(error)) return undefined;
    throw error;
  }
}

/** Whether the network gives what ONNX Runtime gives, where the runtime takes the bytes. */
async function agrees(bytes: Uint8Array, fixture: Fixture): Promise<boolean> {
  const network = await networkOf(bytes, fixture);
  if (network === undefined) return true;
  const rows = fixture.inputs.slice(0, 2).map((row) => [...row]);
  if (rows[0]?.length !== network.spec.input.reduce((product, size) => product * size, 1))
    return true;
  const shape = [2, ...fixture.spec.input];
  const expected = await runtimeOutputs(bytes, rows.flat(), shape).catch(() => undefined);
  if (expected === undefined) return true;
  const outputs = await network.predict(rows).catch((error: unknown) => {
    if (isEigenscapeError(error)) return undefined;
    throw error;
  });
  if (outputs === undefined) return true;
  return expected.every((value, index) => {
    const error = Math.abs((outputs[index] ?? NaN) - value);
    return !Number.isFinite(value) || error < 1e-5 * Math.max(1, Math.abs(value));
  });
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
      expect(await agrees(whole.subarray(0, length), fixture), `cut at ${length}`).toBe(true);
    }
    expect(survivors.length).toBeLessThan(10);
  });

  it('altered at a byte is an error, or gives what ONNX Runtime gives', async () => {
    for (let at = 0; at < whole.length; at += stride) {
      for (const alter of [1, 0x80]) {
        const bytes = whole.slice();
        bytes[at] = (bytes[at] ?? 0) ^ alter;
        expect(await agrees(bytes, fixture), `byte ${at} xor ${alter}`).toBe(true);
      }
    }
  });
});
