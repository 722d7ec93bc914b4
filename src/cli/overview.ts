// One page over all experiments of a run: every claim with its mark, then each experiment with its charts.

import type { Performance } from '../experiments/experiment.js';
import type { Report } from '../report/report.js';

export interface Performed {
  readonly id: string;
  readonly performance: Performance;
}

/** Of each experiment its first so many charts; its own page, beside this one, has all. */
const CHARTS = 2;

/** @param done each in its folder beside the page, named by its id */
export function overview(done: readonly Performed[]): Report {
  const claims = done.flatMap(({ id, performance }) =>
    Object.values(performance.claims).map((each) => ({
      ...each,
      claim: `${id.toUpperCase()}. ${each.claim}`,
    })),
  );
  const held = claims.filter(({ holds }) => holds).length;
  return {
    title: 'The paper, figure by figure',
    summary: `${held} of ${claims.length} claims hold, in ${done.length} experiments.`,
    charts: [],
    tables: [],
    claims,
    manifest: {},
    parts: done.map(({ id, performance: { report, result } }) => ({
      ...report,
      name: id,
      page: `${id}/index.html`,
      charts: report.charts.slice(0, CHARTS),
      data: [{ fileName: `${id}.json`, content: result }],
    })),
  };
}
