/** All codes that an {@link EigenscapeError} can carry; stable, one meaning each. The page _Errors_ of the
 *  documentation says of each what causes it and what cures it. */
export type EigenscapeErrorCode =
  /** A matrix, vector, tensor or layer has another shape than its place asks for. */
  | 'ERR_SHAPE'
  /** A specification or an option is malformed: unknown layer, wrong type, value out of range. */
  | 'ERR_SPEC'
  /** A dataset or file is absent, cut, not finite, or holds labels out of range. */
  | 'ERR_DATA'
  /** A file cannot be written: its folder is missing, permission is lacking, the disk is full. */
  | 'ERR_FILE'
  /** The result or its workspace would not fit into the memory that is free. */
  | 'ERR_MEMORY'
  /** A computed value is not finite, an operator is not symmetric, or LAPACK did not converge. */
  | 'ERR_NUMERIC'
  /** The call was stopped by its AbortSignal; `cause` holds the signal's reason. */
  | 'ERR_ABORTED'
  /** The network is being trained, so it cannot be trained or written by a second call. */
  | 'ERR_BUSY'
  /** A handle was used after it was disposed. */
  | 'ERR_DISPOSED'
  /** An ONNX file is damaged. */
  | 'ERR_ONNX_INVALID'
  /** An ONNX file holds operations or settings that the library does not know; all are listed. */
  | 'ERR_ONNX_UNSUPPORTED'
  /** ONNX Runtime is not installed (npm install onnxruntime-node), or could not run a model. */
  | 'ERR_ONNX_RUNTIME'
  /** The native addon could not be loaded. */
  | 'ERR_ADDON'
  /** A fault of the library itself; please report it. */
  | 'ERR_INTERNAL';

const codes: Readonly<Record<EigenscapeErrorCode, true>> = {
  ERR_SHAPE: true,
  ERR_SPEC: true,
  ERR_DATA: true,
  ERR_FILE: true,
  ERR_MEMORY: true,
  ERR_NUMERIC: true,
  ERR_ABORTED: true,
  ERR_BUSY: true,
  ERR_DISPOSED: true,
  ERR_ONNX_INVALID: true,
  ERR_ONNX_UNSUPPORTED: true,
  ERR_ONNX_RUNTIME: true,
  ERR_ADDON: true,
  ERR_INTERNAL: true,
};

/** Every {@link EigenscapeErrorCode}, for tables and tests. */
export const errorCodes = Object.freeze(Object.keys(codes)) as readonly EigenscapeErrorCode[];

/** The facts of an error as data; which are there depends on the call. Those that many errors share have
 *  a name of their own here. */
export interface EigenscapeErrorDetails extends Readonly<Record<string, unknown>> {
  /** The public function that refused. */
  readonly call?: string | undefined;
  /** The option that was wrong, dotted where it is inside another. */
  readonly option?: string | null | undefined;
  /** The argument or array that was wrong. */
  readonly name?: string | undefined;
  /** What stood there. */
  readonly value?: unknown;
  /** How much was given: entries, bytes, a shape. */
  readonly given?: unknown;
  /** And how much was expected, in the same unit. */
  readonly expected?: unknown;
  /** The file that was read or written. */
  readonly file?: string | undefined;
  /** The sample at fault, from 0. */
  readonly sample?: number | undefined;
  /** The entry at fault, from 0. */
  readonly index?: number | undefined;
  /** ERR_MEMORY: bytes that the call would take. */
  readonly bytes?: number | undefined;
  /** ERR_MEMORY: bytes that are free. */
  readonly freeMemory?: number | undefined;
  /** ERR_ONNX_UNSUPPORTED: every part of the file that is not known. */
  readonly unsupported?:
    | readonly {
        readonly name: string;
        readonly operator: string;
        readonly reason: string;
      }[]
    | undefined;
}

/** What an {@link EigenscapeError} is made with, beside code and message. */
export interface EigenscapeErrorOptions {
  readonly cause?: unknown;
  readonly details?: EigenscapeErrorDetails | undefined;
}

/** The one error class of the library: `code` is stable, `message` says what was given, what was
 *  expected and what to do, `details` holds the same facts as data, and `cause` what was thrown below: an
 *  error of the file system, of a user's function, or the reason of an AbortSignal. */
export class EigenscapeError extends Error {
  /** Stable; decide by it, not by the message. */
  readonly code: EigenscapeErrorCode;
  /** The facts of the message as data; empty where there are none. */
  readonly details: EigenscapeErrorDetails;

  /** @param code one of {@link errorCodes}
   *  @param message expected, given, what to do; one sentence */
  constructor(code: EigenscapeErrorCode, message: string, options: EigenscapeErrorOptions = {}) {
    super(message, 'cause' in options ? { cause: options.cause } : undefined);
    this.name = code === 'ERR_ABORTED' ? 'AbortError' : 'EigenscapeError';
    this.code = code;
    this.details = options.details ?? {};
  }
}

/** True for errors of this library, also those of a second copy of it in the same process.
 *  @param code when given, true only for errors of this code
 *  @example if (isEigenscapeError(error, 'ERR_MEMORY')) console.log(error.details.bytes); */
export function isEigenscapeError<Code extends EigenscapeErrorCode = EigenscapeErrorCode>(
  error: unknown,
  code?: Code,
): error is EigenscapeError & { readonly code: Code } {
  const ours =
    error instanceof EigenscapeError ||
    (error instanceof Error &&
      (error.name === 'EigenscapeError' || error.name === 'AbortError') &&
      'code' in error &&
      typeof error.code === 'string' &&
      error.code.startsWith('ERR_') &&
      'details' in error);
  return ours && (code === undefined || error.code === code);
}
