// The charts that the library draws, as plain data: JSON in, a picture out.

/** One spectrum: its eigenvalues ascending. */
export interface EigenvalueSeries {
  readonly name: string;
  readonly eigenvalues: readonly number[] | Float64Array;
}

/** One curve over training steps. */
export interface StepSeries {
  readonly name: string;
  /** As many as `values`. */
  readonly steps: readonly number[];
  readonly values: readonly number[] | Float64Array;
}

interface ChartCommon {
  /** The finding, as a sentence; long ones are wrapped. */
  readonly title: string;
  /** How to read the chart: what is drawn, on which axes. */
  readonly subtitle?: string | undefined;
  /** Pixels; default 680 × 380. In a report the width is the page's. */
  readonly width?: number | undefined;
  readonly height?: number | undefined;
}

/** All eigenvalues in order: rank on x, value on y (figure 1 of Sagun et al. 2017). */
export interface EigenvaluesChart extends ChartCommon {
  readonly kind: 'eigenvalues';
  readonly series: readonly EigenvalueSeries[];
  /** The value axis; symlog is linear within ±`linearWithin` and logarithmic beyond, on both sides.
   *  Default 'symlog'. */
  readonly scale?: 'symlog' | 'linear' | undefined;
  /** Default: the power of ten at or above `errorEstimate`. */
  readonly linearWithin?: number | undefined;
  /** Values within ±this are zero for all one can tell: drawn as a band. */
  readonly errorEstimate?: number | undefined;
  /** Only the `largest` ones, as points with rank 1 for the largest. */
  readonly largest?: number | undefined;
}

/** Eigenvalues counted in bins of equal width on a symlog axis, one bin centred at zero; the count
 *  axis is logarithmic, so that one outlier shows beside thousands of zeros. */
export interface HistogramChart extends ChartCommon {
  readonly kind: 'histogram';
  readonly series: readonly EigenvalueSeries[];
  readonly linearWithin?: number | undefined;
  readonly errorEstimate?: number | undefined;
  /** About how many bins the axis has; default 90. */
  readonly bins?: number | undefined;
}

/** Losses or other measures over training steps, the value axis logarithmic where all are positive. */
export interface LossCurveChart extends ChartCommon {
  readonly kind: 'lossCurve';
  readonly series: readonly StepSeries[];
  /** Title of the value axis; default 'loss'. */
  readonly measure?: string | undefined;
  readonly scale?: 'logarithmic' | 'linear' | undefined;
}

/** One density, as `spectralDensity` returns it on a logarithmic axis. */
export interface DensitySeries {
  readonly name: string;
  readonly grid: readonly number[] | Float64Array;
  readonly density: readonly number[] | Float64Array;
  readonly standardError: readonly number[] | Float64Array;
}

/** Densities over an axis that is linear within ±`linearWithin` and logarithmic beyond; the density axis is
 *  logarithmic, so that one outlier shows beside thousands of zeros. */
export interface DensityChart extends ChartCommon {
  readonly kind: 'density';
  readonly series: readonly DensitySeries[];
  readonly linearWithin: number;
}

/** One curve, or one set of points, over two axes. */
export interface LineSeries {
  readonly name: string;
  /** As many as `y`. */
  readonly x: readonly number[] | Float64Array;
  readonly y: readonly number[] | Float64Array;
  /** Default 'line'. */
  readonly mark?: 'line' | 'points' | undefined;
}

/** One axis of a {@link LinesChart}. */
export interface LineAxis {
  readonly title: string;
  /** Default 'linear'; a logarithmic axis becomes linear where values are not positive. */
  readonly scale?: 'linear' | 'logarithmic' | 'symlog' | undefined;
  /** Where a symlog axis is linear: within ±this; default 1. */
  readonly linearWithin?: number | undefined;
  /** A d3-format for ticks of a linear axis and for what a pointer reads. */
  readonly format?: string | undefined;
}

/** Curves and points over any two axes. */
export interface LinesChart extends ChartCommon {
  readonly kind: 'lines';
  readonly series: readonly LineSeries[];
  /** What a series is, for one who points at it; default 'series'. */
  readonly seriesTitle?: string | undefined;
  readonly x: LineAxis;
  readonly y: LineAxis;
}

/** A symmetric matrix as colours on a symlog scale, lines at the borders of its blocks. */
export interface HeatMapChart extends ChartCommon {
  readonly kind: 'heatMap';
  readonly size: number;
  /** [size, size], row-major. */
  readonly matrix: readonly number[] | Float64Array;
  /** Rows and columns that each entry stands for, where a matrix was too large to keep: axes and `blocks`
   *  count those. Default 1. */
  readonly rowsPerCell?: number | undefined;
  /** First row of each block, of a layer for example. */
  readonly blocks?: readonly number[] | undefined;
  /** Colours are linear within ±this; default a thousandth of the largest entry. */
  readonly linearWithin?: number | undefined;
}

/** A chart of any kind; `kind` says which. */
export type Chart =
  EigenvaluesChart | HistogramChart | LossCurveChart | DensityChart | LinesChart | HeatMapChart;
export type ChartKind = Chart['kind'];
