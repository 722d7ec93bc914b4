// One stage of an experiment that consists of several equal pieces of work.

import type { Progress } from '../progress.js';

export interface StageProgress {
  /** So many more pieces are done. */
  readonly finished: (pieces: number) => void;
}

/** Reports a stage of `total` pieces, with the time left at the pace so far. */
export function stageProgress(
  stage: string,
  total: number,
  onProgress: ((progress: Progress) => void) | undefined,
): StageProgress {
  const started = performance.now();
  let done = 0;
  onProgress?.({ stage, done, total, secondsLeft: undefined });
  return {
    finished: (pieces) => {
      done += pieces;
      const seconds = (performance.now() - started) / 1000;
      onProgress?.({ stage, done, total, secondsLeft: (seconds / done) * (total - done) });
    },
  };
}
