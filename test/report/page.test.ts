import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { beforeAll, describe, expect, it } from 'vitest';

import { reportPage } from '../../src/report/page.js';
import { writeReport } from '../../src/report/write-report.js';
import { HOSTILE, sampleReport, sampleSpectrum } from './sample-report.js';

describe('reportPage', () => {
  let html = '';
  /** The page without its scripts and JSON. */
  let markup = '';
  const count = (text: string, pattern: RegExp): number => text.match(pattern)?.length ?? 0;

  beforeAll(async () => {
    html = await reportPage(sampleReport);
    markup = html.replace(/<script[^]*?<\/script>/g, '');
  });

  // Counts, not texts, are compared: a failure must not print the page.

  it('loads nothing: no source, link or import in it has an address', () => {
    expect(count(markup, /<link|<iframe|<object|<embed|@import|url\((?!#)/gi)).toBe(0);
    expect(count(html, /<(script|img)[^>]+src=/gi)).toBe(0);
    expect(count(markup, /\b(src|href)\s*=\s*["']?\s*(https?:)?\/\//gi)).toBe(0);
    expect(count(html, /content="default-src &#39;none&#39;/g)).toBe(1);
  });

  it('keeps HTML in titles, names, cells and data as text', () => {
    expect(html.includes(HOSTILE)).toBe(false);
    expect(count(html, /<img/g)).toBe(0);
    expect(count(html, /alert\(2\)<\/script>/g)).toBe(0);
  });

  it('holds the charts drawn beforehand, the table, the claims, the manifest and the licences', () => {
    expect(count(markup, /<svg/g)).toBe(sampleReport.charts.length);
    for (const text of [
      '<td>12,345</td>',
      'It does not.',
      '<dt>optimizer</dt><dd>type sgd · learningRate 0.1</dd>',
      'University of Washington Interactive Data Lab',
      'd3-scale@',
    ]) {
      expect(markup.includes(text), text).toBe(true);
    }
  });

  it('names every clip path once, so that charts do not clip each other', () => {
    const ids = [...markup.matchAll(/\bid="([^"]+)"/g)].map(([, id]) => id);
    expect(new Set(ids).size).toBe(ids.length);
  });

  it('holds its data whole', () => {
    const json = /<script type="application\/json" id="data-1">([^]*?)<\/script>/.exec(html)?.[1];
    const expected = { name: HOSTILE, eigenvalues: [...sampleSpectrum(1)] };
    expect(JSON.parse(json ?? '')).toEqual(expected);
  });
});

describe('writeReport', () => {
  it('takes a spectrum as it is and makes the folders of its file', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'eigenscape-report-'));
    try {
      const term = {
        method: 'dense',
        eigenvalues: sampleSpectrum(1),
        exactZeros: 100,
        errorBound: 1e-12,
        errorEstimate: 1e-14,
        via: 'closedForm',
      } as const;
      const facts = { parameterCount: 1000, sampleCount: 64, loss: 0.5 };
      const file = join(folder, 'deep', 'er', 'spectrum.html');
      await writeReport({ ...facts, terms: { hessian: term } }, file);
      const html = await readFile(file, 'utf8');
      expect(html.includes('Hessian H')).toBe(true);
      expect(html.includes('All 1,000 eigenvalues in order')).toBe(true);
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});
