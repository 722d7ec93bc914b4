// Which way `spectrum` goes, by what each takes, and what it does when the matrix does not fit.

import { formatBytes, formatFlops } from '../amounts.js';
import type { DType } from '../data/dtype.js';
import { EigenscapeError } from '../errors.js';
import { addon } from '../native.js';
import { flopsOf, secondsOf } from '../network/work.js';
import type { Plans } from './plan.js';

/** All eigenvalues, those at the ends, or how they are distributed. */
export type SpectrumMethod = 'dense' | 'lanczos' | 'density';

export interface MethodChoice {
  readonly method: SpectrumMethod;
  /** A sentence for people; what does not fit is followed by the calls that would answer. */
  readonly reason: string;
  /** Whether what it takes is free. */
  readonly fits: boolean;
}

export interface MethodRequest {
  readonly method: 'auto' | SpectrumMethod;
  readonly size: number;
  readonly dtype: DType;
  readonly largest?: number | undefined;
  readonly smallest?: number | undefined;
  /** Of the term that takes most. */
  readonly plans: Plans;
}

/** Speed at which ways are compared: a call takes the same way on a busy machine and on a quiet one. */
const comparedAt: Readonly<Record<DType, number>> = { float64: 5e10, float32: 1e11 };

/** 'auto' is dense where the matrix fits, unless a number of eigenvalues was asked for and Lanczos is
 *  expected to take less time; where it does not fit, Lanczos if a number was asked for. A density is no list
 *  of eigenvalues, so it is taken only where asked for. */
export function chooseMethod(request: MethodRequest): MethodChoice {
  const { method, size, dtype, largest, smallest, plans } = request;
  const { freeMemory } = addon().machine();
  const fits = (way: SpectrumMethod): boolean => plans[way].bytes <= freeMemory;
  if (method !== 'auto' && fits(method)) return { method, reason: 'as asked', fits: true };
  const counted = largest !== undefined || smallest !== undefined;
  const speed = { all: comparedAt[dtype], one: comparedAt[dtype] };
  const seconds = (way: SpectrumMethod): number => secondsOf(plans[way].stages, speed);
  const takes = (way: SpectrumMethod): string =>
    `${formatFlops(flopsOf(plans[way].stages))} and ${formatBytes(plans[way].bytes)}`;
  const matrix = `the dense matrix of order ${String(size)} and its eigenvalues`;
  if (fits('dense') && (method === 'dense' || !counted || seconds('dense') <= seconds('lanczos'))) {
    const than = counted ? `, less time than Lanczos (${takes('lanczos')})` : '';
    return { method: 'dense', reason: `${matrix} take ${takes('dense')}${than}`, fits: true };
  }
  if (method === 'auto' && counted) {
    const reason = fits('dense')
      ? `the eigenvalues asked for take ${takes('lanczos')}, less time than all (${takes('dense')})`
      : `${matrix} need ${formatBytes(plans.dense.bytes)}, but ${formatBytes(freeMemory)} are free`;
    const lacking = fits('lanczos')
      ? ''
      : `; Lanczos needs ${formatBytes(plans.lanczos.bytes)} itself; ${callsBeside('lanczos', plans, freeMemory)}`;
    return { method: 'lanczos', reason: `${reason}${lacking}`, fits: fits('lanczos') };
  }
  const way = method === 'auto' ? 'dense' : method;
  const what = way === 'dense' ? matrix : `${way} for ${String(size)} parameters`;
  const needs = `${what} need${way === 'dense' ? '' : 's'} ${formatBytes(plans[way].bytes)}, but ${formatBytes(freeMemory)} are free`;
  return { method: way, reason: `${needs}; ${callsBeside(way, plans, freeMemory)}`, fits: false };
}

const calls = {
  dense: ["{ method: 'dense' }", 'finds all eigenvalues'],
  lanczos: [
    "{ method: 'lanczos', largest: 10, smallest: 10 }",
    'finds the eigenvalues at both ends',
  ],
  density: ["{ method: 'density' }", 'shows how they are distributed'],
} as const;

/** The other ways, with what each takes, and the product that every operator has. */
function callsBeside(way: SpectrumMethod, plans: Plans, freeMemory: number): string {
  const others = (['dense', 'lanczos', 'density'] as const).filter((other) => other !== way);
  const said = others.map((other) => {
    const [options, does] = calls[other];
    const { bytes } = plans[other];
    const verdict = bytes <= freeMemory ? '' : ', which are not free either';
    return `spectrum(network, data, ${options}) ${does} in ${formatBytes(bytes)}${verdict}`;
  });
  return [...said, 'operator.apply(vectors, count) multiplies by it'].join('; ');
}

/** @throws EigenscapeError ERR_MEMORY with the reason, which names the calls that would answer, if the matrix does
 *  not fit */
export function requireFit(
  { method, reason, fits }: MethodChoice,
  { plans, size }: MethodRequest,
): void {
  if (fits || method !== 'dense') return; // the others refuse their basis themselves
  const { freeMemory } = addon().machine();
  const { bytes } = plans.dense;
  throw new EigenscapeError('ERR_MEMORY', `spectrum: ${reason}`, {
    details: { bytes, freeMemory, size },
  });
}
