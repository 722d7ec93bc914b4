// The 19 rows of table 1: what the paper trained, and the outliers that it counted.

export interface RowChoice {
  readonly algorithm: 'GD' | 'SGD';
  readonly activation: 'tanh' | 'relu';
  readonly covariance: 1 | 10;
  readonly clusters: number;
  /** The paper's counts by gap, ratio and threshold. */
  readonly paper: readonly number[];
}

/** Rows that differ in the number of clusters alone, with the paper's counts. */
function rows(
  { algorithm, activation, covariance }: Omit<RowChoice, 'clusters' | 'paper'>,
  counts: Readonly<Record<number, readonly number[]>>,
): RowChoice[] {
  return Object.entries(counts).map(([clusters, paper]) => ({
    algorithm,
    activation,
    covariance,
    clusters: Number(clusters),
    paper,
  }));
}

export const ROWS: readonly RowChoice[] = [
  ...rows(
    { algorithm: 'GD', activation: 'tanh', covariance: 1 },
    { 2: [2, 3], 5: [2, 17], 10: [2, 4], 20: [3, 4] },
  ),
  ...rows(
    { algorithm: 'GD', activation: 'relu', covariance: 1 },
    { 2: [3, 4, 2], 5: [6, 7, 5], 10: [11, 12, 10], 20: [4, 21, 21], 50: [50, 51, 49] },
  ),
  ...rows(
    { algorithm: 'SGD', activation: 'relu', covariance: 1 },
    { 2: [3, 4, 2], 5: [6, 7, 7], 10: [2, 14, 15], 20: [2, 3, 21], 50: [50, 51, 49] },
  ),
  ...rows(
    { algorithm: 'SGD', activation: 'relu', covariance: 10 },
    { 2: [2, 4, 2], 5: [5, 6, 5], 10: [2, 11, 9], 20: [20, 21, 19], 50: [50, 51, 49] },
  ),
];
