// The files of a model: itself and those beside it that hold its large weights.

import { readFile, realpath, stat } from 'node:fs/promises';
import { basename, dirname, join, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describeValue } from '../describe-value.js';
import { EigenscapeError, isEigenscapeError } from '../errors.js';
import { externalLocations } from './external-data.js';
import { throwIfAborted } from '../long-call.js';
import { invalid } from './failures.js';
import { decodeModel } from './graph.js';
import { parseModel, type ParsedOnnx, type ParseOptions } from './parse.js';

/** Reads a model as {@link parseOnnx} does, with its external data when a path is given.
 *  @throws EigenscapeError as parseOnnx; ERR_DATA when a file is absent or cannot be read */
export async function readOnnx(
  fileOrBytes: string | URL | Uint8Array,
  options: Pick<ParseOptions, 'loss'>,
  signal?: AbortSignal,
): Promise<ParsedOnnx> {
  if (fileOrBytes instanceof Uint8Array) return parseModel(decodeModel(fileOrBytes), options);
  const path = filePath(fileOrBytes);
  const bytes = await contents(path, 'The ONNX file', signal);
  throwIfAborted(signal);
  try {
    const model = decodeModel(bytes);
    const files = new Map<string, Uint8Array>();
    for (const location of externalLocations(model)) {
      files.set(location, await externalFile(path, location, signal));
      throwIfAborted(signal);
    }
    return parseModel(model, { ...options, externalData: (location) => fileAt(files, location) });
  } catch (error) {
    if (!isEigenscapeError(error) || error.code === 'ERR_ABORTED') throw error;
    const { code, message, details, cause } = error;
    const named = { details: { ...details, file: path }, cause };
    throw new EigenscapeError(code, `${basename(path)}: ${message}`, named);
  }
}

function filePath(file: string | URL): string {
  if (typeof file === 'string') return file;
  if (file instanceof URL && file.protocol === 'file:') return fileURLToPath(file);
  throw new EigenscapeError(
    'ERR_SPEC',
    `An ONNX model is given as a path, a file: URL or bytes, not as ${file instanceof URL ? file.href : describeValue(file)}.`,
    { details: { call: 'importOnnx', value: file } },
  );
}

function fileAt(files: ReadonlyMap<string, Uint8Array>, location: string): Uint8Array {
  const file = files.get(location);
  if (file !== undefined) return file;
  throw new EigenscapeError('ERR_INTERNAL', `External file '${location}' was not read.`, {
    details: { location },
  });
}

/** A file in the model's folder; a link that leads out of it is refused like a path that does. */
async function externalFile(
  model: string,
  location: string,
  signal?: AbortSignal,
): Promise<Uint8Array> {
  const what = 'The external data of the model, which should lie beside it,';
  const [folder, target] = await reading(what, () =>
    Promise.all([realpath(dirname(model)), realpath(join(dirname(model), location))]),
  );
  if (target.startsWith(folder.endsWith(sep) ? folder : folder + sep)) {
    return contents(target, what, signal);
  }
  throw invalid(
    `The external file '${location}' is a link to '${target}', outside the model's folder; only ` +
      'files in that folder are read.',
  );
}

async function contents(path: string, what: string, signal?: AbortSignal): Promise<Uint8Array> {
  return reading(
    what,
    async () => {
      // Opening a pipe or a device could wait for ever.
      if (!(await stat(path)).isFile()) throw new Error(`'${path}' is no file`);
      return readFile(path, { signal });
    },
    signal,
  );
}

async function reading<T>(what: string, read: () => Promise<T>, signal?: AbortSignal): Promise<T> {
  try {
    return await read();
  } catch (cause) {
    throwIfAborted(signal);
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new EigenscapeError('ERR_DATA', `${what} cannot be read: ${reason}`, {
      cause,
      details: { reason },
    });
  }
}
