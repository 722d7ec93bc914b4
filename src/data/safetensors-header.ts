// The header of a safetensors file (github.com/huggingface/safetensors): 8 bytes of length,
// little-endian, then JSON, padded with spaces; after it the tensors' bytes without gaps.
//
//     { "__metadata__": { "key": "text" },
//       "fc1.weight": { "dtype": "F32", "shape": [30, 100], "data_offsets": [0, 12000] } }

import { endianness } from 'node:os';

import * as v from 'valibot';

import { describeValue } from '../describe-value.js';
import { EigenscapeError } from '../errors.js';

/** Bytes of an element of each type that is read. */
const elementSizes = {
  F64: 8,
  F32: 4,
  F16: 2,
  BF16: 2,
  I64: 8,
  U64: 8,
  I32: 4,
  U32: 4,
  I16: 2,
  U16: 2,
  I8: 1,
  U8: 1,
  BOOL: 1,
};

/** An element type, by the format's name. */
export type SafetensorsType = keyof typeof elementSizes;

export interface TensorEntry {
  readonly name: string;
  readonly type: SafetensorsType;
  readonly shape: readonly number[];
  /** Its bytes are [begin, end) of what follows the header. */
  readonly begin: number;
  readonly end: number;
}

export interface SafetensorsHeader {
  /** In the order of their bytes. */
  readonly tensors: readonly TensorEntry[];
  readonly metadata: ReadonlyMap<string, string>;
}

/** Bytes of the length before the header. */
export const lengthBytes = 8;

/** The longest header that is read or written, far above what a thousand tensors need. */
export const longestHeader = 2 ** 24;

/** Files that this library writes hold under this key the SHA-256 of all that follows the length, with
 *  zeros in the digest's place. */
export const digestKey = 'eigenscape.sha256';
export const noDigest = '0'.repeat(64);

/** What is read or written at once: hashing it takes 0.5 to 3 ms, then the event loop turns. */
export const pieceBytes = 2 ** 20;

const metadataKey = '__metadata__';

// The header, an entry, and a list in it.
const deepest = 3;

const extent = v.pipe(v.number(), v.safeInteger(), v.minValue(0));
const entrySchema = v.strictObject({
  dtype: v.string(),
  shape: v.array(extent),
  data_offsets: v.strictTuple([extent, extent]),
});
const metadataSchema = v.record(v.string(), v.string());

/** @param bytes the JSON, without the length before it
 *  @param dataBytes how much follows the header in the file
 *  @throws EigenscapeError ERR_DATA naming the file and what is wrong in it
 *  @internal */
export function parseHeader(file: string, bytes: Buffer, dataBytes: number): SafetensorsHeader {
  const json = parseJson(file, bytes);
  const metadata = new Map<string, string>();
  const tensors: TensorEntry[] = [];
  for (const [name, value] of Object.entries(json)) {
    if (name !== metadataKey) {
      tensors.push(parseEntry(file, name, value));
      continue;
    }
    const { success, output } = v.safeParse(metadataSchema, value);
    if (!success) throw damaged(file, `"${metadataKey}" in the header is no map of texts`);
    Object.entries(output).forEach(([key, text]) => metadata.set(key, text));
  }
  tensors.sort((a, b) => a.begin - b.begin || a.end - b.end);
  requireNoGaps(file, tensors, dataBytes);
  return { tensors, metadata };
}

function parseJson(file: string, bytes: Buffer): object {
  let text: string;
  try {
    // A byte order mark is kept, and refused below.
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (cause) {
    throw damaged(file, 'the header is no UTF-8 text', { cause });
  }
  if (!text.startsWith('{')) throw damaged(file, 'the header does not begin with "{"');
  let json: unknown;
  try {
    refuseRepeatedKeys(file, text);
    json = JSON.parse(text);
  } catch (cause) {
    if (!(cause instanceof SyntaxError)) throw cause;
    throw damaged(file, `the header is no JSON (${cause.message})`, { cause });
  }
  if (typeof json === 'object' && json !== null) return json;
  throw damaged(file, 'the header is no JSON object');
}

/** JSON.parse takes the last of equal keys in silence; and text that nests a million deep would cost
 *  it a hundred times its length. This reads tokens only: whether they are JSON is for JSON.parse. */
function refuseRepeatedKeys(file: string, text: string): void {
  const open: Set<string>[] = [];
  let token = '';
  for (let at = 0; at < text.length; at += 1) {
    switch (text[at]) {
      case '"': {
        const end = closingQuote(text, at);
        token = text.slice(at, end + 1);
        at = end;
        break;
      }
      case ':': {
        const key = String(JSON.parse(token));
        if (open.at(-1)?.has(key) === true) {
          throw damaged(file, `the header has ${describeValue(key)} twice`);
        }
        open.at(-1)?.add(key);
        break;
      }
      case '{':
      case '[':
        if (open.push(new Set()) > deepest) throw damaged(file, 'the header nests too deeply');
        break;
      case '}':
      case ']':
        open.pop();
        break;
      default:
    }
  }
}

function closingQuote(text: string, start: number): number {
  for (let at = start + 1; at < text.length; at += 1) {
    if (text[at] === '"') return at;
    if (text[at] === '\\') at += 1;
  }
  return text.length;
}

function isType(name: string): name is SafetensorsType {
  return Object.hasOwn(elementSizes, name);
}

function parseEntry(file: string, name: string, value: unknown): TensorEntry {
  const tensor = `tensor ${describeValue(name)}`;
  const { success, output } = v.safeParse(entrySchema, value);
  if (!success) {
    throw damaged(
      file,
      `${tensor} is not described by { "dtype", "shape", "data_offsets": [begin, end] } with ` +
        'integers of at least 0',
    );
  }
  const {
    dtype,
    shape,
    data_offsets: [begin, end],
  } = output;
  if (!isType(dtype)) {
    const known = Object.keys(elementSizes).join(', ');
    throw damaged(
      file,
      `${tensor} holds elements ${describeValue(dtype)}; those that are read are ${known}; convert it, ` +
        'as with tensor.float(), before saving',
    );
  }
  const expected = shape.reduce((product, size) => product * size, elementSizes[dtype]);
  if (end - begin !== expected) {
    throw damaged(
      file,
      `${tensor} of shape [${shape.join(', ')}] and type ${dtype} has the offsets ${begin} to ${end}, ` +
        `${end - begin} bytes; expected ${expected}`,
    );
  }
  return { name, type: dtype, shape, begin, end };
}

/** Each tensor begins where the one before it ends, and the last ends with the file. */
function requireNoGaps(file: string, tensors: readonly TensorEntry[], dataBytes: number): void {
  let expected = 0;
  for (const { name, begin, end } of tensors) {
    if (begin !== expected) {
      throw damaged(
        file,
        `tensor ${describeValue(name)} begins at byte ${begin} of the data; expected ${expected}, where ` +
          'the one before it ends',
      );
    }
    expected = end;
  }
  if (expected === dataBytes) return;
  const what = expected > dataBytes ? 'the file is cut off' : 'something else follows';
  throw damaged(
    file,
    `${dataBytes} bytes of data; expected ${expected} for the tensors in the header: ${what}`,
    { details: { actual: dataBytes, expected } },
  );
}

/** The length and the header, padded so that what follows is aligned.
 *  @param tensors in the order of their bytes
 *  @throws EigenscapeError ERR_SPEC when two tensors have one name, or the header would be too long
 *  @internal */
export function formatHeader(
  tensors: readonly Omit<TensorEntry, 'begin' | 'end'>[],
  metadata: ReadonlyMap<string, string>,
): Buffer {
  const header = new Map<string, unknown>([[metadataKey, Object.fromEntries(metadata)]]);
  let begin = 0;
  for (const { name, type, shape } of tensors) {
    if (header.has(name)) {
      throw new EigenscapeError(
        'ERR_SPEC',
        `Two tensors of the file would be called ${describeValue(name)}; give layers other names`,
        { details: { name } },
      );
    }
    const end = shape.reduce((product, size) => product * size, elementSizes[type]) + begin;
    header.set(name, { dtype: type, shape, data_offsets: [begin, end] });
    begin = end;
  }
  const text = JSON.stringify(Object.fromEntries(header));
  const bytes = Math.ceil(Buffer.byteLength(text) / lengthBytes) * lengthBytes;
  if (bytes > longestHeader) {
    throw new EigenscapeError(
      'ERR_SPEC',
      `The header of the file would have ${bytes} bytes; expected at most ${longestHeader}; keep fewer ` +
        'records in it',
      { details: { bytes, expected: longestHeader } },
    );
  }
  const result = Buffer.alloc(lengthBytes + bytes, ' ');
  result.writeBigUInt64LE(BigInt(bytes));
  result.write(text, lengthBytes);
  return result;
}

/** The format is little-endian, and its bytes become arrays as they are.
 *  @throws EigenscapeError ERR_SPEC on a machine of the other order */
export function requireLittleEndian(): void {
  if (endianness() === 'LE') return;
  throw new EigenscapeError(
    'ERR_SPEC',
    'this machine is big-endian, and safetensors files need a little-endian one; convert them elsewhere',
    { details: { given: endianness(), expected: 'LE' } },
  );
}

/** What is wrong with a file. */
export function damaged(
  file: string,
  what: string,
  {
    cause,
    details = {},
  }: { readonly cause?: unknown; readonly details?: Readonly<Record<string, unknown>> } = {},
): EigenscapeError {
  return new EigenscapeError('ERR_DATA', `${file}: ${what}`, {
    details: { file, ...details },
    ...(cause === undefined ? {} : { cause }),
  });
}
