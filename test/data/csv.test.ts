import { pathToFileURL } from 'node:url';
import { gzipSync } from 'node:zlib';

import { describe, expect, test } from 'vitest';

import { loadCsv } from '../../src/data/csv.js';
import type { CsvOptions } from '../../src/data/csv.js';
import { refusal } from './refusal.js';
import { temporaryFile } from './temporary-files.js';

const load = async (content: string | Uint8Array, options: CsvOptions) =>
  loadCsv(await temporaryFile('x.csv', content), options);

describe('what is read', () => {
  const named = 'width,class,height\n1,0,2.5\n-3,1,4e-1\n';

  test('a target by name takes its column, and the others are inputs in their order', async () => {
    const data = await load(named, { target: 'class' });
    expect(data).toMatchObject({
      sampleCount: 2,
      inputShape: [2],
      classCount: 2,
      dtype: 'float64',
    });
    expect([...data.inputs()]).toEqual([1, 2.5, -3, 0.4]);
    expect([...data.targets()]).toEqual([0, 1]);
    expect(data.values.integerTargets).toBe(true);
  });

  test('a target by index needs no header, and takes one if told so', async () => {
    const bare = await load('1,0,2.5\n-3,1,0.4', { target: 1 });
    const headed = await load(named, { target: 1, header: true });
    for (const data of [bare, headed]) {
      expect([...data.inputs()]).toEqual([1, 2.5, -3, 0.4]);
      expect([...data.targets()]).toEqual([0, 1]);
    }
  });

  test.each<[string, string | Uint8Array, CsvOptions]>([
    [
      'CRLF, a byte order mark and empty lines',
      `\ufeff${named.replaceAll('\n', '\r\n\r\n')}`,
      { target: 'class' },
    ],
    ['quotes and blanks', '"width", class ,height\n "1",0, 2.5\n-3,"1",+.4\n', { target: 'class' }],
    ['another delimiter', named.replaceAll(',', ';'), { target: 'class', delimiter: ';' }],
    ['gzip', gzipSync(named), { target: 'class', header: undefined, delimiter: undefined }],
  ])('%s: the same data', async (_, content, options) => {
    const data = await load(content, options);
    expect([...data.inputs()]).toEqual([1, 2.5, -3, 0.4]);
    expect([...data.targets()]).toEqual([0, 1]);
  });

  test('a file: URL is a file', async () => {
    const url = pathToFileURL(await temporaryFile('a b.csv', '1,2'));
    expect((await loadCsv(url, { target: 0 })).sampleCount).toBe(1);
  });

  test('a line may be longer than one piece of the stream', async () => {
    const cells = Array.from({ length: 40_000 }, (_, index) => index / 7);
    const data = await load(`${cells.join(',')}\n${cells.join(',')}\n`, { target: 0 });
    expect(data.inputSize).toBe(39_999);
    expect([...data.inputs()]).toEqual([...cells.slice(1), ...cells.slice(1)]);
  });
});

describe('refusals', () => {
  test.each<[string, string, CsvOptions, RegExp]>([
    [
      'a word as class',
      'x,class\n1,0\n2,setosa\n',
      { target: 'class' },
      /x\.csv: line 3, column 1 \("class"\) is "setosa"; expected a number|finite/,
    ],
    [
      'an empty cell',
      '1,2\n3,\n',
      { target: 0 },
      /line 2, column 1 is ""; expected a finite number/,
    ],
    ['nan', '1,2\n3,nan\n', { target: 0 }, /line 2, column 1 is "nan"/],
    ['Infinity', '1,2\n3,Infinity\n', { target: 0 }, /line 2, column 1 is "Infinity"/],
    ['hexadecimal', '1,0x10\n', { target: 0 }, /line 1, column 1 is "0x10"/],
    [
      'beyond float64',
      '1,1e999\n',
      { target: 0 },
      /line 1, column 1 is "1e999"; expected a finite number/,
    ],
    ['an integer beyond 2⁵³', '1,9007199254740993\n', { target: 0 }, /expected an integer between/],
    [
      'a header not announced',
      'a,b\n1,2\n',
      { target: 0 },
      /line 1, column 0 is "a".*pass header: true/,
    ],
    [
      'a line too short',
      '1,2,3\n4,5\n',
      { target: 0 },
      /Invalid Record Length: expect 3, got 2 on line 2/,
    ],
    [
      'a line too long',
      '1,2\n4,5,6\n',
      { target: 0 },
      /Invalid Record Length: expect 2, got 3 on line 2/,
    ],
    ['an open quote', '1,"2\n3,4\n', { target: 0 }, /Quote Not Closed/],
    [
      'no such name',
      'a,b\n1,2\n',
      { target: 'c' },
      /has 0 columns named "c"; expected one; there are "a", "b"/,
    ],
    ['a name twice', 'a,b,a\n1,2,3\n', { target: 'a' }, /has 2 columns named "a"/],
    ['no such index', '1,2\n', { target: 2 }, /has no column 2; there are 2, from 0 on/],
    [
      'a name without a header',
      '1,2\n',
      { target: 'a', header: false },
      /no names without a header/,
    ],
    ['the target alone', '1\n2\n', { target: 0 }, /has 1 column; expected at least one input/],
    ['an empty file', '', { target: 0 }, /x\.csv: holds nothing; expected samples/],
    ['only a header', 'a,b\n', { target: 'a' }, /holds a header at most/],
  ])('%s: ERR_DATA with file, line and column', async (_, content, options, message) => {
    await expect(load(content, options)).rejects.toEqual(refusal('ERR_DATA', message));
  });

  test('the line is the one in the file, empty lines and header counted', async () => {
    await expect(load('a,b\n\n1,2\n\n3,x\n', { target: 'a' })).rejects.toEqual(
      refusal('ERR_DATA', /line 5, column 1 \("b"\) is "x"/, { line: 5, value: 'x' }),
    );
  });

  test('an absent file is ERR_DATA', async () => {
    await expect(loadCsv('/nowhere.csv', { target: 0 })).rejects.toEqual(
      refusal('ERR_DATA', /^\/nowhere\.csv: no such file or directory$/),
    );
  });

  test.each<[string, unknown, RegExp]>([
    ['no target', {}, /option 'target' is missing/],
    [
      'a negative target',
      { target: -1 },
      /'target' is -1; expected the name of a column or its index from 0/,
    ],
    ['a quote as delimiter', { target: 0, delimiter: '"' }, /'delimiter' is/],
    [
      'no options',
      undefined,
      /given undefined; expected \{ target, header, delimiter, signal, onProgress \}/,
    ],
  ])('%s: ERR_SPEC', async (_, options, message) => {
    await expect(load('1,2', options as CsvOptions)).rejects.toEqual(refusal('ERR_SPEC', message));
  });
});
