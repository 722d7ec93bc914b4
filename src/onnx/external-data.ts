// Tensors whose bytes lie in a second file, beside the model: where they lie, and what is refused.

import { EigenscapeError } from '../errors.js';
import { invalid } from './failures.js';
import { TensorProto_DataLocation, type ModelProto, type TensorProto } from './onnx_pb.js';

/** Gives the bytes of the file at `location`, a path relative to the model's folder. */
export type ExternalDataReader = (location: string) => Uint8Array;

export function isExternal(proto: TensorProto): boolean {
  return proto.dataLocation === TensorProto_DataLocation.EXTERNAL;
}

/** The files beside the model that its initializers name, each once, in the file's order. */
export function externalLocations(model: ModelProto): readonly string[] {
  const tensors = model.graph?.initializer.filter(isExternal) ?? [];
  return [...new Set(tensors.map((proto) => place(proto).location))];
}

/** The bytes of one tensor in its external file; a view, not a copy.
 *  @throws EigenscapeError ERR_DATA when the file is absent or cut, ERR_ONNX_INVALID when its path
 *  leaves the model's folder or its place in the file is no place */
export function externalBytes(
  proto: TensorProto,
  expectedBytes: number,
  read: ExternalDataReader | undefined,
): Uint8Array {
  const { location, offset, length } = place(proto);
  if (length !== undefined && length !== expectedBytes) {
    throw invalid(
      `Tensor '${proto.name}' says that ${length} bytes of '${location}' are its data; its shape ` +
        `and type take ${expectedBytes}.`,
    );
  }
  if (read === undefined) {
    throw new EigenscapeError(
      'ERR_DATA',
      `Tensor '${proto.name}' lies in the external file '${location}', which the model's bytes do ` +
        'not hold: give the path of the model instead of its bytes, or export it in one file ' +
        '(external_data=False).',
      { details: { tensor: proto.name, location } },
    );
  }
  const file = read(location);
  if (file.byteLength < offset + expectedBytes) {
    throw new EigenscapeError(
      'ERR_DATA',
      `External file '${location}' is cut: tensor '${proto.name}' needs bytes ${offset} to ` +
        `${offset + expectedBytes}, the file has ${file.byteLength}. Copy or export it again.`,
      { details: { tensor: proto.name, location, bytes: file.byteLength } },
    );
  }
  return file.subarray(offset, offset + expectedBytes);
}

function place(proto: TensorProto) {
  const entries = new Map(proto.externalData.map(({ key, value }) => [key, value]));
  const location = entries.get('location') ?? '';
  // A model may come from anyone: its paths must not reach files that lie elsewhere.
  const segments = location.split(/[/\\]/);
  if (location === '' || location.includes('\0')) {
    throw invalid(`Tensor '${proto.name}' lies in an external file but does not name it.`);
  }
  if (segments[0] === '' || /^[A-Za-z]:/.test(location) || segments.includes('..')) {
    throw invalid(
      `Tensor '${proto.name}' names the external file '${location}', which lies outside the ` +
        "model's folder; only files in that folder are read.",
    );
  }
  const bytes = (key: string) => {
    const text = entries.get(key);
    if (text === undefined) return undefined;
    const value = Number(text);
    if (/^\d+$/.test(text) && Number.isSafeInteger(value)) return value;
    throw invalid(
      `Tensor '${proto.name}': ${key} of its external data is '${text}', no count of bytes.`,
    );
  };
  return { location, offset: bytes('offset') ?? 0, length: bytes('length') };
}
