// The site is built without a warning (a docstring that lacks is one), and no link in it leads nowhere.

import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { root } from './code-blocks.js';

const site = mkdtempSync(path.join(tmpdir(), 'eigenscape-site-'));
beforeAll(() => {
  const typedoc = path.join(root, 'node_modules/typedoc/bin/typedoc');
  execFileSync(process.execPath, [typedoc, '--out', site], { cwd: root, stdio: 'pipe' });
}, 300_000);
afterAll(() => {
  rmSync(site, { recursive: true, force: true });
});

const htmlFiles = () =>
  readdirSync(site, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.html'));

describe('site', () => {
  it('has every page of docs/ and of examples/, and every function that is exported', () => {
    const written = readdirSync(path.join(root, 'docs'), { recursive: true, encoding: 'utf8' });
    const pages = written.filter((name) => name.endsWith('.md')).length;
    // The changelog and the examples come in beside them.
    expect(readdirSync(path.join(site, 'documents'))).toHaveLength(pages + 2);
    for (const name of ['spectrum', 'hessian', 'isEigenscapeError']) {
      expect(existsSync(path.join(site, 'functions', `${name}.html`))).toBe(true);
    }
  });

  it('has no link that leads nowhere, to a page or within one', () => {
    const ids = new Map<string, Set<string>>();
    const idsOf = (file: string): Set<string> => {
      const known = ids.get(file);
      if (known !== undefined) return known;
      const text = readFileSync(file, 'utf8');
      const found = new Set([...text.matchAll(/ id="([^"]+)"/g)].map(([, id = '']) => id));
      ids.set(file, found);
      return found;
    };
    const broken: string[] = [];
    for (const name of htmlFiles()) {
      const file = path.join(site, name);
      for (const [, link = ''] of readFileSync(file, 'utf8').matchAll(/(?:href|src)="([^"]+)"/g)) {
        if (/^(https?:|data:|mailto:)/.test(link)) continue;
        const [target = '', anchor = ''] = link.split('#').map(decodeURIComponent);
        const other = target === '' ? file : path.join(path.dirname(file), target);
        const there = existsSync(other) && (anchor === '' || idsOf(other).has(anchor));
        if (!there) broken.push(`${name}: ${link}`);
      }
    }
    expect(broken).toEqual([]);
  });
});
