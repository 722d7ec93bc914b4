// Writes src/data/digits-bytes.ts from the UCI digits, lines of 64 pixels and a label, gzipped or
// not.
//
//     node scripts/embed-digits.mjs digits.csv.gz

import { readFileSync, writeFileSync } from 'node:fs';
import { gunzipSync, gzipSync } from 'node:zlib';

const [source] = process.argv.slice(2);
if (source === undefined) {
  console.error('usage: node scripts/embed-digits.mjs digits.csv[.gz]');
  process.exit(2);
}
const bytes = readFileSync(source);
const text = (bytes[0] === 0x1f && bytes[1] === 0x8b ? gunzipSync(bytes) : bytes).toString('ascii');
const rows = text
  .trim()
  .split('\n')
  .map((line) => line.split(',').map(Number));
const valid = (row) =>
  row.length === 65 && row.every((value) => Number.isInteger(value) && value >= 0 && value <= 16);
if (rows.length !== 1797 || !rows.every(valid)) {
  console.error(`${source}: expected 1797 lines of 65 integers from 0 to 16`);
  process.exit(2);
}

const base64 = gzipSync(Uint8Array.from(rows.flat()), { level: 9 }).toString('base64');
const lines = base64.match(/.{1,94}/g).map((piece) => `  '${piece}',\n`);
writeFileSync(
  new URL('../src/data/digits-bytes.ts', import.meta.url),
  `// Written by scripts/embed-digits.mjs: 1,797 rows of 64 pixels and a label, a byte each,
// gzipped, in base64. Licensed under CC BY 4.0 (https://creativecommons.org/licenses/by/4.0/) from
// E. Alpaydin, C. Kaynak, "Optical Recognition of Handwritten Digits", UCI Machine Learning
// Repository, https://doi.org/10.24432/C50P49.

export const digitsBase64 = [
${lines.join('')}].join('');
`,
);
