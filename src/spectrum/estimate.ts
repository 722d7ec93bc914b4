// Work, memory and time of a spectrum before anything is computed.

import type { Dataset } from '../data/dataset.js';
import type { DType } from '../data/dtype.js';
import { throwIfAborted } from '../long-call.js';
import { parseOptions } from '../options.js';
import { machineInfo, machineSpeed } from '../machine.js';
import type { MachineSpeed } from '../machine.js';
import { flopsOf, secondsOf } from '../network/work.js';
import type { Network } from '../network/network.js';
import type { StageWork } from '../network/work.js';
import type { SpectrumMethod } from './method.js';
import type { Plans } from './plan.js';
import { prepareSpectrum, spectrumSchema, termsSideBySide } from './prepare.js';
import type { SpectrumOptions } from './prepare.js';
import type { SpectrumTerm } from './result.js';

/** What one way to all the terms takes. */
export interface MethodEstimate {
  /** Flops planned, by the formulas of docs/cost-model.md. */
  readonly work: number;
  /** Bytes at the peak, beside the network, its data and the result. */
  readonly bytes: number;
  /** Expected at the speed measured, on a quiet machine. */
  readonly seconds: number;
  /** Whether these bytes are free now. */
  readonly fits: boolean;
  /** What makes them up: 'assembly' is what `toDense` takes, 'eigenvalues' what follows it; 'products' and
   *  'orthogonalization' are those of `extremalEigenpairs` or `spectralDensity`. */
  readonly stages: readonly StageEstimate[];
}

/** What one stage of a computation takes. */
export interface StageEstimate {
  readonly stage: string;
  /** Flops. */
  readonly work: number;
  readonly seconds: number;
}

export interface SpectrumEstimate extends MethodEstimate {
  /** The one asked for, or what 'auto' would take. */
  readonly method: SpectrumMethod;
  /** Why, in a sentence; where it does not fit, the calls that would answer, with what each takes. */
  readonly reason: string;
  /** Each way to the same terms. */
  readonly methods: Readonly<Record<SpectrumMethod, MethodEstimate>>;
  /** M: rows of the matrices. */
  readonly parameterCount: number;
  /** Flops per second of a product of matrices, measured once in a process: on all threads, and on one. */
  readonly speed: MachineSpeed;
  readonly threads: number;
  /** Bytes */
  readonly freeMemory: number;
}

/** Work, memory and time that {@link spectrum} would take with the same arguments, and the method that it
 *  would choose. Nothing is computed but the reduction of the dense matrix, and a few products of small matrices, once in a
 *  process (some 50 ms), to see how fast the machine is now. A matrix that does not fit is no error
 *  here: `fits` is false, and `reason` is what {@link spectrum} would refuse it with.
 *  @throws EigenscapeError ERR_SPEC and the like, as {@link spectrum}
 *  @example const { method, bytes, seconds } = await estimate(network, data, { terms: ['hessian'] }) */
export async function estimate<Term extends SpectrumTerm = 'hessian', D extends DType = DType>(
  network: Network<D>,
  data: Dataset,
  options: SpectrumOptions<Term> = {},
): Promise<SpectrumEstimate> {
  const parsed = parseOptions('estimate', spectrumSchema, options);
  throwIfAborted(parsed.signal);
  const prepared = await prepareSpectrum(network, data, parsed);
  const { operators, plans, choice } = prepared;
  try {
    const { freeMemory, threads: cores } = machineInfo();
    const threads = parsed.threads ?? cores;
    const speed = await machineSpeed(network.dtype, threads);
    const of = (method: SpectrumMethod): MethodEstimate =>
      estimateMethod(plans, method, { speed, threads, freeMemory });
    const methods = { dense: of('dense'), lanczos: of('lanczos'), density: of('density') };
    const { method, reason } = choice;
    const parameterCount = operators[0]?.size ?? 0;
    return {
      method,
      reason,
      ...methods[method],
      methods,
      parameterCount,
      speed,
      threads,
      freeMemory,
    };
  } finally {
    for (const operator of operators) operator[Symbol.dispose]();
  }
}

function estimateMethod(
  plans: readonly Plans[],
  method: SpectrumMethod,
  machine: { readonly speed: MachineSpeed; readonly threads: number; readonly freeMemory: number },
): MethodEstimate {
  const { speed, threads, freeMemory } = machine;
  const stages = plans.flatMap((plan) => plan[method].stages);
  const largest = Math.max(...plans.map((plan) => plan[method].bytes));
  // Terms side by side hold a matrix each.
  const lanes = method === 'dense' ? termsSideBySide(plans, threads, freeMemory) : 1;
  const bytes = lanes * largest;
  return {
    work: flopsOf(stages),
    bytes,
    seconds: secondsOf(stages, speed),
    fits: bytes <= freeMemory,
    stages: byName(stages).map(([stage, parts]) => ({
      stage,
      work: flopsOf(parts),
      seconds: secondsOf(parts, speed),
    })),
  };
}

/** The stages of all terms, those of one name together. */
function byName(stages: readonly StageWork[]): (readonly [string, readonly StageWork[]])[] {
  const names = [...new Set(stages.map(({ stage }) => stage))];
  return names.map((name) => [name, stages.filter(({ stage }) => stage === name)]);
}
