// Every code block of the README runs.

import { rmSync } from 'node:fs';

import { afterAll, describe, expect, it } from 'vitest';

import { blocksOf, canRun, readersFolder, runBlock } from './code-blocks.js';

const blocks = blocksOf('README.md');
const folder = readersFolder();
afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

describe('README', () => {
  it('has blocks in JavaScript, shell and Python, and in no language that is not run', () => {
    const languages = new Set(blocks.map(({ language }) => language));
    expect([...languages].sort()).toEqual(['js', 'python', 'sh']);
  });

  // Without PyTorch, what the Python block makes is not there for the blocks after it.
  const maker = blocks.findIndex(({ language }) => language === 'python');
  const made = blocks[maker] !== undefined && canRun(blocks[maker]);
  blocks.forEach((block, index) => {
    const needsPython = index >= maker && (index === maker || block.code.includes('model.onnx'));
    it.skipIf(needsPython && !made)(
      `block ${index + 1} (${block.language}) runs${needsPython ? ', where PyTorch is installed' : ''}`,
      () => {
        runBlock(block, folder);
      },
      120_000,
    );
  });
});
