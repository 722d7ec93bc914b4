// Every code block of docs/ runs, every relative link leads somewhere, and every page is in the site.

import { cpSync, existsSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import path from 'node:path';

import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { blocksOf, canRun, readersFolder, root, runBlock, typeErrors } from './code-blocks.js';

const pages = readdirSync(path.join(root, 'docs'), { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.md'))
  .map((name) => `docs/${name}`)
  .sort();

describe.each(pages.filter((page) => blocksOf(page).length > 0))('%s', (page) => {
  const folder = readersFolder();
  beforeAll(() => {
    // What the Python block of this page wrote, for machines without PyTorch.
    if (page === 'docs/from-pytorch.md') {
      cpSync(path.join(root, 'examples/pytorch'), folder, { recursive: true });
    }
  });
  afterAll(() => {
    rmSync(folder, { recursive: true, force: true });
  });

  const blocks = blocksOf(page);
  blocks.forEach((block, index) => {
    it.skipIf(!canRun(block))(
      `block ${index + 1} (${block.language}) runs`,
      () => {
        runBlock(block, folder);
      },
      120_000,
    );
  });

  const typed = blocks.filter(({ language }) => language === 'ts').map(({ code }) => code);
  it.skipIf(typed.length === 0)(
    'has no type errors',
    () => {
      expect(typeErrors(typed, folder)).toEqual([]);
    },
    60_000,
  );
});

describe('links', () => {
  it.each(['README.md', 'examples/README.md', ...pages])(
    'of %s lead to files that are there',
    (page) => {
      const text = readFileSync(path.join(root, page), 'utf8').replaceAll(
        /^```[\s\S]*?^```$/gm,
        '',
      );
      const targets = [...text.matchAll(/\]\(([^)\s]+)\)/g)].map(([, target = '']) => target);
      const missing = targets
        .filter((target) => !/^(https?:|mailto:|#)/.test(target))
        .map((target) => target.replace(/#.*$/, ''))
        .filter((target) => !existsSync(path.join(root, path.dirname(page), target)));
      expect(missing).toEqual([]);
    },
  );
});
