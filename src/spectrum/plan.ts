// What each way to a spectrum takes: work counted by formulas, memory as the engine plans it.

import type { CurvatureOperator, CurvatureTerm } from '../curvature/operator.js';
import { entryCount } from '../curvature/parameters.js';
import { assemblyWork, gramWork } from '../curvature/work.js';
import type { ChainWork, OperatorWork } from '../curvature/work.js';
import { addon } from '../native.js';
import type { NativeReduction, NativeWay } from '../native.js';
import type { Network } from '../network/network.js';
import type { StageWork } from '../network/work.js';
import { basisRows, defaultBlockSize } from './krylov-search.js';
import type { SpectrumMethod } from './method.js';
import { defaultProbes, defaultSteps, probesAtOnce } from './spectral-density.js';
import { defaultEnds } from './term-spectrum.js';
import { densityWork, eigenvalueWork, lanczosWork } from './work.js';

/** One way for one term, planned. */
export interface Plan {
  readonly stages: readonly StageWork[];
  /** At the peak, beside network, data and result. */
  readonly bytes: number;
}

export type Plans = Readonly<Record<SpectrumMethod, Plan>> & {
  /** Of the matrix whose eigenvalues are all of them but zeros. */
  readonly dense: { readonly order: number };
};

/** What rules the plans of a term, as `spectrum` takes it. */
export interface PlanRequest {
  /** What is taken out of the dense matrix. */
  readonly reduction: NativeReduction | undefined;
  readonly way: NativeWay;
  readonly largest?: number | undefined;
  readonly smallest?: number | undefined;
  readonly steps?: number | undefined;
  readonly probes?: number | undefined;
}

/** The three ways for one operator. */
export function planOperator(
  network: Network,
  operator: CurvatureOperator,
  term: CurvatureTerm,
  request: PlanRequest,
): Plans {
  const { way, reduction } = request;
  const work = operatorWork(network, operator, term, way);
  const { size } = operator;
  const order = reduction?.size ?? size;
  const memory = (count: number) => addon().plannedMemory(operator.handle, way, { order, count });
  const pairs = pairsOf(request, size);
  const blockSize = Math.min(defaultBlockSize, size);
  const { capacity, spare } = basisRows({
    wanted: pairs,
    blockSize,
    widest: blockSize,
    size,
    basisSize: undefined,
  });
  const steps = Math.min(request.steps ?? defaultSteps, size);
  const probes = request.probes ?? defaultProbes;
  const atOnce = Math.min(probes, probesAtOnce(size, steps));
  const { eigenvalues, gram } = memory(1);
  return {
    dense: {
      order: gram?.rows ?? order,
      stages: [
        gram === undefined
          ? assemblyWork(reducedWork(work, reduction), way.blockSize)
          : gramWork(work, gram),
        eigenvalueWork(gram?.rows ?? order, operator.dtype),
      ],
      bytes: gram?.bytes ?? eigenvalues,
    },
    lanczos: {
      stages: lanczosWork(work, pairs, blockSize),
      bytes: memory(blockSize).products + 8 * (size * (capacity + spare) + capacity ** 2),
    },
    density: {
      stages: densityWork(work, probes, steps),
      bytes: memory(atOnce).products + 8 * size * atOnce * (steps + 1),
    },
  };
}

function pairsOf({ largest, smallest }: PlanRequest, size: number): number {
  const none = largest === undefined && smallest === undefined;
  const ends = none ? 2 * defaultEnds : (largest ?? 0) + (smallest ?? 0);
  return Math.min(ends, size);
}

/** What the formulas count, read from shapes. */
export function operatorWork(
  network: Network,
  operator: CurvatureOperator,
  term: CurvatureTerm,
  way: NativeWay,
): OperatorWork {
  const chain = way.via !== 'products' && addon().isChain(operator.handle);
  return {
    term,
    layers: network.layerWork,
    samples: operator.sampleCount,
    size: operator.size,
    entryBytes: operator.dtype === 'float32' ? 4 : 8,
    chain: chain ? chainOf(network, operator) : undefined,
    keepsPoint: addon().plannedMemory(operator.handle, way, { order: 1, count: 1 }).kept > 0,
  };
}

/** The same with the inputs and units that the reduction leaves. */
function reducedWork(work: OperatorWork, reduction: NativeReduction | undefined): OperatorWork {
  if (reduction === undefined) return work;
  const { size, maps } = reduction;
  if (work.chain === undefined) return { ...work, size };
  const chain = work.chain.map((layer, index) => {
    const map = maps[index];
    if (map === undefined) return layer;
    const units = map.liveUnits - (map.contracted ? 1 : 0);
    return { ...layer, inputs: map.keptInputs, units };
  });
  return { ...work, size, chain };
}

/** The dense layers that have parameters in the matrix. */
function chainOf(network: Network, operator: CurvatureOperator): readonly ChainWork[] {
  const layers = network.layerWork;
  return layers.flatMap(({ type, name, outputs: units }, index): ChainWork[] => {
    const entries = operator.parameters
      .filter(({ layer }) => layer === name)
      .reduce((sum, { shape }) => sum + entryCount(shape), 0);
    if (type !== 'dense' || entries === 0) return [];
    const next = layers.findIndex((layer, place) => place > index && layer.type === 'dense');
    const functions = layers.slice(index + 1, next < 0 ? layers.length : next);
    const kinked = functions.some((layer) => layer.type === 'relu');
    const straight = functions.every((layer) => ['relu', 'leakyRelu'].includes(layer.type));
    return [{ inputs: entries / units, units, active: kinked ? 0.5 : 1, curved: !straight }];
  });
}
