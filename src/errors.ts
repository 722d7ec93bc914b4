/** All codes that an {@link EigenscapeError} can carry; stable, one meaning each. */
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

/** The one error class of the library: `code` is stable, `message` says what was given, what was
 *  expected and what to do, `details` holds the same facts as data. */
export class EigenscapeError extends Error {
  readonly code: EigenscapeErrorCode;
  readonly details: Readonly<Record<string, unknown>>;

  constructor(
    code: EigenscapeErrorCode,
    message: string,
    options: {
      readonly cause?: unknown;
      readonly details?: Readonly<Record<string, unknown>> | undefined;
    } = {},
  ) {
    super(message, 'cause' in options ? { cause: options.cause } : undefined);
    this.name = code === 'ERR_ABORTED' ? 'AbortError' : 'EigenscapeError';
    this.code = code;
    this.details = options.details ?? {};
  }
}

/** True for errors of this library, also those of a second copy of it in the same process. */
export function isEigenscapeError(error: unknown): error is EigenscapeError {
  return (
    error instanceof EigenscapeError ||
    (error instanceof Error &&
      (error.name === 'EigenscapeError' || error.name === 'AbortError') &&
      'code' in error &&
      typeof error.code === 'string' &&
      error.code.startsWith('ERR_') &&
      'details' in error)
  );
}
