// The spectra of several terms at one point, as one result.

import type { Dataset } from '../data/dataset.js';
import type { CurvatureOperator } from '../curvature/operator.js';
import type { DType } from '../data/dtype.js';
import { parseOptions } from '../options.js';
import type { LongCallOptions } from '../progress.js';
import { addon } from '../native.js';
import type { Network } from '../network/network.js';
import { solveDense } from './dense-spectrum.js';
import { prepareSpectrum, spectrumSchema, termsSideBySide } from './prepare.js';
import type { SpectrumOptions } from './prepare.js';
import type {
  DenseTermSpectrum,
  SpectrumJson,
  SpectrumResult,
  SpectrumTerm,
  TermSpectrum,
  WeightDecayTerm,
} from './result.js';
import { densitySpectrum, lanczosSpectrum } from './term-spectrum.js';

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
  const { largest, smallest, steps, probes, seed } = parsed;
  const long = { signal, onProgress, threads };
  const prepared = await prepareSpectrum(network, data, parsed);
  prepared.requireFit();
  const { operators, plans } = prepared;
  const asked = prepared.asked as Term[];
  const { method, reason } = prepared.choice;
  const [{ size: parameterCount, parameters: tensors }] = operators as [CurvatureOperator<D>];
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
          ? (await solveDense(operator, { ...call, via, blockSize, reduce })).term
          : method === 'lanczos'
            ? await lanczosSpectrum(operator, { largest, smallest }, { ...call })
            : await densitySpectrum(operator, { steps, probes, seed }, call),
      );
    }
  };
  // Products use all cores; a small dense spectrum does not.
  const { freeMemory, threads: cores } = addon().machine();
  const lanes = method === 'dense' ? termsSideBySide(plans, threads ?? cores, freeMemory) : 1;
  await Promise.all(Array.from({ length: lanes }, runOne));
  const facts = {
    version: 1,
    parameterCount,
    sampleCount: data.sampleCount,
    loss,
    method,
    reason,
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
