// One line of progress on a terminal, gone when the work is done; nothing in a pipe or where the cursor cannot be moved.

import cliProgress from 'cli-progress';

import type { Progress } from '../progress.js';
import type { CommandIo, OutputStream } from './command-io.js';

export interface ProgressLine {
  readonly onProgress: (progress: Progress) => void;
  /** Clears the line; the next progress opens it again. */
  readonly stop: () => void;
}

/** Where stages run side by side, the one shown stays until it is done or silent for so long. */
const PATIENCE = 1500;

/** @example const line = progressLine(io); try { await work(line.onProgress) } finally { line.stop() } */
export function progressLine({
  stderr,
  environment,
}: Pick<CommandIo, 'stderr' | 'environment'>): ProgressLine {
  const movesCursor = stderr.isTTY === true && environment.TERM !== 'dumb';
  if (!movesCursor || !isWritable(stderr)) {
    return { onProgress: () => undefined, stop: () => undefined };
  }
  const bar = new cliProgress.SingleBar({
    stream: stderr,
    format: lineText,
    fps: 10,
    hideCursor: true,
    clearOnComplete: true,
    gracefulExit: false, // Ctrl-C is the command's, which stops the bar on its way out
  });
  let shown: { readonly stage: string; heard: number; done: boolean } | undefined;
  const stop = (): void => {
    if (shown !== undefined) bar.stop();
    shown = undefined;
  };
  const onProgress = (progress: Progress): void => {
    const { stage, done, total } = progress;
    const now = performance.now();
    if (shown !== undefined && shown.stage !== stage) {
      if (!shown.done && now - shown.heard < PATIENCE) return;
      stop();
    }
    if (shown === undefined) bar.start(Math.max(1, total), done, { progress });
    else bar.update(done, { progress });
    shown = { stage, heard: now, done: done >= total };
  };
  return { onProgress, stop };
}

function isWritable(stream: OutputStream): stream is OutputStream & NodeJS.WritableStream {
  return 'on' in stream && 'end' in stream;
}

const COLUMNS = 28;

/** training       ━━━━━━━━━━────────────────── 37 %  2 s left */
function lineText(
  _options: unknown,
  { progress: share, startTime }: { readonly progress: number; readonly startTime: number },
  { progress }: { readonly progress: Progress },
): string {
  const filled = Math.round(share * COLUMNS);
  const bar = '━'.repeat(filled) + '─'.repeat(COLUMNS - filled);
  const seconds = Math.round((Date.now() - startTime) / 1000);
  const left = progress.secondsLeft;
  const time = left === undefined ? `${seconds} s` : `${Math.ceil(left)} s left`;
  return `${progress.stage.padEnd(24)} ${bar} ${Math.floor(100 * share)} %  ${time}`;
}
