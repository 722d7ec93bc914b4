// What the cost model (docs/cost-model.md) expects of a trial of ours: seconds of its unit and bytes at the peak,
// computed from shapes and from the speed of a product of matrices in this process, after the trial.

import { assemblyWork, productWork } from '../dist/curvature/work.js';
import { hessian } from '../dist/index.js';
import { machineInfo, machineSpeed } from '../dist/machine.js';
import { addon } from '../dist/native.js';
import { secondsOf } from '../dist/network/work.js';
import { operatorWork } from '../dist/spectrum/plan.js';
import { eigenvalueWork, roundedLanczosWork } from '../dist/spectrum/work.js';
import { stepWork } from '../dist/training/work.js';

const way = { via: 'auto', blockSize: 64 };

/** Share of the rows that is left where units were drawn at random: those of ReLU units that no sample activates
 *  are zero and taken out. */
const livingShare = 0.85;

/** One problem on one thread, others beside it. */
const alone = (speed, threads) => ({ all: speed.one * threads, one: speed.one * threads });

function planned({ network, data }) {
  const operator = hessian(network, data);
  const work = operatorWork(network, operator, 'hessian', way);
  const memory = (count) =>
    addon().plannedMemory(operator.handle, way, { order: operator.size, count });
  return { work, memory, size: operator.size };
}

const predictions = {
  denseHessian(job, problem, speed) {
    const { work, memory } = planned(problem);
    return {
      seconds: secondsOf([assemblyWork(work, way.blockSize)], speed),
      bytes: memory(1).matrix,
    };
  },
  /** Of a call after the first, which has left the point behind. */
  products({ count }, problem, speed) {
    const { work, memory } = planned(problem);
    const [twice, once] = [2, 1].map((calls) => productWork(work, calls * count, count));
    const seconds = secondsOf([twice], speed) - secondsOf([once], speed);
    return { seconds: seconds / count, bytes: memory(count).products };
  },
  steps({ batch, optimizer }, { network }, speed) {
    const moments = optimizer === 'adam' ? 2 : 0;
    const parameters = network.parameterCount;
    const entryBytes = network.dtype === 'float32' ? 4 : 8;
    const step = stepWork(network.layerWork, { batch, parameters, moments, entryBytes });
    return { seconds: secondsOf([step], speed) };
  },
  spectra(job, problem, speed, threads) {
    const { work, size } = planned(problem);
    const order = Math.round(livingShare * size);
    const stages = [{ ...assemblyWork(work, way.blockSize), seconds: 0 }, eigenvalueWork(order)];
    return { seconds: secondsOf(stages, alone(speed, threads)) };
  },
  trainMany(job, { network, data }, speed, threads) {
    const sizes = { batch: data.sampleCount, parameters: network.parameterCount, moments: 0 };
    const step = stepWork(network.layerWork, { ...sizes, entryBytes: 8 });
    return {
      seconds: secondsOf([{ ...step, seconds: step.seconds / threads }], alone(speed, threads)),
    };
  },
  extremalEigenpairs({ count }, problem, speed) {
    const { work, memory } = planned(problem);
    const { stages, bytes } = roundedLanczosWork(work, 2 * count);
    return { seconds: secondsOf(stages, speed), bytes: bytes + 2 * memory(8).kept };
  },
  eigenvalues(job, { size }, speed) {
    return { seconds: secondsOf([eigenvalueWork(size)], speed), bytes: 8 * size ** 2 };
  },
};

/** @param {object} job with `task` and what it takes
 *  @param {object} problem { network, data } or { size }
 *  @returns {Promise<{ seconds: number, bytes?: number } | undefined>} undefined for what is no task of ours */
export async function predict(job, problem) {
  const { threads } = machineInfo();
  const speed = await machineSpeed(job.problem.dtype ?? 'float64', threads);
  return predictions[job.task]?.(job, problem, speed, threads);
}
