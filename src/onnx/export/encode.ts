// A model's bytes. The entries of its tensors, which may be millions, are looked at and copied piece by piece,
// so that timers and files of the caller go on meanwhile.

import { setImmediate } from 'node:timers/promises';

import { create, toBinary } from '@bufbuild/protobuf';
import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire';

import { allocate, type ArrayOf, type DType } from '../../data/dtype.js';
import { EigenscapeError } from '../../errors.js';
import { throwIfAborted } from '../../long-call.js';
import { largestMagnitude, magnitudeKey } from '../magnitudes.js';
import {
  GraphProtoSchema,
  ModelProtoSchema,
  StringStringEntryProtoSchema,
  TensorProtoSchema,
  type GraphProto,
  type ModelProto,
} from '../onnx_pb.js';
import type { NamedEntries } from './graph-builder.js';

// Below a millisecond each.
const pieceEntries = 2 ** 16;
// Numbers of the fields, as onnx.proto has them.
const field = { graph: 7, initializer: 5, rawData: 9 } as const;

export interface ModelParts {
  /** The model without its graph. */
  readonly model: ModelProto;
  /** The graph without its tensors. */
  readonly graph: GraphProto;
  readonly tensors: readonly NamedEntries[];
}

/** @throws EigenscapeError ERR_NUMERIC for an entry that the dtype cannot hold; ERR_ABORTED */
export async function encodeModel(
  { model, graph, tensors }: ModelParts,
  { dtype, signal }: { readonly dtype: DType; readonly signal: AbortSignal | undefined },
): Promise<Uint8Array> {
  const largest = await largestEntry(tensors, dtype, signal);
  if (largest > largestMagnitude[dtype]) {
    const entry = create(StringStringEntryProtoSchema, { key: magnitudeKey, value: `${largest}` });
    model.metadataProps.push(entry);
  }
  const bytesPerEntry = allocate(dtype, 0).BYTES_PER_ELEMENT;
  const parts = tensors.map(({ head, values }) => {
    const size = values.length * bytesPerEntry;
    const raw = prefix(field.rawData, size);
    const own = toBinary(TensorProtoSchema, head);
    const start = prefix(field.initializer, own.length + raw.length + size);
    return { heads: [start, own, raw], values, size };
  });
  const head = toBinary(GraphProtoSchema, graph);
  const sizes = parts.flatMap(({ heads, size }) => [...heads.map(({ length }) => length), size]);
  const graphStart = prefix(
    field.graph,
    sizes.reduce((sum, size) => sum + size, head.length),
  );
  const target = new Target([toBinary(ModelProtoSchema, model), graphStart, head], sizes);
  for (const { heads, values } of parts) {
    heads.forEach((bytes) => {
      target.append(bytes);
    });
    for await (const piece of pieces(values, signal)) {
      const stored = allocate(dtype, piece.length);
      stored.set(piece);
      target.append(bytesOf(stored));
    }
  }
  return target.bytes;
}

/** Bytes of a length that is known beforehand. */
class Target {
  readonly bytes: Uint8Array;
  #end = 0;

  constructor(first: readonly Uint8Array[], sizesBehind: readonly number[]) {
    const sizes = [...first.map(({ length }) => length), ...sizesBehind];
    this.bytes = new Uint8Array(sizes.reduce((sum, size) => sum + size, 0));
    first.forEach((bytes) => {
      this.append(bytes);
    });
  }

  append(bytes: Uint8Array): void {
    this.bytes.set(bytes, this.#end);
    this.#end += bytes.length;
  }
}

/** The largest magnitude as the dtype holds it. */
async function largestEntry(
  tensors: readonly NamedEntries[],
  dtype: DType,
  signal: AbortSignal | undefined,
): Promise<number> {
  let largest = 0;
  for (const { head, values } of tensors) {
    let first = 0;
    for await (const piece of pieces(values, signal)) {
      // Not reduce, which calls a function for each of millions.
      for (const value of piece) largest = Math.max(largest, Math.abs(value));
      const held = dtype === 'float32' ? Math.fround(largest) : largest;
      if (!Number.isFinite(held)) throw notHeld(head.name, { values, from: first, dtype });
      first += piece.length;
    }
  }
  return dtype === 'float32' ? Math.fround(largest) : largest;
}

interface Unheld {
  readonly values: ArrayLike<number>;
  readonly from: number;
  readonly dtype: DType;
}

function notHeld(name: string, { values, from, dtype }: Unheld): EigenscapeError {
  let index = from;
  while (Number.isFinite(Math.fround(values[index] ?? NaN))) index += 1;
  const value = values[index] ?? NaN;
  return new EigenscapeError(
    'ERR_NUMERIC',
    `exportOnnx: entry ${index} of '${name}' is ${value}, which ${dtype} cannot hold; ` +
      "export with dtype: 'float64'",
    { details: { tensor: name, index, value } },
  );
}

/** The entries in order; between pieces the event loop goes on. */
async function* pieces(
  values: NamedEntries['values'],
  signal: AbortSignal | undefined,
): AsyncGenerator<NamedEntries['values']> {
  if (values.length <= pieceEntries) {
    yield values;
    return;
  }
  for (let first = 0; first < values.length; first += pieceEntries) {
    throwIfAborted(signal);
    const end = first + pieceEntries;
    yield 'subarray' in values ? values.subarray(first, end) : values.slice(first, end);
    await setImmediate();
  }
}

/** Little-endian, as ONNX has it and every machine that the addon is built for. */
function bytesOf({ buffer, byteOffset, byteLength }: ArrayOf[DType]): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength);
}

/** What stands before a field of `length` bytes. */
function prefix(number: number, length: number): Uint8Array {
  return new BinaryWriter().tag(number, WireType.LengthDelimited).uint32(length).finish();
}
