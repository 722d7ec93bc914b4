// Axes as vega-lite wants them: explicit ticks that follow the zoom, powers of ten as 10⁻³, colours.

import { seriesColour } from './palette.js';
import type { Specification } from './vega.js';

const SUPERSCRIPTS = '⁰¹²³⁴⁵⁶⁷⁸⁹';

/** −0.001 → −10⁻³, 0.02 → 2·10⁻²; 1 to 10 plain. */
export function powerLabel(value: number): string {
  if (value === 0) return '0';
  if (Math.abs(value) >= 1 && Math.abs(value) <= 10) return String(value).replace('-', '−');
  const [mantissa = '1', exponent = '0'] = Math.abs(value).toExponential(0).split('e');
  const power = String(Math.abs(Number(exponent))).replace(
    /\d/g,
    (digit) => SUPERSCRIPTS[Number(digit)] ?? '',
  );
  const factor = mantissa === '1' ? '' : `${mantissa}·`;
  return `${value < 0 ? '−' : ''}${factor}10${Number(exponent) < 0 ? '⁻' : ''}${power}`;
}

/** Labels of the ticks of one axis: as powers if one of them is below 0.01 or above 10,000. */
export function tickLabels(ticks: readonly number[]): string[] {
  const plain = ticks.every((t) => t === 0 || (Math.abs(t) >= 0.01 && Math.abs(t) <= 1e4));
  return ticks.map((tick) =>
    plain ? tick.toLocaleString('en').replace('-', '−') : powerLabel(tick),
  );
}

/** An axis with these ticks; zoomed in until they lie too far apart, it has round numbers instead.
 *  The names of the scales are vega-lite's own: x and y. */
export function tickedAxis(
  channel: 'x' | 'y',
  options: {
    readonly title: string;
    readonly ticks: readonly number[];
    /** Where the axis is linear around zero; 0 for a logarithmic one. */
    readonly constant: number;
    readonly grid?: boolean | undefined;
  },
): Specification {
  const { title, ticks, constant, grid = true } = options;
  const low = `domain('${channel}')[0]`;
  const high = `domain('${channel}')[1]`;
  const oneSided = `(${low} > 0 && ${high} < 10 * ${low}) || (${high} < 0 && ${low} > 10 * ${high})`;
  const withinLinear = `max(-(${low}), ${high}) < ${String(2 * constant)}`;
  const step = `pow(10, round(log((${high} - ${low}) / 5) / LN10))`;
  const round = `sequence(ceil(${low} / ${step}) * ${step}, ${high}, ${step})`;
  const texts = tickLabels(ticks);
  const labels = Object.fromEntries(ticks.map((tick, i) => [String(tick), texts[i]]));
  return {
    title,
    grid,
    labelSeparation: 6,
    values: { expr: `${oneSided} || ${withinLinear} ? ${round} : ${JSON.stringify(ticks)}` },
    labelExpr: `${JSON.stringify(labels)}['' + datum.value] || format(datum.value, '.3~g')`,
  };
}

/** The colour channel: series in the order given, named in a legend above the chart. */
export function seriesColours(names: readonly string[]): Specification {
  return {
    field: 'series',
    type: 'nominal',
    scale: { domain: names, range: names.map((_, i) => seriesColour(i).light) },
    legend:
      names.length < 2 ? null : { title: null, orient: 'top', labelLimit: 400, symbolOpacity: 1 },
  };
}

/** What a chart answers to: nothing as a figure, pointer and wheel in a page. */
export interface Interaction {
  readonly interactive: boolean;
}

/** Drag to pan, Ctrl/⌘/Shift and wheel to zoom (a bare wheel scrolls the page), double click to
 *  reset. A finger scrolls the page. */
export function zoom({ interactive }: Interaction): Specification {
  const select = {
    type: 'interval',
    translate:
      "[pointerdown[event.pointerType === 'mouse'], window:pointerup] > window:pointermove!",
    zoom: 'wheel![event.shiftKey || event.ctrlKey || event.metaKey]',
  };
  return interactive ? { params: [{ name: 'zoom', select, bind: 'scales' }] } : {};
}

/** The point nearest to the pointer answers it, on hover or tap. */
export function nearest({ interactive }: Interaction): Specification {
  const select = { type: 'point', on: 'pointermove', clear: 'pointerout', nearest: true };
  return interactive ? { params: [{ name: 'nearest', select }] } : {};
}

/** Dots that show where the pointer is nearest to, and say what `tooltip` lists. */
export function hoverDots(
  encoding: Specification,
  tooltip: readonly Specification[],
): Specification {
  return {
    ...nearest({ interactive: true }),
    mark: { type: 'circle', size: 50, clip: true },
    encoding: {
      ...encoding,
      opacity: { condition: { param: 'nearest', empty: false, value: 1 }, value: 0 },
      tooltip,
    },
  };
}
