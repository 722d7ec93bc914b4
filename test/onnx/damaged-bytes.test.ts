// Files that are cut, altered, or no models at all.

import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseOnnx } from '../../src/onnx/parse.js';
import { fixtures, folder } from './fixtures.js';
import { modelBytes, node } from './model-builder.js';
import { refusalOf } from './refusal.js';
import { simple } from './small-models.js';

describe('damaged bytes', () => {
  const read = (name: string) => readFileSync(`${folder}${name}.onnx`);
  const outcome = (bytes: Uint8Array) =>
    refusalOf(bytes, { loss: 'softmaxCrossEntropy' }).split(':')[0] ?? '';

  it.each(['ts-gelu-opset9', 'dy-silu-elu-unoptimized', 'ts-tanh-opset7-ir3'])(
    '%s cut at any byte is refused, or whole in all that counts',
    (name) => {
      const bytes = read(name);
      const whole = parseOnnx(bytes, { loss: 'softmaxCrossEntropy' });
      const survivors: number[] = [];
      for (let length = 0; length < bytes.length; length++) {
        const result = outcome(bytes.subarray(0, length));
        if (result === 'no error') survivors.push(length);
        else expect(result, `cut at ${length}`).toMatch(/^ERR_/);
      }
      // What follows graph and opset in the file is metadata; without it the network is the same.
      for (const length of survivors) {
        const cut = parseOnnx(bytes.subarray(0, length), { loss: 'softmaxCrossEntropy' });
        expect(cut).toEqual(whole);
      }
      expect(survivors.length).toBeLessThan(10);
    },
  );

  it.each<[string, Uint8Array]>([
    ['no bytes', new Uint8Array(0)],
    ['text', new TextEncoder().encode('this is not an ONNX model')],
    ['zeros', new Uint8Array(100)],
    ['a gzip header', Uint8Array.of(0x1f, 0x8b, 8, 0, 0, 0, 0, 0)],
    ['a Git LFS pointer', new TextEncoder().encode('version https://git-lfs.github.com/spec/v1\n')],
    ['a zip file', new TextEncoder().encode('PK\u0003\u0004')],
  ])('%s: ERR_ONNX_INVALID', (_, bytes) => {
    expect(refusalOf(bytes)).toMatch(
      /^ERR_ONNX_INVALID: The bytes \(\d+\) (are no ONNX model|hold no)/,
    );
  });

  it('a field of another wire type, and one that reaches past the message that holds it', () => {
    const bytes = modelBytes(simple);
    const at = new TextDecoder('latin1').decode(bytes).indexOf('Gemm');
    // The tag and the length of op_type stand before it.
    for (const [place, value] of [
      [at - 2, ((bytes[at - 2] ?? 0) & ~7) | 5],
      [at - 1, 100],
    ] as const) {
      const damaged = bytes.slice();
      damaged[place] = value;
      expect(refusalOf(damaged)).toMatch(/^ERR_ONNX_INVALID: The bytes \(\d+\) are no ONNX model/);
    }
  });

  it('a second name of a node, as an altered tag makes of its last input', () => {
    const nodes = [node('Gemm', ['x', 'w', 'bias'], 'y', {}, 'fc')];
    const bytes = modelBytes({ ...simple, nodes });
    const at = new TextDecoder('latin1').decode(bytes).indexOf('bias');
    bytes[at - 2] = (3 << 3) | 2;
    expect(refusalOf(bytes)).toMatch(/^ERR_ONNX_INVALID: The bytes \(\d+\) are no ONNX model/);
  });

  it('any change of bytes gives a network or an error of this library', () => {
    const whole = fixtures.slice(0, 12).map(({ name }) => read(name));
    const place = fc.record({ file: fc.nat(11), at: fc.nat(), value: fc.nat(255) });
    fc.assert(
      fc.property(fc.array(place, { minLength: 1, maxLength: 4 }), ([first, ...rest]) => {
        const bytes = Uint8Array.from(whole[first?.file ?? 0] ?? []);
        for (const { at, value } of [...(first === undefined ? [] : [first]), ...rest]) {
          bytes[at % bytes.length] = value;
        }
        expect(outcome(bytes)).toMatch(/^(ERR_[A-Z_]+|no error)$/);
      }),
      { numRuns: 3000 },
    );
  });
});
