// How numbers are stored: every floating type, raw and typed, inside the file and beside it.

import { mkdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { create } from '@bufbuild/protobuf';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { importOnnx } from '../../src/onnx/import.js';
import {
  TensorProto_DataLocation as DataLocation,
  TensorProto_DataType as DataType,
  TensorProtoSchema,
  type TensorProto,
} from '../../src/onnx/onnx_pb.js';
import { parseOnnx } from '../../src/onnx/parse.js';
import { readOnnx } from '../../src/onnx/read-file.js';
import { readParameters } from '../../src/onnx/read-parameters.js';
import { refusal } from '../data/refusal.js';
import { temporaryFiles } from '../data/temporary-files.js';
import { modelBytes, node, rawTensor, tensor, type ModelParts } from './model-builder.js';
import { refusalOf } from './refusal.js';

const loss = 'meanSquaredError';
const withWeight = (w: TensorProto): ModelParts => ({
  nodes: [node('Gemm', ['x', 'w'], 'y', { transB: 1 }, 'fc')],
  tensors: { w },
});
const read = (w: TensorProto) => parseOnnx(modelBytes(withWeight(w)), { loss });
const typed = (
  dataType: DataType,
  fields: Partial<Pick<TensorProto, 'floatData' | 'doubleData' | 'int32Data'>>,
) => create(TensorProtoSchema, { dataType, dims: [1n, 2n], ...fields });
const bytes = (...values: number[]) => Uint8Array.from(values);

describe('element types', () => {
  it.each<[string, TensorProto, number[], 'float32' | 'float64']>([
    ['float32 in raw_data', tensor([1, 2], [1.5, -0.1]), [1.5, Math.fround(-0.1)], 'float32'],
    [
      'float32 in float_data',
      typed(DataType.FLOAT, { floatData: [1.5, -2] }),
      [1.5, -2],
      'float32',
    ],
    [
      'float64 in double_data',
      typed(DataType.DOUBLE, { doubleData: [0.1, 3] }),
      [0.1, 3],
      'float64',
    ],
    [
      'float64 in raw_data',
      rawTensor(DataType.DOUBLE, [1, 2], new Uint8Array(Float64Array.of(0.1, 1e150).buffer)),
      [0.1, 1e150],
      'float64',
    ],
    [
      'float16 in raw_data: 1.5 and −65504',
      rawTensor(DataType.FLOAT16, [1, 2], bytes(0x00, 0x3e, 0xff, 0xfb)),
      [1.5, -65504],
      'float32',
    ],
    [
      'float16 in int32_data: the smallest, and ⅓ rounded',
      typed(DataType.FLOAT16, { int32Data: [0x0001, 0x3555] }),
      [2 ** -24, 0.333251953125],
      'float32',
    ],
    [
      'bfloat16 in raw_data: 1 and −3.140625',
      rawTensor(DataType.BFLOAT16, [1, 2], bytes(0x80, 0x3f, 0x49, 0xc0)),
      [1, -3.140625],
      'float32',
    ],
    [
      'bfloat16 in int32_data',
      typed(DataType.BFLOAT16, { int32Data: [0x3f80, 0xc049] }),
      [1, -3.140625],
      'float32',
    ],
  ])('%s', (_, proto, values, dtype) => {
    const parsed = read(proto);
    expect([...parsed.parameters]).toEqual(values);
    expect(parsed.dtype).toBe(dtype);
  });

  it('narrow weights are noted', () => {
    expect(read(typed(DataType.BFLOAT16, { int32Data: [0, 0] })).notes[0]).toBe(
      'The weights are stored as bfloat16 and widened.',
    );
  });

  it('every float32 and float64 whose square is one survives, bit for bit', () => {
    const within = (exponent: number) => ({
      ...{ noNaN: true, noDefaultInfinity: true, min: -(2 ** exponent), max: 2 ** exponent },
    });
    fc.assert(
      fc.property(fc.float(within(63)), fc.double(within(511)), (single, double) => {
        expect(read(tensor([1, 2], [single, 0])).parameters[0]).toBe(single);
        expect(read(typed(DataType.DOUBLE, { doubleData: [double, 0] })).parameters[0]).toBe(
          double,
        );
      }),
    );
  });

  it('larger ones are refused, as an altered exponent makes them: outputs would overflow', () => {
    expect(refusalOf(withWeight(tensor([1, 2], [1, -(2 ** 64)])))).toBe(
      "ERR_DATA: Tensor 'w' holds -18446744073709552000 at entry 1 of [units, inputs], whose square no " +
        'float32 can hold, so that outputs would overflow in the precision of the file. Is the file ' +
        'damaged, or was the training divergent?',
    );
    expect(refusalOf(withWeight(typed(DataType.DOUBLE, { doubleData: [2 ** 64, 0] })))).toBe(
      'no error',
    );
    expect(refusalOf(withWeight(typed(DataType.DOUBLE, { doubleData: [2 ** 512, 0] })))).toMatch(
      /^ERR_DATA: Tensor 'w' holds 1\.34\d+e\+154 .* no float64 can hold/,
    );
  });

  it.each([
    [DataType.STRING, 'STRING'],
    [DataType.COMPLEX64, 'COMPLEX64'],
    [DataType.FLOAT8E5M2, 'FLOAT8E5M2'],
    [DataType.UNDEFINED, 'UNDEFINED'],
    [99, 'type 99'],
  ])('type %i is refused with the tensor’s name', (dataType, name) => {
    const proto = create(TensorProtoSchema, { dataType, dims: [1n, 2n] });
    expect(refusalOf(withWeight(proto))).toMatch(
      `ERR_ONNX_UNSUPPORTED: The ONNX graph has a part that eigenscape cannot take over: tensor 'w': holds ${name}; float32 or float64 is expected`,
    );
  });

  it.each<[string, TensorProto, RegExp]>([
    [
      'too few bytes',
      rawTensor(DataType.FLOAT, [1, 2], bytes(0, 0, 0, 0)),
      /takes 2 elements of float32, 8 bytes; the file holds 4 bytes/,
    ],
    [
      'half an element',
      rawTensor(DataType.FLOAT, [1, 2], new Uint8Array(10)),
      /the file holds 10 bytes/,
    ],
    [
      'too few numbers',
      typed(DataType.FLOAT, { floatData: [1] }),
      /the file holds 1 elements of float32/,
    ],
    ['no data', typed(DataType.FLOAT, {}), /the file holds 0 elements/],
    [
      'a negative size',
      create(TensorProtoSchema, { dataType: 1, dims: [-1n, -2n] }),
      /impossible shape \[-1, -2\]/,
    ],
    [
      'a size without bounds',
      create(TensorProtoSchema, { dataType: 1, dims: [2n ** 40n, 2n ** 40n] }),
      /impossible shape/,
    ],
    [
      'a size beyond the data',
      create(TensorProtoSchema, { dataType: 1, dims: [2n ** 20n, 2n ** 20n], rawData: bytes(1) }),
      /the file holds 1 bytes/,
    ],
  ])('%s is refused', (_, proto, message) => {
    const text = refusalOf(withWeight(proto));
    expect(text).toMatch(/^ERR_ONNX_INVALID: Tensor 'w'/);
    expect(text).toMatch(message);
  });
});

describe('external data', () => {
  const external = (entries: Record<string, string>): TensorProto =>
    create(TensorProtoSchema, {
      dataType: DataType.FLOAT,
      dims: [1n, 2n],
      dataLocation: DataLocation.EXTERNAL,
      externalData: Object.entries(entries).map(([key, value]) => ({ key, value })),
    });
  const data = new Uint8Array(Float32Array.of(9, 1, 2).buffer);
  const folderWith = (entries: Record<string, string>, files: Record<string, Uint8Array> = {}) =>
    temporaryFiles({ 'm.onnx': modelBytes(withWeight(external(entries))), ...files });
  const importFrom = async (entries: Record<string, string>, files?: Record<string, Uint8Array>) =>
    readOnnx(join(await folderWith(entries, files), 'm.onnx'), { loss });

  it('is read from the file beside the model, at its offset', async () => {
    const place = { location: 'm.onnx.data', offset: '4', length: '8' };
    const files = { 'm.onnx.data': data };
    const read = async (entries: Record<string, string>) =>
      readParameters((await importFrom(entries, files)).tensors, {});
    expect([...(await read(place))]).toEqual([1, 2]);
    expect([...(await read({ location: 'm.onnx.data' }))]).toEqual([9, 1]);
  });

  it('may lie in a folder below the model', async () => {
    const folder = await folderWith({ location: 'weights/w.bin' });
    await mkdir(join(folder, 'weights'));
    await writeFile(join(folder, 'weights/w.bin'), data);
    const file = pathToFileURL(join(folder, 'm.onnx'));
    const { tensors } = await readOnnx(file, { loss });
    expect([...(await readParameters(tensors, {}))]).toEqual([9, 1]);
  });

  it('absent: ERR_DATA with both names', async () => {
    await expect(importFrom({ location: 'gone.data' })).rejects.toEqual(
      refusal(
        'ERR_DATA',
        /^m\.onnx: The external data of the model.* cannot be read: .*gone\.data/,
      ),
    );
  });

  it('cut: ERR_DATA with the bytes needed and those there', async () => {
    const place = { location: 'm.onnx.data', offset: '8' };
    await expect(importFrom(place, { 'm.onnx.data': data })).rejects.toEqual(
      refusal(
        'ERR_DATA',
        /'m\.onnx\.data' is cut: tensor 'w' needs bytes 8 to 16, the file has 12/,
      ),
    );
  });

  it.each([
    '../secret',
    'a/../../secret',
    '/etc/hostname',
    '..\\secret',
    'C:\\secret',
    '\\\\host\\x',
  ])('a path that leaves the folder is refused unread: %s', async (location) => {
    await expect(importFrom({ location })).rejects.toEqual(
      refusal(
        'ERR_ONNX_INVALID',
        /names the external file '.*', which lies outside the model's folder/,
      ),
    );
  });

  it('a link that leaves the folder is refused', async () => {
    const elsewhere = await temporaryFiles({ secret: data });
    const folder = await folderWith({ location: 'link' });
    await symlink(join(elsewhere, 'secret'), join(folder, 'link'));
    await expect(readOnnx(join(folder, 'm.onnx'), { loss })).rejects.toEqual(
      refusal('ERR_ONNX_INVALID', /'link' is a link to '.*secret', outside the model's folder/),
    );
  });

  it.each<[string, Record<string, string>, RegExp]>([
    ['no location', {}, /Tensor 'w' lies in an external file but does not name it/],
    ['an offset of letters', { location: 'd', offset: 'x' }, /offset of its external data is 'x'/],
    ['a negative offset', { location: 'd', offset: '-4' }, /offset of its external data is '-4'/],
    ['another length', { location: 'd', length: '12' }, /12 bytes of 'd' are its data; .* take 8/],
  ])('%s is refused', async (_, entries, message) => {
    await expect(importFrom(entries, { d: data })).rejects.toEqual(
      refusal('ERR_ONNX_INVALID', message),
    );
  });

  it('of a model given as bytes cannot be found, and the error says what to do', () => {
    expect(refusalOf(withWeight(external({ location: 'm.onnx.data' })))).toMatch(
      /^ERR_DATA: Tensor 'w' lies in the external file 'm\.onnx\.data', .*give the path of the model/,
    );
  });

  it('cut at any byte is refused', () => {
    const model = modelBytes(withWeight(external({ location: 'd', offset: '4' })));
    for (let length = 0; length < data.length; length++) {
      const text = refusalOf(model, { loss, externalData: () => data.subarray(0, length) });
      expect(text).toMatch(/^ERR_DATA: External file 'd' is cut/);
    }
  });
});

describe('files', () => {
  it('an absent one is ERR_DATA with its path', async () => {
    await expect(importOnnx('/nowhere/m.onnx', { loss })).rejects.toEqual(
      refusal('ERR_DATA', /^The ONNX file cannot be read: .*\/nowhere\/m\.onnx/),
    );
  });

  it('a folder is ERR_DATA', async () => {
    const folder = await temporaryFiles({});
    await expect(importOnnx(folder, { loss })).rejects.toEqual(refusal('ERR_DATA', /is no file/));
  });

  it('an error about the content begins with the file’s name', async () => {
    const folder = await temporaryFiles({ 'cut.onnx': bytes(1, 2, 3) });
    await expect(importOnnx(join(folder, 'cut.onnx'), { loss })).rejects.toEqual(
      refusal('ERR_ONNX_INVALID', /^cut\.onnx: The bytes \(3\) are no ONNX model/),
    );
  });

  it('a URL that is no file is refused', async () => {
    await expect(importOnnx(new URL('https://example.com/m.onnx'), { loss })).rejects.toEqual(
      refusal('ERR_SPEC', /a path, a file: URL or bytes, not as https:\/\/example\.com\/m\.onnx/),
    );
  });

  it('without a loss the error says that ONNX has none', async () => {
    const options: object = {};
    await expect(importOnnx(bytes(), options as { loss: typeof loss })).rejects.toEqual(
      refusal('ERR_SPEC', /importOnnx: .*loss/),
    );
  });

  it('the network has the dtype asked for, float64 by default', async () => {
    const model = modelBytes(withWeight(tensor([1, 2], [1, 2])));
    expect((await importOnnx(model, { loss })).dtype).toBe('float64');
    const single = await importOnnx(model, { loss, dtype: 'float32' });
    expect(single.parameters()).toEqual(Float32Array.of(1, 2));
  });

  it('bytes may be overwritten as soon as the call has returned', async () => {
    const model = modelBytes(withWeight(tensor([1, 2], [1, 2])));
    const pending = importOnnx(model, { loss });
    model.fill(0);
    expect([...(await pending).parameters()]).toEqual([1, 2]);
  });
});
