// The spectra of several terms at one point, as one result.

import * as v from 'valibot';

import { CurvatureOperator } from '../curvature/operator.js';
import { parametersOption } from '../curvature/parameters.js';
import type { Dataset } from '../data/dataset.js';
import type { DType } from '../data/dtype.js';
import {
  nonnegativeNumber,
  optionsOf,
  parseOptions,
  positiveInteger,
  seedOption,
  wordOption,
} from '../options.js';
import type { LongCallOptions } from '../progress.js';
import { addon } from '../native.js';
import type { Network } from '../network/network.js';
import { denseSpectrum } from './dense-spectrum.js';
import { chooseMethod } from './method.js';
import type { SpectrumMethod } from './method.js';
import { assembledSize, denseSpectrumEntries } from './reduction.js';
import type { DenseSpectrumOptions } from './reduction.js';
import { knownTerms } from './result.js';
import type {
  DenseTermSpectrum,
  SpectrumJson,
  SpectrumResult,
  SpectrumTerm,
  TermSpectrum,
  WeightDecayTerm,
} from './result.js';
import { densitySpectrum, lanczosSpectrum } from './term-spectrum.js';

export interface SpectrumOptions<
  Term extends SpectrumTerm = SpectrumTerm,
> extends DenseSpectrumOptions {
  /** Default: ['hessian']. */
  readonly terms?: readonly Term[] | undefined;
  /** 'dense': all eigenvalues, exact. 'lanczos': the outermost ones, from products alone. 'density': how
   *  they are distributed, from products alone. 'auto' (default): dense where the matrix fits, else Lanczos
   *  if `largest` or `smallest` is given, never a density. */
  readonly method?: 'auto' | SpectrumMethod | undefined;
  /** How many eigenvalues at each end ('lanczos'); 10 and 10 if neither is given. */
  readonly largest?: number | undefined;
  readonly smallest?: number | undefined;
  /** Of 'density', as for {@link spectralDensity}: 60 and 10 by default. */
  readonly steps?: number | undefined;
  readonly probes?: number | undefined;
  /** Of random vectors. */
  readonly seed?: number | undefined;
  /** A diagonal block in place of the whole matrices, as for {@link hessian}. */
  readonly parameters?: string | readonly string[] | undefined;
  /** λ of a penalty (λ/2)‖θ‖² beside the loss: a term of its own in the result, in none of the others. (In an
   *  operator, as in `hessian(network, data, { weightDecay })`, λI is part of the matrix, but for R's.) */
  readonly weightDecay?: number | undefined;
}

/** @internal */
export const spectrumSchema = optionsOf({
  ...denseSpectrumEntries,
  terms: v.optional(
    v.pipe(
      v.array(v.picklist(knownTerms, `one of ${knownTerms.join(', ')}`), 'a list of terms'),
      v.minLength(1, 'at least one term'),
    ),
    ['hessian'],
  ),
  method: wordOption(['auto', 'dense', 'lanczos', 'density']),
  largest: v.optional(positiveInteger),
  smallest: v.optional(positiveInteger),
  steps: v.optional(positiveInteger),
  probes: v.optional(positiveInteger),
  seed: seedOption,
  parameters: parametersOption,
  weightDecay: v.optional(nonnegativeNumber, 0),
});

/** What leads to the dense matrix, or to an error. */
type DenseChoice<Term extends SpectrumTerm> = SpectrumOptions<Term> & {
  readonly method?: 'auto' | 'dense' | undefined;
  readonly largest?: undefined;
  readonly smallest?: undefined;
};

/** The spectrum of each asked term, with errors, and the loss beside them: all eigenvalues where the matrix
 *  fits, else what `method` says.
 *
 *  Dense spectra run side by side where cores and memory allow.
 *  @throws EigenscapeError as the operators' makers and {@link denseSpectrum}; ERR_MEMORY, naming the call
 *  that would answer, when the matrix does not fit
 *  @example const { terms } = await spectrum(network, data, { terms: ['hessian', 'gaussNewton'] }) */
export function spectrum<const Term extends SpectrumTerm = 'hessian', D extends DType = DType>(
  network: Network<D>,
  data: Dataset,
  options?: DenseChoice<Term>,
): Promise<SpectrumResult<Term, DenseTermSpectrum>>;
export function spectrum<const Term extends SpectrumTerm = 'hessian', D extends DType = DType>(
  network: Network<D>,
  data: Dataset,
  options: SpectrumOptions<Term>,
): Promise<SpectrumResult<Term>>;
export async function spectrum<Term extends SpectrumTerm, D extends DType>(
  network: Network<D>,
  data: Dataset,
  options: SpectrumOptions<Term> = {},
): Promise<SpectrumResult<Term>> {
  const parsed = parseOptions('spectrum', spectrumSchema, options);
  const { signal, onProgress, threads, parameters, weightDecay } = parsed;
  const { via, blockSize, reduce } = parsed;
  const long = { signal, onProgress, threads };
  const asked = [...new Set(parsed.terms)] as Term[];
  const operators = asked.map((term) => new CurvatureOperator(term, network, data, { parameters }));
  const [first] = operators as [CurvatureOperator<D>];
  const { size: parameterCount, parameters: tensors } = first;
  const { largest, smallest, steps, probes, seed } = parsed;
  const { dtype } = network;
  const matrixFree = parsed.method === 'lanczos' || parsed.method === 'density';
  const size = matrixFree ? parameterCount : await assembledSize(first, { via, reduce }, long);
  const { method } = chooseMethod({ method: parsed.method, size, dtype, largest, smallest });
  const decay =
    weightDecay === 0 ? undefined : decayOf(weightDecay, parameterCount, network.parameters());
  const loss = await network.loss(data, long);
  const found = new Map<Term, TermSpectrum>();
  const waiting = [...operators.entries()];
  const runOne = async (): Promise<void> => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      const [index, operator] = next;
      const term = asked[index];
      if (term === undefined) continue;
      const call = forTerm(term, long);
      found.set(
        term,
        method === 'dense'
          ? await denseSpectrum(operator, { ...call, via, blockSize, reduce })
          : method === 'lanczos'
            ? await lanczosSpectrum(operator, { largest, smallest }, { ...call })
            : await densitySpectrum(operator, { steps, probes, seed }, call),
      );
    }
  };
  // Products use all cores; a small dense spectrum does not.
  const lanes = method === 'dense' ? sideBySide(operators, size, threads) : 1;
  await Promise.all(Array.from({ length: lanes }, runOne));
  const facts = {
    version: 1,
    parameterCount,
    sampleCount: data.sampleCount,
    loss,
    ...(decay && { weightDecay: decay }),
    ...(parameters !== undefined && { parameters: tensors.map(({ name }) => name) }),
  } as const;
  return makeResult(facts, asked, found);
}

function decayOf(
  lambda: number,
  size: number,
  theta: Float64Array | Float32Array,
): WeightDecayTerm {
  let squares = 0;
  for (const value of theta) squares += value * value;
  return { eigenvalue: lambda, multiplicity: size, penalty: (lambda / 2) * squares };
}

/** How many terms may run at once. */
function sideBySide(
  operators: readonly CurvatureOperator[],
  size: number,
  threads: number | undefined,
): number {
  const { freeMemory, threads: cores } = addon().machine();
  const fitting = Math.floor(freeMemory / (2 * 8 * size ** 2));
  return Math.max(1, Math.min(operators.length, threads ?? cores, fitting));
}

/** Progress that names the term. */
function forTerm(term: SpectrumTerm, options: LongCallOptions): LongCallOptions {
  const { onProgress } = options;
  if (onProgress === undefined) return options;
  return {
    ...options,
    onProgress: (progress) => {
      onProgress({ ...progress, stage: `${term}: ${progress.stage}` });
    },
  };
}

function makeResult<Term extends SpectrumTerm>(
  facts: Omit<SpectrumJson, 'terms'>,
  asked: readonly Term[],
  found: ReadonlyMap<Term, TermSpectrum>,
): SpectrumResult<Term> {
  const ordered = asked.flatMap((term) => {
    const value = found.get(term);
    return value === undefined ? [] : [[term, value] as const];
  });
  const terms = Object.fromEntries(ordered) as Record<Term, TermSpectrum>;
  return {
    ...facts,
    terms,
    toJSON(): SpectrumJson<Term> {
      const plain = ordered.map(([term, value]) => [
        term,
        Object.fromEntries(
          Object.entries(value).map(([key, field]: [string, unknown]) => [
            key,
            field instanceof Float64Array ? Array.from(field) : field,
          ]),
        ),
      ]);
      return { ...facts, terms: Object.fromEntries(plain) as SpectrumJson<Term>['terms'] };
    },
  };
}
