// What a run of the command touches of its process, so that tests can hand it something else.

export interface OutputStream {
  write(text: string): unknown;
  readonly isTTY?: boolean | undefined;
  readonly columns?: number | undefined;
}

export interface CommandIo {
  /** Results: tables, charts, JSON. */
  readonly stdout: OutputStream;
  /** Progress and the one line of an error. */
  readonly stderr: OutputStream;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Aborted by Ctrl-C. */
  readonly signal: AbortSignal;
}

/** Lines to a stream, each with its end. */
export function writeLines(stream: OutputStream, lines: readonly string[]): void {
  stream.write(lines.map((line) => `${line}\n`).join(''));
}

/** Columns that charts may use: those of the terminal within reason, 80 in a pipe. */
export function columnsOf(stream: OutputStream): number {
  return Math.max(40, Math.min(120, stream.isTTY === true ? (stream.columns ?? 80) : 80));
}
