// Runs a native job: progress and its pace, AbortSignal, errors of the engine as EigenscapeError.

import { describeValue } from './describe-value.js';
import { EigenscapeError } from './errors.js';
import type { EigenscapeErrorCode } from './errors.js';
import type { JobOptions, NativeJob } from './native.js';
import type { LongCallOptions } from './progress.js';

const engineCodes: readonly EigenscapeErrorCode[] = [
  'ERR_SHAPE',
  'ERR_SPEC',
  'ERR_DATA',
  'ERR_MEMORY',
  'ERR_NUMERIC',
  'ERR_ABORTED',
  'ERR_BUSY',
  'ERR_DISPOSED',
  'ERR_INTERNAL',
];

/** An error that the addon threw, as the library's own. */
export function fromEngine(error: unknown): unknown {
  if (!(error instanceof Error) || error instanceof EigenscapeError || !('code' in error)) {
    return error;
  }
  const code = engineCodes.find((known) => known === error.code);
  if (code === undefined) return error;
  const numbers = 'details' in error && typeof error.details === 'object' ? error.details : {};
  return new EigenscapeError(code, error.message, { details: { ...numbers } });
}

/** Calls the addon, and throws its errors as EigenscapeError. */
export function callEngine<Result>(call: () => Result): Result {
  try {
    return call();
  } catch (error) {
    throw fromEngine(error);
  }
}

/** @throws EigenscapeError ERR_ABORTED */
export function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted === true) throw abortedError(signal);
}

function abortedError(signal: AbortSignal): EigenscapeError {
  return new EigenscapeError('ERR_ABORTED', 'the call was aborted', { cause: signal.reason });
}

/** What `work` gives, unless the signal is aborted before: then what it gives is dropped.
 *  @throws EigenscapeError ERR_ABORTED */
export async function untilAborted<Result>(
  work: Result | Promise<Result>,
  signal: AbortSignal | undefined,
): Promise<Result> {
  if (signal === undefined) return work;
  let onAbort: () => void = () => undefined;
  const aborted = new Promise<never>((_, reject) => {
    onAbort = () => {
      reject(abortedError(signal));
    };
    if (signal.aborted) onAbort();
    signal.addEventListener('abort', onAbort, { once: true });
  });
  try {
    return await Promise.race([work, aborted]);
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}

/** Checks `threads`: a whole number from 1 to 48, or nothing. */
export function threadCount(threads: number | undefined): number {
  if (threads === undefined) return 0;
  if (Number.isInteger(threads) && threads >= 1 && threads <= 48) return threads;
  throw new EigenscapeError(
    'ERR_SPEC',
    `option 'threads' is ${describeValue(threads)}; expected a whole number from 1 to 48`,
    { details: { option: 'threads', value: threads } },
  );
}

/** Turns the engine's progress into the caller's, with the time left at the pace so far. */
function progressReporter(options: LongCallOptions): JobOptions['onProgress'] {
  const { onProgress } = options;
  if (onProgress === undefined) return undefined;
  let stage: string | undefined;
  let started = 0;
  let doneBefore = 0;
  return (name, done, total) => {
    const now = performance.now();
    if (name !== stage) {
      stage = name;
      started = now;
      doneBefore = done;
    }
    const finished = done - doneBefore;
    const seconds = (now - started) / 1000;
    const secondsLeft = finished > 0 ? (seconds / finished) * (total - done) : undefined;
    onProgress({ stage: name, done, total, secondsLeft });
  };
}

/** Starts a job and waits for it. An abort, or a progress function that throws, asks it to stop; with
 *  `detached`, the call rejects at once and what still runs (LAPACK cannot be interrupted) is dropped
 *  when it is done; else it rejects when nothing runs any more. */
export async function runJob<Result>(
  options: LongCallOptions,
  start: (jobOptions: JobOptions) => NativeJob<Result>,
  { detached = true }: { readonly detached?: boolean } = {},
): Promise<Result> {
  const { signal } = options;
  throwIfAborted(signal);
  let fail: (reason: unknown) => void = () => undefined;
  const failure = new Promise<never>((_, reject) => {
    fail = reject;
  });
  const thrown: unknown[] = [];
  const report = progressReporter(options);
  const onProgress: JobOptions['onProgress'] =
    report &&
    ((stage, done, total) => {
      try {
        report(stage, done, total);
      } catch (error) {
        thrown.push(error);
        job.cancel();
        if (detached) fail(error);
      }
    });
  const job = callEngine(() => start({ threads: threadCount(options.threads), onProgress }));
  const onAbort = (): void => {
    job.cancel();
    if (detached && signal !== undefined) fail(abortedError(signal));
  };
  signal?.addEventListener('abort', onAbort, { once: true });
  try {
    const result = await Promise.race([job.promise, failure]);
    if (thrown.length > 0) throw thrown[0];
    return result;
  } catch (error) {
    if (thrown.length > 0) throw thrown[0];
    const translated = fromEngine(error);
    const stopped = translated instanceof EigenscapeError && translated.code === 'ERR_ABORTED';
    throw stopped && signal !== undefined ? abortedError(signal) : translated;
  } finally {
    signal?.removeEventListener('abort', onAbort);
  }
}
