// The spectra of several terms at one point, as one result.

import * as v from 'valibot';

import { CurvatureOperator, denseEntries } from '../curvature/operator.js';
import type { DenseOptions } from '../curvature/operator.js';
import { parametersOption } from '../curvature/parameters.js';
import type { Dataset } from '../data/dataset.js';
import type { DType } from '../data/dtype.js';
import { nonnegativeNumber, optionsOf, parseOptions } from '../options.js';
import { addon } from '../native.js';
import type { Network } from '../network/network.js';
import { denseSpectrum } from './dense-spectrum.js';
import { knownTerms } from './result.js';
import type {
  SpectrumJson,
  SpectrumResult,
  SpectrumTerm,
  TermSpectrum,
  WeightDecayTerm,
} from './result.js';

export interface SpectrumOptions<Term extends SpectrumTerm = SpectrumTerm> extends DenseOptions {
  /** Default: ['hessian']. */
  readonly terms?: readonly Term[] | undefined;
  /** 'dense', which 'auto' (default) takes: all eigenvalues, exact. */
  readonly method?: 'auto' | 'dense' | undefined;
  /** A diagonal block in place of the whole matrices, as for {@link hessian}. */
  readonly parameters?: string | readonly string[] | undefined;
  /** λ of a penalty (λ/2)‖θ‖² beside the loss: a term of its own in the result, in none of the others. (In an
   *  operator, as in `hessian(network, data, { weightDecay })`, λI is part of the matrix.) */
  readonly weightDecay?: number | undefined;
}

const schema = optionsOf({
  ...denseEntries,
  terms: v.optional(
    v.pipe(
      v.array(v.picklist(knownTerms, `one of ${knownTerms.join(', ')}`), 'a list of terms'),
      v.minLength(1, 'at least one term'),
    ),
    ['hessian'],
  ),
  method: v.optional(v.picklist(['auto', 'dense'], "'auto' or 'dense'"), 'auto'),
  parameters: parametersOption,
  weightDecay: v.optional(nonnegativeNumber, 0),
});

/** All eigenvalues of each asked term, with errors, and the loss beside them.
 *
 *  LAPACK uses one core, so terms run side by side where cores and memory allow.
 *  @throws EigenscapeError as the operators' makers and {@link denseSpectrum}
 *  @example const { terms } = await spectrum(network, data, { terms: ['hessian', 'gaussNewton'] }) */
export async function spectrum<
  const Term extends SpectrumTerm = 'hessian',
  D extends DType = DType,
>(
  network: Network<D>,
  data: Dataset,
  options: SpectrumOptions<Term> = {},
): Promise<SpectrumResult<Term>> {
  const parsed = parseOptions('spectrum', schema, options);
  const { signal, onProgress, threads, via, blockSize, parameters, weightDecay } = parsed;
  const long = { signal, onProgress, threads };
  const asked = [...new Set(parsed.terms)] as Term[];
  const operators = asked.map((term) => new CurvatureOperator(term, network, data, { parameters }));
  const [{ size, parameters: tensors }] = operators as [CurvatureOperator<D>];
  const decay = weightDecay === 0 ? undefined : decayOf(weightDecay, size, network.parameters());
  const loss = await network.loss(data, long);
  const found = new Map<Term, TermSpectrum>();
  const waiting = [...operators.entries()];
  const runOne = async (): Promise<void> => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      const [index, operator] = next;
      const term = asked[index];
      if (term === undefined) continue;
      found.set(term, await denseSpectrum(operator, forTerm(term, { ...long, via, blockSize })));
    }
  };
  const lanes = sideBySide(operators, threads);
  await Promise.all(Array.from({ length: lanes }, runOne));
  const facts = {
    version: 1,
    parameterCount: size,
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
function sideBySide(operators: readonly CurvatureOperator[], threads: number | undefined): number {
  const { freeMemory, threads: cores } = addon().machine();
  const size = operators[0]?.size ?? 1;
  const fitting = Math.floor(freeMemory / (2 * 8 * size ** 2));
  return Math.max(1, Math.min(operators.length, threads ?? cores, fitting));
}

/** Progress that names the term. */
function forTerm(term: SpectrumTerm, options: DenseOptions): DenseOptions {
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
        { ...value, eigenvalues: Array.from(value.eigenvalues) },
      ]);
      return { ...facts, terms: Object.fromEntries(plain) as SpectrumJson<Term>['terms'] };
    },
  };
}
