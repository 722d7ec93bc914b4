// What the figures and tables of the paper have in common here: each is run, checked and drawn.

import type { Chart, StepSeries } from '../report/chart.js';
import type { Claim, Report, Table } from '../report/report.js';
import type { Progress } from '../progress.js';

export interface RunOptions {
  readonly seed: number;
  readonly threads?: number | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((progress: Progress) => void) | undefined;
  /** Told of each curve as soon as it is measured. */
  readonly onCurve?: ((curve: StepSeries) => void) | undefined;
}

/** One figure or table. `Result` is plain JSON with the seed and all choices in it; what is checked,
 *  tabulated and drawn is computed from it alone. */
export interface ExperimentParts<Result extends object> {
  /** As the command names it: 'f1', 't1'. */
  readonly id: string;
  readonly title: string;
  readonly run: (options: RunOptions) => Promise<Result>;
  readonly check: (result: Result) => Readonly<Record<string, Claim>>;
  readonly tabulate: (result: Result) => readonly Table[];
  readonly draw: (result: Result) => readonly Chart[];
  /** One sentence or two: what was found. */
  readonly summarize: (result: Result) => string;
  readonly manifest: (result: Result) => Report['manifest'];
}

export interface Performance {
  readonly result: object;
  readonly report: Report;
  readonly claims: Readonly<Record<string, Claim>>;
}

export interface Experiment {
  readonly id: string;
  readonly title: string;
  /** Runs, then checks, tabulates and draws. */
  readonly perform: (options: RunOptions) => Promise<Performance>;
}

export function defineExperiment<Result extends object>(
  parts: ExperimentParts<Result>,
): Experiment & ExperimentParts<Result> {
  const perform = async (options: RunOptions): Promise<Performance> => {
    const result = await parts.run(options);
    const claims = parts.check(result);
    const report: Report = {
      title: parts.title,
      summary: parts.summarize(result),
      charts: parts.draw(result),
      tables: parts.tabulate(result),
      claims: Object.values(claims),
      manifest: parts.manifest(result),
      data: [{ fileName: `${parts.id}.json`, content: result }],
    };
    return { result, report, claims };
  };
  return { ...parts, perform };
}
