// The long run over the largest network: what is kept of it, and what the page shows.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';

import { describe, expect, it } from 'vitest';

import { root } from '../project/source-files.js';

interface Kept {
  readonly dtype: string;
  readonly seconds: number;
}
interface Records {
  readonly readRecords: (file?: string) => Kept[];
  readonly keepRecord: (file: string, record: Kept) => void;
  readonly recordSection: (records: readonly Kept[]) => string;
}

const { readRecords, keepRecord, recordSection } = (await import(
  pathToFileURL(path.join(root, 'bench/largest-network-record.mjs')).href
)) as Records;

describe('records of the largest network', () => {
  it('a new one takes the place of the last of its dtype', () => {
    const folder = mkdtempSync(path.join(tmpdir(), 'eigenscape-bench-'));
    const file = path.join(folder, 'records.json');
    expect(readRecords(file)).toEqual([]);
    keepRecord(file, { dtype: 'float32', seconds: 3 });
    keepRecord(file, { dtype: 'float64', seconds: 2 });
    keepRecord(file, { dtype: 'float32', seconds: 1 });
    expect(readRecords(file)).toEqual([
      { dtype: 'float64', seconds: 2 },
      { dtype: 'float32', seconds: 1 },
    ]);
    rmSync(folder, { recursive: true });
  });

  it('the section shows both dtypes, every stage and the error bound; without records there is none', () => {
    const section = recordSection(readRecords());
    expect(section).toMatch(/^\| +\| +float64 \| float32 +\|$/m);
    expect(section).toMatch(/^\| full to band +\| +\S+ s \| \S+ s +\|$/m);
    expect(section).toMatch(/^\| error bound +\| +\d\.\d\de-\d+ \| \d\.\d\de-\d +\|$/m);
    expect(recordSection([])).toBe('');
  });
});
