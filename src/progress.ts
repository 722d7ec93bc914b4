// What every long call has in common: progress, an AbortSignal, a number of threads.

/** How far a long call is. */
export interface Progress {
  /** What is being done, in words: 'assembly', 'eigenvalues', 'training' … */
  readonly stage: string;
  /** Work done and in all, in the stage's own unit (chunks, steps, samples). */
  readonly done: number;
  /** In the unit of `done`. */
  readonly total: number;
  /** Seconds left in this stage at the pace so far; undefined while unknown. */
  readonly secondsLeft: number | undefined;
}

/** What every call takes that may last: a signal to stop it, a function that hears how far it is,
 *  threads. */
export interface LongCallOptions {
  /** Aborting rejects the call with code ERR_ABORTED; `cause` is the signal's reason. */
  readonly signal?: AbortSignal | undefined;
  /** Called about twenty times a second, on the JavaScript thread; what it throws rejects the call. */
  readonly onProgress?: ((progress: Progress) => void) | undefined;
  /** Threads used at most; default: EIGENSCAPE_THREADS, else the cores this process may use. The
   *  result has the same bits for any number. */
  readonly threads?: number | undefined;
}

/** Progress of work that is done stretch by stretch: that of the stretch from `first` on, as that of the whole.
 *  @internal */
export function progressOfWhole(
  onProgress: (progress: Progress) => void,
  first: number,
  total: number,
): (progress: Progress) => void {
  return ({ stage, done, total: inStretch, secondsLeft }) => {
    const left =
      secondsLeft === undefined || done === inStretch
        ? undefined
        : (secondsLeft / (inStretch - done)) * (total - first - done);
    onProgress({ stage, done: first + done, total, secondsLeft: left });
  };
}
