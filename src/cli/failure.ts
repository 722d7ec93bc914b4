// From whatever was thrown to one line and an exit status: 2 for bad input, 1 for a failure of ours.

import { CommanderError } from 'commander';

import { type EigenscapeErrorCode, isEigenscapeError } from '../errors.js';

export interface Failure {
  /** Without the leading `eigenscape: `; empty when there is nothing to say. */
  readonly line: string;
  readonly status: number;
}

const STATUS: Readonly<Record<EigenscapeErrorCode, 1 | 2 | 130>> = {
  ERR_SHAPE: 2,
  ERR_SPEC: 2,
  ERR_DATA: 2,
  ERR_MEMORY: 2,
  ERR_ONNX_INVALID: 2,
  ERR_ONNX_UNSUPPORTED: 2,
  ERR_FILE: 1,
  ERR_NUMERIC: 1,
  ERR_BUSY: 1,
  ERR_DISPOSED: 1,
  ERR_ONNX_RUNTIME: 1,
  ERR_ADDON: 1,
  ERR_INTERNAL: 1,
  ERR_ABORTED: 130,
};

/** Codes of the system that say that a path given on the command line does not serve. */
const PATH_CODES = ['ENOENT', 'EACCES', 'EISDIR', 'ENOTDIR', 'EPERM', 'EROFS', 'ENAMETOOLONG'];

export function failureOf(error: unknown): Failure {
  if (error instanceof CommanderError) return usageFailure(error);
  if (isEigenscapeError(error)) {
    const line = error.code === 'ERR_ABORTED' ? 'interrupted' : oneLine(error.message);
    // A path that does not serve is bad input; a full disk is a failure.
    const badPath = error.code === 'ERR_FILE' && PATH_CODES.includes(String(error.details.code));
    return { line, status: badPath ? 2 : STATUS[error.code] };
  }
  if (!(error instanceof Error)) return { line: `failed: ${oneLine(String(error))}`, status: 1 };
  const isPath = 'code' in error && PATH_CODES.includes(String(error.code));
  if (isPath) return { line: oneLine(error.message), status: 2 };
  // A full disk, say: a failure, but none of ours.
  if ('syscall' in error) return { line: oneLine(error.message), status: 1 };
  return { line: `internal error, please report it: ${oneLine(error.message)}`, status: 1 };
}

/** Help and version leave by an error too, with status 0 and nothing to say. */
function usageFailure({ exitCode, message, code }: CommanderError): Failure {
  if (exitCode === 0 || code === 'commander.help') return { line: '', status: exitCode && 2 };
  return { line: oneLine(message.replace(/^error: /, '')), status: 2 };
}

function oneLine(message: string): string {
  return message.replace(/\s*[\r\n]+\s*/g, ' ').trim();
}
