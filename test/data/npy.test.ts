import { gzipSync } from 'node:zlib';

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import { createDataset } from '../../src/data/create-dataset.js';
import { loadNpy } from '../../src/data/npy.js';
import fixture from '../fixtures/data/npy.json' with { type: 'json' };
import { refusal } from './refusal.js';
import { temporaryFile } from './temporary-files.js';

const load = async (content: Uint8Array) => loadNpy(await temporaryFile('x.npy', content));
const bytesOf = (base64: string) => Buffer.from(base64, 'base64');

/** A version 1 file: `dict` as its header, then `body`. */
function npy(dict: string, body: Uint8Array = new Uint8Array()): Buffer {
  const header = `${dict}\n`;
  const start = Buffer.from([
    0x93,
    ...Buffer.from('NUMPY'),
    1,
    0,
    header.length & 255,
    header.length >> 8,
  ]);
  return Buffer.concat([start, Buffer.from(header, 'latin1'), body]);
}

const doubles = (...values: number[]) => new Uint8Array(Float64Array.from(values).buffer);
const find = (name: string) => {
  const file = fixture.files.find((candidate) => candidate.name === name);
  return bytesOf(file?.base64 ?? '');
};

describe('files that numpy wrote', () => {
  test.each(fixture.files)('$name: the values of $dtype, exactly', async (file) => {
    const { data, shape } = await load(bytesOf(file.base64));
    expect(shape).toEqual(file.shape);
    const isBig = data instanceof BigInt64Array || data instanceof BigUint64Array;
    expect([...data]).toEqual(file.values.map((value) => (isBig ? BigInt(value) : Number(value))));
  });

  test('the type of the array follows the dtype', async () => {
    const kinds = {
      '>i2': Int16Array,
      '<u4': Uint32Array,
      '<i8': BigInt64Array,
      '>u8': BigUint64Array,
      '<f2': Float32Array,
      '>f4': Float32Array,
      '>f8': Float64Array,
      bool: Uint8Array,
    };
    for (const [dtype, kind] of Object.entries(kinds)) {
      expect((await load(find(`dtype ${dtype}`))).data).toBeInstanceOf(kind);
    }
  });

  test('column-major files give the samples of row-major ones, bit for bit (case 21)', async () => {
    for (const name of ['column-major', 'transposed view']) {
      const inputs = await load(find(name));
      expect(inputs).toEqual(await load(find('row-major')));
      const data = createDataset({ inputs, targets: [0, 1] });
      expect([...data.inputs()]).toEqual([1, 2, 3, 4, 5, 6]);
      expect([...data.take(1).inputs()]).toEqual([1, 2, 3]);
    }
    const flagged = await load(find('one dimension flagged column-major'));
    expect(flagged).toEqual({ data: Float64Array.of(1, 2, 3), shape: [3] });
  });

  test('a gzipped file is unpacked, whatever its name', async () => {
    expect(await load(gzipSync(find('row-major')))).toEqual(await load(find('row-major')));
  });
});

describe('laws', () => {
  const any = fc.uint8Array({ minLength: 8, maxLength: 8 });

  test('any bits of float64 come back unchanged, NaN payloads too, in either order', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(any, { minLength: 4, maxLength: 4 }),
        fc.boolean(),
        async (words, fortran) => {
          const dict = `{'descr': '<f8', 'fortran_order': ${fortran ? 'True' : 'False'}, 'shape': (2, 2), }`;
          const { data } = await load(npy(dict, Buffer.concat(words)));
          const order = fortran ? [0, 2, 1, 3] : [0, 1, 2, 3];
          const expected = Buffer.concat(order.map((index) => words[index] ?? new Uint8Array()));
          expect(Buffer.from(data.buffer).equals(expected)).toBe(true);
        },
      ),
      { numRuns: 40 },
    );
  });

  test('column-major of any shape is the transpose of the reversed shape', async () => {
    const extents = fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 1, maxLength: 4 });
    await fc.assert(
      fc.asyncProperty(extents, async (shape) => {
        const size = shape.reduce((product, extent) => product * extent, 1);
        const dict = `{'descr': '|u1', 'fortran_order': True, 'shape': (${shape.join(',')},), }`;
        const { data } = await load(
          npy(
            dict,
            Uint8Array.from({ length: size }, (_, index) => index),
          ),
        );
        // The entry at (i₁, …, i_d) must be i₁ + n₁(i₂ + n₂(i₃ + …)).
        data.forEach((value: number | bigint, place: number) => {
          let rest = place;
          const index = shape.toReversed().map((extent) => {
            const current = rest % extent;
            rest = (rest - current) / extent;
            return current;
          });
          const expected = index.reduce(
            (inner, current, axis) => current + (shape[shape.length - 1 - axis] ?? 0) * inner,
            0,
          );
          expect(value).toBe(expected);
        });
      }),
      { numRuns: 40 },
    );
  });

  test('headers are read as Python reads them: any order of keys, either quote, blanks, 3L', async () => {
    for (const dict of [
      "{'shape': (1, 2), 'fortran_order': False, 'descr': '<f8'}",
      '{"descr":"<f8","fortran_order":False,"shape":(1,2,)}',
      "  { 'descr' : '<f8' , 'fortran_order' : False , 'shape' : ( 1L , 2L ) , }   ",
    ]) {
      expect(await load(npy(dict, doubles(1, 2)))).toEqual({
        data: Float64Array.of(1, 2),
        shape: [1, 2],
      });
    }
  });

  test('what was loaded is the caller’s alone', async () => {
    const { data } = await load(find('row-major'));
    expect(data.byteOffset).toBe(0);
    expect(data.buffer.byteLength).toBe(48);
  });
});

describe('refusals', () => {
  const whole = find('row-major');
  const dict = "{'descr': '<f8', 'fortran_order': False, 'shape': (2, 3), }";

  test('every cut of a file is ERR_DATA with actual and expected bytes', async () => {
    for (let length = 0; length < whole.length; length++) {
      await expect(load(whole.subarray(0, length))).rejects.toEqual(
        refusal('ERR_DATA', /x\.npy: \d+ bytes; expected (at least )?\d+ for .*cut off/, {
          given: length,
        }),
      );
    }
  });

  test('a cut gzip stream says how much of how much there is', async () => {
    const packed = gzipSync(whole, { level: 0 });
    await expect(load(packed.subarray(0, -30))).rejects.toEqual(
      refusal(
        'ERR_DATA',
        /gzip stream breaks off: its \d+ bytes unpack to \d+ bytes; expected 176 bytes/,
        { expected: 176 },
      ),
    );
  });

  test.each(Object.entries(fixture.refused))('%s are ERR_DATA', async (_, base64) => {
    await expect(load(bytesOf(base64))).rejects.toEqual(
      refusal(
        'ERR_DATA',
        /x\.npy: (holds (elements '.*'|Python objects \(a pickle\))|a structured array)/,
      ),
    );
  });

  test.each<[string, Uint8Array, RegExp]>([
    [
      'bytes after the data',
      npy(dict, doubles(1, 2, 3, 4, 5, 6, 7)),
      /126 bytes; expected 118 .*followed by something else/,
    ],
    [
      'an archive',
      Buffer.from('PK\x03\x04 and so on'),
      /this is an \.npz archive; save each array with numpy\.save/,
    ],
    [
      'a bare pickle',
      Buffer.from('\x80\x04\x95 and so on', 'latin1'),
      /Python pickle, which is never read/,
    ],
    ['text', Buffer.from('1,2,3\n4,5,6\n'), /begins with "1,2,3"; expected "\\x93NUMPY"$/],
    [
      'version 4',
      Buffer.concat([whole.subarray(0, 6), Buffer.of(4, 0), whole.subarray(8)]),
      /npy version 4\.0; expected/,
    ],
    [
      'a call in the header',
      npy("{'descr': '<f8', 'fortran_order': exit(), 'shape': (2, 3), }"),
      /cannot be read from "exit\(\)/,
    ],
    [
      'an escape in a string',
      npy("{'de\\x73cr': '<f8', 'fortran_order': False, 'shape': (2, 3)}"),
      /cannot be read from/,
    ],
    [
      'a key twice',
      npy("{'descr': '<f8', 'descr': '<f4', 'fortran_order': False, 'shape': (2, 3)}"),
      /'descr' twice/,
    ],
    [
      'a fourth key',
      npy("{'descr': '<f8', 'fortran_order': False, 'shape': (2, 3), 'x': True}"),
      /and nothing else/,
    ],
    ['no shape', npy("{'descr': '<f8', 'fortran_order': False}"), /expected a string 'descr'/],
    [
      'a number as shape',
      npy("{'descr': '<f8', 'fortran_order': False, 'shape': (3)}"),
      /has \) where a comma is expected/,
    ],
    [
      'a negative extent',
      npy("{'descr': '<f8', 'fortran_order': False, 'shape': (-3,)}"),
      /cannot be read from "-3/,
    ],
    [
      'a fractional extent',
      npy("{'descr': '<f8', 'fortran_order': False, 'shape': (1.5,)}"),
      /cannot be read from "\.5/,
    ],
    [
      'two commas',
      npy("{'descr': '<f8',, 'fortran_order': False, 'shape': (3,)}"),
      /has , where a string is expected/,
    ],
    ['something after the dict', npy(`${dict} {}`), /has \{ where the end is expected/],
    ['an open dict', npy("{'descr': '<f8'"), /has the end where \} is expected/],
    [
      'an unknown byte order',
      npy("{'descr': '|f8', 'fortran_order': False, 'shape': (1,)}", doubles(1)),
      /holds elements '\|f8'/,
    ],
    [
      'long doubles',
      npy("{'descr': '<f16', 'fortran_order': False, 'shape': (1,)}", doubles(1, 2)),
      /holds elements '<f16'/,
    ],
    [
      'a boolean of 2',
      npy("{'descr': '|b1', 'fortran_order': False, 'shape': (2,)}", Uint8Array.of(1, 2)),
      /boolean 1 is the byte 2/,
    ],
    [
      'a shape beyond all memory',
      npy("{'descr': '<f8', 'fortran_order': False, 'shape': (99999999999, 99999999999)}"),
      /expected 7.9\d*e\+22/,
    ],
  ])('%s: ERR_DATA with the file', async (_, content, message) => {
    await expect(load(content)).rejects.toEqual(refusal('ERR_DATA', message));
    await expect(load(content)).rejects.toEqual(refusal('ERR_DATA', /x\.npy: /));
  });

  test('arbitrary bytes are refused with ERR_DATA, never another error', async () => {
    const start = fc.constantFrom(Buffer.alloc(0), whole.subarray(0, 8), whole.subarray(0, 40));
    await fc.assert(
      fc.asyncProperty(start, fc.uint8Array({ maxLength: 80 }), async (head, tail) => {
        await expect(load(Buffer.concat([head, tail]))).rejects.toEqual(
          refusal('ERR_DATA', /x\.npy: /),
        );
      }),
      { numRuns: 60 },
    );
  });

  test('an absent file is ERR_DATA, a number as file ERR_SPEC', async () => {
    await expect(loadNpy('/nowhere.npy')).rejects.toEqual(
      refusal('ERR_DATA', /^\/nowhere\.npy: no such file or directory$/),
    );
    await expect(loadNpy(3 as never)).rejects.toEqual(refusal('ERR_SPEC', /^The file is 3/));
  });
});
