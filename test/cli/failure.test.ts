import { CommanderError } from 'commander';
import { describe, expect, it } from 'vitest';

import { failureOf } from '../../src/cli/failure.js';
import { EigenscapeError, type EigenscapeErrorCode } from '../../src/errors.js';

describe('failureOf', () => {
  it.each<[EigenscapeErrorCode, number]>([
    ['ERR_SHAPE', 2],
    ['ERR_SPEC', 2],
    ['ERR_DATA', 2],
    ['ERR_MEMORY', 2],
    ['ERR_ONNX_INVALID', 2],
    ['ERR_ONNX_UNSUPPORTED', 2],
    ['ERR_NUMERIC', 1],
    ['ERR_ADDON', 1],
    ['ERR_INTERNAL', 1],
    ['ERR_ABORTED', 130],
  ])('gives %s the status %i', (code, status) => {
    expect(failureOf(new EigenscapeError(code, 'why')).status).toBe(status);
  });

  it('folds messages of several lines into one', () => {
    const error = new EigenscapeError('ERR_SPEC', 'given a\n  expected b\r\n');
    expect(failureOf(error).line).toBe('given a expected b');
  });

  it('takes usage errors of commander as bad input, without their prefix', () => {
    const error = new CommanderError(1, 'commander.unknownOption', "error: unknown option '--x'");
    expect(failureOf(error)).toEqual({ line: "unknown option '--x'", status: 2 });
  });

  it('says nothing after help', () => {
    const error = new CommanderError(0, 'commander.helpDisplayed', '(outputHelp)');
    expect(failureOf(error)).toEqual({ line: '', status: 0 });
  });

  it('takes paths that do not serve as bad input, other errors as ours', () => {
    const absent = Object.assign(new Error("ENOENT: no such file 'x'"), { code: 'ENOENT' });
    expect(failureOf(absent)).toEqual({ line: "ENOENT: no such file 'x'", status: 2 });
    const system = { code: 'ENOSPC', syscall: 'write' };
    const full = Object.assign(new Error('ENOSPC: no space left, write'), system);
    expect(failureOf(full)).toEqual({ line: 'ENOSPC: no space left, write', status: 1 });
    expect(failureOf(new TypeError('x is not a function')).status).toBe(1);
    expect(failureOf('thrown text')).toEqual({ line: 'failed: thrown text', status: 1 });
  });
});
