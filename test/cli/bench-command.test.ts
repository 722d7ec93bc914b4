import process from 'node:process';

import { describe, expect, it } from 'vitest';

import { run } from './memory-io.js';

const environment = { PATH: process.env.PATH ?? '' };

describe('eigenscape bench', () => {
  it('hands its options on: --help lists the trials', async () => {
    const { status, stdout, stderr } = await run(['bench', '--help'], { environment });
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(stdout).toMatch(/^eigenscape bench \[--trial NAME …\].*--markdown/s);
    expect(stdout).toContain('dense-hessian');
  });

  it('ends with status 2 and one line for a trial that it does not know', async () => {
    const { status, stdout, stderr } = await run(['bench', '--trial', 'chess'], { environment });
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
    expect(stderr).toMatch(/^bench: --trial is 'chess'; expected one of dense-hessian,.*\n$/);
  });
});
