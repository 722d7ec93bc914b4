import { createHash } from 'node:crypto';
import { readFile, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { loadSafetensors } from '../../src/data/safetensors.js';
import { saveSafetensors } from '../../src/data/save-safetensors.js';
import { refusal } from './refusal.js';
import { temporaryFile, temporaryFiles } from './temporary-files.js';

/** A file with this header, and data after it. */
function fileOf(header: string | Uint8Array, data: Uint8Array = new Uint8Array(0)): Uint8Array {
  const text = Buffer.from(header);
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(text.length));
  return Buffer.concat([length, text, data]);
}

function entry(dtype: string, shape: readonly number[], begin: number, end: number): unknown {
  return { dtype, shape, data_offsets: [begin, end] };
}

const bytesOf = (data: ArrayBufferView) =>
  new Uint8Array(data.buffer, data.byteOffset, data.byteLength);

async function savedFile(): Promise<string> {
  const file = join(await temporaryFiles({}), 'saved.safetensors');
  const weight = Float32Array.of(1, -2.5, 3, 0, NaN, Infinity);
  const tensors = [
    { name: 'fc1.weight', shape: [2, 3], data: weight },
    { name: 'steps', shape: [], data: BigInt64Array.of(7n) },
    { name: 'empty', shape: [0, 4], data: new Float64Array(0) },
  ];
  await saveSafetensors(file, tensors, new Map([['note', 'naïve “quoted” \\ text']]));
  return file;
}

describe('loadSafetensors', () => {
  it('gives back what was saved, bit by bit', async () => {
    const { tensors, metadata } = await loadSafetensors(await savedFile());
    expect(metadata.get('note')).toBe('naïve “quoted” \\ text');
    expect(tensors.get('fc1.weight')).toEqual({
      type: 'F32',
      shape: [2, 3],
      data: Float32Array.of(1, -2.5, 3, 0, NaN, Infinity),
    });
    expect(tensors.get('steps')).toEqual({ type: 'I64', shape: [], data: BigInt64Array.of(7n) });
    expect(tensors.get('empty')?.shape).toEqual([0, 4]);
  });

  it('reads every type, integers beyond 2⁵³ and half floats exactly', async () => {
    const parts = {
      F64: { data: Float64Array.of(0.1), values: [0.1] },
      I64: { data: BigInt64Array.of(-(2n ** 62n) - 1n), values: [-(2n ** 62n) - 1n] },
      U64: { data: BigUint64Array.of(2n ** 64n - 1n), values: [2n ** 64n - 1n] },
      F32: { data: Float32Array.of(1.5), values: [1.5] },
      I32: { data: Int32Array.of(-7), values: [-7] },
      U32: { data: Uint32Array.of(4e9), values: [4e9] },
      F16: {
        data: Uint16Array.of(0x3c00, 0x0001, 0xfbff, 0x7c00),
        values: [1, 2 ** -24, -65504, Infinity],
      },
      BF16: {
        data: Uint16Array.of(0x3f80, 0x0001, 0xff7f),
        values: [1, 2 ** -133, -3.3895313892515355e38],
      },
      I16: { data: Int16Array.of(-300), values: [-300] },
      U16: { data: Uint16Array.of(65535), values: [65535] },
      I8: { data: Int8Array.of(-128), values: [-128] },
      U8: { data: Uint8Array.of(255), values: [255] },
      BOOL: { data: Uint8Array.of(1, 0), values: [1, 0] },
    };
    let end = 0;
    const header = Object.entries(parts).map(([type, { data }]) => {
      const begin = end;
      end += data.byteLength;
      return [`x${type}`, entry(type, [data.length], begin, end)];
    });
    const data = Buffer.concat(Object.values(parts).map((part) => bytesOf(part.data)));
    const text = JSON.stringify(Object.fromEntries(header));
    const file = await temporaryFile('all.safetensors', fileOf(text, data));
    const { tensors, metadata } = await loadSafetensors(file);
    expect(metadata.size).toBe(0);
    for (const [type, { values }] of Object.entries(parts)) {
      expect([...(tensors.get(`x${type}`)?.data ?? [])], type).toEqual(values);
    }
  });

  it('reads half floats of more than a piece', async () => {
    const halves = Uint16Array.from({ length: 2 ** 19 + 3 }, (_, index) => index % 0x7c00);
    const header = JSON.stringify({ h: entry('F16', [halves.length], 0, halves.byteLength) });
    const file = await temporaryFile('half.safetensors', fileOf(header, bytesOf(halves)));
    const data = (await loadSafetensors(file)).tensors.get('h')?.data;
    expect(data?.[2 ** 19]).toBe(data?.[2 ** 19 - 0x7c00 * 16]);
    expect(data?.at(-1)).toBe(data?.[2 ** 19 + 2 - 0x7c00 * 16]);
  });

  it('names a tensor __proto__ like any other', async () => {
    const text = '{"__proto__":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}';
    const file = await temporaryFile('proto.safetensors', fileOf(text, Uint8Array.of(9)));
    expect((await loadSafetensors(file)).tensors.get('__proto__')?.data).toEqual(Uint8Array.of(9));
  });

  it('refuses a file cut anywhere', async () => {
    const file = await savedFile();
    const { length } = await readFile(file);
    for (let cut = length - 1; cut >= 0; cut -= 1) {
      await truncate(file, cut);
      await expect(loadSafetensors(file), `cut at ${cut}`).rejects.toEqual(
        refusal('ERR_DATA', /saved\.safetensors: .*(cut off|no safetensors)/, { file }),
      );
    }
  });

  it('refuses a file that it saved when any byte of it is another', async () => {
    const file = await savedFile();
    const whole = await readFile(file);
    for (let index = 0; index < whole.length; index += 1) {
      for (const bit of [0, 3, 7]) {
        const other = Buffer.from(whole);
        other[index] = (other[index] ?? 0) ^ (1 << bit);
        await writeFile(file, other);
        const where = `bit ${bit} of byte ${index}`;
        try {
          // Only where the digest is found under another name, it is not compared.
          const { metadata } = await loadSafetensors(file);
          expect(metadata.has('eigenscape.sha256'), where).toBe(false);
        } catch (error) {
          expect(error, where).toEqual(refusal('ERR_DATA', /saved/, { file }));
        }
      }
    }
  });

  it('answers any bytes with tensors or ERR_DATA', async () => {
    const file = await temporaryFile('any.safetensors', '');
    const pieces = fc.constantFrom(
      ...['{', '}', '[', ']', ':', ',', '"', '"a"', '"dtype"', '"F32"', '"shape"', '0', '4', '-1'],
      ...['"data_offsets"', '"__metadata__"', '1e400', '\\', '\\u0000', ' ', 'null', 'ÿ', '9e15'],
    );
    const header = fc.array(pieces, { maxLength: 24 }).map((list) => Buffer.from(list.join('')));
    const property = fc.asyncProperty(
      header,
      fc.uint8Array({ maxLength: 8 }),
      async (text, data) => {
        await writeFile(file, fileOf(text, data));
        const loaded = await loadSafetensors(file).catch((error: unknown) => error);
        if (loaded instanceof Error) expect(loaded).toEqual(refusal('ERR_DATA', /./, { file }));
      },
    );
    await fc.assert(property, { seed: 5, numRuns: 300 });
  });

  const weight = entry('F32', [2], 0, 8);
  it.each<[string, string | Uint8Array, number, RegExp]>([
    ['twice the same name', '{"a":1,"\\u0061":2}', 0, /has "a" twice/],
    ['text that is no UTF-8', Buffer.from('{"\xff":1}', 'latin1'), 0, /no UTF-8/],
    ['a byte order mark', '\ufeff{}', 0, /does not begin with "{"/],
    ['a list', '[]', 0, /does not begin with "{"/],
    ['broken JSON', '{"a":}', 0, /is no JSON/],
    ['deep nesting', `{"a":${'['.repeat(1e6)}`, 0, /nests too deeply/],
    ['metadata that are no texts', '{"__metadata__":{"a":1}}', 0, /no map of texts/],
    ['an entry that is none', '{"a":5}', 0, /tensor "a" is not described by/],
    ['a negative extent', JSON.stringify({ a: entry('F32', [-2], 0, 8) }), 8, /not described/],
    ['a fraction', JSON.stringify({ a: entry('F32', [0.5], 0, 2) }), 2, /not described/],
    [
      'an unknown type',
      JSON.stringify({ a: entry('F8_E4M3', [2], 0, 2) }),
      2,
      /elements "F8_E4M3".*tensor\.float/,
    ],
    [
      'a type of Object.prototype',
      JSON.stringify({ a: entry('toString', [2], 0, 2) }),
      2,
      /elements "toString"/,
    ],
    [
      'a size that is not the shape’s',
      JSON.stringify({ a: entry('F32', [3], 0, 8) }),
      8,
      /\[3\] and type F32 .* 8 bytes; expected 12/,
    ],
    [
      'offsets that run backwards',
      JSON.stringify({ a: entry('F32', [2], 8, 0) }),
      8,
      /-8 bytes; expected 8/,
    ],
    [
      'a size beyond all numbers',
      JSON.stringify({ a: entry('F32', Array(40).fill(9e15), 0, 8) }),
      8,
      /expected Infinity/,
    ],
    [
      'a hole',
      JSON.stringify({ a: weight, b: entry('U8', [1], 9, 10) }),
      10,
      /"b" begins at byte 9 .*expected 8/,
    ],
    [
      'tensors that overlap',
      JSON.stringify({ a: weight, b: entry('F32', [2], 4, 12) }),
      12,
      /"b" begins at byte 4 .*expected 8/,
    ],
    [
      'a second tensor at one place',
      JSON.stringify({ a: weight, b: weight }),
      8,
      /begins at byte 0 .*expected 8/,
    ],
    [
      'bytes after the last tensor',
      JSON.stringify({ a: weight }),
      9,
      /9 bytes of data; expected 8 .*something else follows/,
    ],
    ['too few bytes', JSON.stringify({ a: weight }), 7, /7 bytes of data; expected 8 .*cut off/],
    [
      'a byte that is no boolean',
      JSON.stringify({ a: entry('BOOL', [2], 0, 2) }),
      2,
      /'a' of type BOOL has the byte 7/,
    ],
  ])('refuses %s', async (_, header, bytes, message) => {
    const file = await temporaryFile(
      'x.safetensors',
      fileOf(header, new Uint8Array(bytes).fill(7)),
    );
    await expect(loadSafetensors(file)).rejects.toEqual(refusal('ERR_DATA', message, { file }));
  });

  it('refuses a header length that no file has, as one of the other byte order', async () => {
    const length = Buffer.alloc(8);
    length.writeBigUInt64BE(2n);
    const file = await temporaryFile('be.safetensors', Buffer.concat([length, Buffer.from('{}')]));
    await expect(loadSafetensors(file)).rejects.toEqual(
      refusal('ERR_DATA', /should have 144115188075855872 bytes, but at most 16777216 are read/),
    );
  });

  it('says what other files are', async () => {
    const named = { 'a.pt': 'PK\x03\x04rest of it', 'b.pkl': Buffer.from('\x80\x02}q', 'latin1') };
    const folder = await temporaryFiles({ ...named, short: 'abc' });
    const message = async (name: string) =>
      loadSafetensors(join(folder, name)).catch((error: unknown) => String(error));
    expect(await message('a.pt')).toMatch(/zip archive, as torch\.save/);
    expect(await message('b.pkl')).toMatch(/Python pickle, which is never read/);
    expect(await message('short')).toMatch(/3 bytes; expected at least 8: the file is cut off/);
    expect(await message('absent')).toMatch(/absent: no such file/);
    expect(await message('.')).toMatch(/is a folder, a pipe or a device/);
  });

  it('refuses tensors that no memory holds before it takes any', async () => {
    const bytes = 2 ** 42;
    const header = fileOf(JSON.stringify({ a: entry('F64', [bytes / 8], 0, bytes) }));
    const file = await temporaryFile('sparse.safetensors', header);
    await truncate(file, header.length + bytes);
    await expect(loadSafetensors(file)).rejects.toEqual(
      expect.objectContaining({
        code: 'ERR_MEMORY',
        message: expect.stringMatching(/sparse.*4398 GB/) as unknown,
      }),
    );
  });
});

describe('saveSafetensors', () => {
  it('writes the digest that any program can repeat: SHA-256 with zeros in its place', async () => {
    const file = await savedFile();
    const { metadata } = await loadSafetensors(file);
    const digest = metadata.get('eigenscape.sha256') ?? '';
    const text = (await readFile(file))
      .subarray(8)
      .toString('latin1')
      .replace(digest, '0'.repeat(64));
    expect(createHash('sha256').update(text, 'latin1').digest('hex')).toBe(digest);
  });

  it('aligns the data, wide elements first', async () => {
    const bytes = await readFile(await savedFile());
    const header = bytes.readBigUInt64LE();
    expect(header % 8n).toBe(0n);
    expect(bytes.readBigInt64LE(8 + Number(header))).toBe(7n);
  });

  it('refuses two tensors of one name, and a header that is too long', async () => {
    const file = join(await temporaryFiles({}), 'x.safetensors');
    const one = { name: 'a', shape: [1], data: Float64Array.of(1) };
    await expect(saveSafetensors(file, [one, one], new Map())).rejects.toEqual(
      refusal('ERR_SPEC', /would be called "a"/),
    );
    const long = new Map([['text', 'x'.repeat(2 ** 24)]]);
    await expect(saveSafetensors(file, [one], long)).rejects.toEqual(
      refusal('ERR_SPEC', /header of the file would have \d+ bytes; expected at most 16777216/),
    );
  });
});
