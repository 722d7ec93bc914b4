// The header of an npy file (versions 1 to 3): magic, version, length, and a Python dict literal,
// which is read strictly:  {'descr': '<f8', 'fortran_order': False, 'shape': (2, 3), }

import { EigenscapeError } from '../errors.js';

export interface NpyHeader {
  /** Byte order, kind and bytes per element: '<f8'. */
  readonly descr: string;
  /** Whether the first index varies fastest in the file. */
  readonly fortranOrder: boolean;
  readonly shape: readonly number[];
  /** Where the elements begin in the file. */
  readonly dataOffset: number;
}

type Literal = string | boolean | readonly number[];

/** @throws EigenscapeError ERR_DATA when the bytes are no npy header; the message names the file */
export function parseNpyHeader(file: string, bytes: Buffer): NpyHeader {
  checkMagic(file, bytes);
  const [major, minor] = [bytes.readUInt8(6), bytes.readUInt8(7)];
  if (major < 1 || major > 3 || minor !== 0) {
    throw damaged(file, `npy version ${major}.${minor}; expected 1.0, 2.0 or 3.0`);
  }
  const start = major === 1 ? 10 : 12;
  if (bytes.length < start) throw cutHeader(file, bytes.length, start);
  const dataOffset = start + (major === 1 ? bytes.readUInt16LE(8) : bytes.readUInt32LE(8));
  if (bytes.length < dataOffset) throw cutHeader(file, bytes.length, dataOffset);

  const text = bytes.toString(major === 3 ? 'utf8' : 'latin1', start, dataOffset);
  const dict = parseDict(file, text);
  const descr = dict.get('descr');
  const fortranOrder = dict.get('fortran_order');
  const shape = dict.get('shape');
  if (
    dict.size !== 3 ||
    typeof descr !== 'string' ||
    typeof fortranOrder !== 'boolean' ||
    typeof shape !== 'object'
  ) {
    throw damaged(
      file,
      `the header is ${quote(text)}; expected a string 'descr', a boolean 'fortran_order' ` +
        `and a tuple ` +
        "'shape', and nothing else",
    );
  }
  return { descr, fortranOrder, shape, dataOffset };
}

function checkMagic(file: string, bytes: Buffer): void {
  const start = bytes.toString('latin1', 0, 6);
  if (start === '\x93NUMPY') {
    if (bytes.length < 8) throw cutHeader(file, bytes.length, 8);
    return;
  }
  if ('\x93NUMPY'.startsWith(start)) throw cutHeader(file, bytes.length, 8);
  const guess = start.startsWith('PK\x03\x04')
    ? ': this is an .npz archive; save each array with numpy.save'
    : start.startsWith('\x80')
      ? ': this is a Python pickle, which is never read; save the array with numpy.save'
      : '';
  throw damaged(file, `begins with ${quote(start)}; expected "\\x93NUMPY"${guess}`);
}

/** The entries of a dict literal whose keys are strings and whose values are strings, booleans
 *  or tuples of integers of at least 0. */
function parseDict(file: string, text: string): ReadonlyMap<string, Literal> {
  const tokens = tokenize(file, text);
  let position = 0;
  const next = () => tokens[position++] ?? 'the end';
  const expect = (wanted: string, token = next()) => {
    if (token !== wanted) {
      throw damaged(file, `the header ${quote(text)} has ${token} where ${wanted} is expected`);
    }
  };
  const tuple = (): number[] => {
    const extents: number[] = [];
    let token = next();
    let commas = 0;
    while (/^\d/.test(token)) {
      extents.push(Number.parseInt(token, 10));
      token = next();
      if (token !== ',') break;
      commas++;
      token = next();
    }
    expect(')', token);
    // In Python (3) is a number and (3,) a tuple.
    if (extents.length === 1 && commas === 0) expect('a comma', ')');
    return extents;
  };
  const value = (): Literal => {
    const token = next();
    if (token === 'True' || token === 'False') return token === 'True';
    if (token === '(') return tuple();
    return string(token);
  };
  const string = (token: string): string => {
    if (!/^['"]/.test(token)) expect('a string', token);
    return token.slice(1, -1);
  };

  const dict = new Map<string, Literal>();
  expect('{');
  for (let token = next(); token !== '}';) {
    const key = string(token);
    if (dict.has(key)) throw damaged(file, `the header ${quote(text)} has '${key}' twice`);
    expect(':');
    dict.set(key, value());
    token = next();
    if (token === ',') token = next();
    else expect('}', token);
  }
  if (position < tokens.length) expect('the end');
  return dict;
}

function tokenize(file: string, text: string): string[] {
  // A string without escapes, a boolean, an integer (numpy under Python 2 wrote 3L), or
  // punctuation.
  const pattern = /\s*('[^'\\]*'|"[^"\\]*"|True|False|\d+L?|[{}(),:])/y;
  const tokens: string[] = [];
  const end = text.trimEnd().length;
  while (pattern.lastIndex < end) {
    const start = pattern.lastIndex;
    const token = pattern.exec(text)?.[1];
    if (token !== undefined) {
      tokens.push(token);
      continue;
    }
    const rest = text.slice(start).trimStart();
    throw damaged(
      file,
      rest.startsWith('[')
        ? `a structured array, ${quote(rest)}; save its columns as one plain array of numbers`
        : `the header ${quote(text)} cannot be read from ${quote(rest)} on`,
    );
  }
  return tokens;
}

function quote(text: string): string {
  const shown = JSON.stringify(text.trimEnd());
  return shown.length > 120 ? `${shown.slice(0, 120)}…` : shown;
}

function cutHeader(file: string, actual: number, expected: number): EigenscapeError {
  return new EigenscapeError(
    'ERR_DATA',
    `${file}: ${actual} bytes; expected at least ${expected} for the npy header: the file is ` +
      'cut off',
    { details: { file, given: actual, expected } },
  );
}

function damaged(file: string, what: string): EigenscapeError {
  return new EigenscapeError('ERR_DATA', `${file}: ${what}`, { details: { file } });
}
