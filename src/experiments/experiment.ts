// What the figures and tables of the paper have in common here: each is run, checked and drawn.

import type { Chart, StepSeries } from '../report/chart.js';
import { packageVersion } from '../package-version.js';
import type { Claim, Json, Report, Table } from '../report/report.js';
import type { Progress } from '../progress.js';

/** 'paper' has the paper's sizes; 'demo' makes the same claims in minutes. */
export type Scale = 'demo' | 'paper';

export interface RunOptions {
  readonly seed: number;
  /** Default 'demo'. */
  readonly scale?: Scale | undefined;
  /** Folder of data sets that the package does not hold. */
  readonly dataDirectory?: string | undefined;
  readonly threads?: number | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((progress: Progress) => void) | undefined;
  /** Told of each curve as soon as it is measured. */
  readonly onCurve?: ((curve: StepSeries) => void) | undefined;
  /** Measures a piece of the work, or takes it from an interrupted run; default: measures it. */
  readonly piece?: Pieces | undefined;
}

/** What a run is given: the options, those with a default there. */
export type Running = RunOptions & { readonly scale: Scale; readonly piece: Pieces };

/** What `measure` returns is plain JSON, the same for the same name and choices. */
export type Pieces = <Piece>(name: string, measure: () => Promise<Piece>) => Promise<Piece>;

const measured: Pieces = (_, measure) => measure();

/** One figure or table. `Result` is plain JSON with the seed and all choices in it; what is checked,
 *  tabulated and drawn is computed from it alone. */
export interface ExperimentParts<Result extends object> {
  /** As the command names it: 'f1', 't1'. */
  readonly id: string;
  readonly title: string;
  readonly run: (options: Running) => Promise<Result>;
  readonly check: (result: Result) => Readonly<Record<string, Claim>>;
  readonly tabulate: (result: Result) => readonly Table[];
  readonly draw: (result: Result) => readonly Chart[];
  /** One sentence or two: what was found. */
  readonly summarize: (result: Result) => string;
  readonly manifest: (result: Result) => Report['manifest'];
}

/** What repeats a run, for its manifest. */
export function manifestOf(
  figure: string,
  choices: Readonly<Record<string, Json>>,
): Report['manifest'] {
  return {
    experiment: `${figure}, Sagun et al., arXiv 1706.04454 (F, T) and 1611.07476 (S)`,
    ...choices,
    eigenscape: packageVersion(),
    node: process.version,
    platform: `${process.platform} ${process.arch}`,
  };
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
  /** The same from the numbers of an earlier run, as plain JSON. */
  readonly again: (result: object) => Performance;
}

export function defineExperiment<Result extends object>(
  parts: ExperimentParts<Result>,
): Experiment & ExperimentParts<Result> {
  const performanceOf = (result: Result): Performance => {
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
  const perform = async (options: RunOptions): Promise<Performance> => {
    const { scale = 'demo', piece = measured } = options;
    return performanceOf(await parts.run({ ...options, scale, piece }));
  };
  // Who calls it found the numbers under this experiment's id.
  const again = (result: object): Performance => performanceOf(result as Result);
  return { ...parts, perform, again };
}
