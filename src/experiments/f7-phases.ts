// Figures 7 and 8 of Sagun et al. 2017: a bare AlexNet, without momentum, dropout or batch normalisation, at a constant
// learning rate; part I with large batches, part II from where that ended with small ones. Claims: the switch
// shows as a jump, and part II ends more accurate on test data (F7); the straight line between the two ends crosses
// no barrier, so both lie in one basin (F8).
//
// The paper fixes: CIFAR-10, batches of 1,000 and of 32, 250 records of 100 steps in each part, coefficients from −1
// to 2. We chose: five convolutions and three dense layers as AlexNet has them, narrower, and for 32 × 32 pixels (at
// demo scale for the 8 × 8 of the embedded digits, to which other images are averaged), He's initial weights (with PyTorch's
// a net of this depth stays at its start for thousands of such steps), batches reshuffled in every pass, a rate of
// 0.01; at demo scale half of the data as the large batch, 50 records of 10 steps, five seeds, and so many parameters
// that the net is over-parametrized as the paper's: M is four times the N·C that G's rank can have.
//
// Of 500, 1,000 and 2,000 steps a part, tried with other seeds (101 to 104), we took the first, where part I still falls
// at the switch: after 2,000 nothing is left to jump (no barrier either), after 1,000 two of four runs had barriers of 5
// and 20 %, as had two of four with half the widths (M ≈ N·C) after 2,000 (28 and 47 %). So the claim needs room in
// the network, and depends on how sharp the place is that small batches leave.

import type { TrainTest } from '../data/idx.js';
import { barrier } from '../landscape/barrier.js';
import { interpolate } from '../landscape/interpolate.js';
import { createNetwork } from '../network/create-network.js';
import type { Network } from '../network/network.js';
import type { LongCallOptions } from '../progress.js';
import { sgd } from '../training/optimizer.js';
import type { TrainingRecord } from '../training/record.js';
import type { ResumePoint } from '../training/state.js';
import { train } from '../training/train.js';
import { digestOf } from './data-digest.js';
import { defineExperiment, manifestOf } from './experiment.js';
import type { Pieces, Running, Scale } from './experiment.js';
import { checkF7, drawF7, summarizeF7, tabulateF7 } from './f7-figure.js';
import { bareAlexNet, DTYPES, SCALES, trainAndTest } from './f7-setup.js';
import { stageProgress } from './stage-progress.js';
import type { StageProgress } from './stage-progress.js';

const LEARNING_RATE = 0.01;
const LARGE_BATCH = 1000;
const SMALL_BATCH = 32;
/** A part is trained in so many pieces, each of which an interrupted run keeps. */
const STRETCHES = 10;
export interface F7Record {
  readonly step: number;
  readonly loss: number;
  readonly accuracy: number;
  readonly testLoss: number;
  readonly testAccuracy: number;
}

/** Values along the line from the end of part I (0) to that of part II (1). */
export interface F7Line {
  readonly coefficients: readonly number[];
  readonly losses: readonly number[];
  readonly accuracies: readonly number[];
  readonly testLosses: readonly number[];
  readonly testAccuracies: readonly number[];
}

export interface F7Run {
  readonly seed: number;
  readonly parameterCount: number;
  /** From the start; those of part II from its first one on. */
  readonly parts: readonly [readonly F7Record[], readonly F7Record[]];
  readonly line: F7Line;
  /** The largest excess of the training loss over the chord, the initial loss, and where. */
  readonly barrier: { readonly height: number; readonly initialLoss: number; readonly at: number };
  /** ‖to − from‖ */
  readonly distance: number;
}

export interface F7Result {
  readonly experiment: 'f7';
  readonly seed: number;
  readonly scale: Scale;
  readonly data: string;
  readonly digest: string;
  readonly samples: { readonly train: number; readonly test: number };
  readonly batches: readonly [number, number];
  readonly runs: readonly F7Run[];
}

export const f7Phases = defineExperiment<F7Result>({
  id: 'f7',
  title: 'Figures 7 and 8: from large to small batches, within one basin',
  run: runF7,
  check: checkF7,
  tabulate: tabulateF7,
  draw: drawF7,
  summarize: summarizeF7,
  manifest: ({ seed, scale, data, digest, samples, batches, runs }) =>
    manifestOf('F7 and F8', {
      seed,
      seeds: runs.length,
      scale,
      network:
        `convolutions of 3 × 3 with ${SCALES[scale].filters.join(', ')} filters, ReLU after each, maximum after the first, ` +
        `second and last; dense ${SCALES[scale].units}, ${SCALES[scale].units}, 10`,
      parameters: runs[0]?.parameterCount ?? 0,
      loss: 'softmax cross-entropy',
      data,
      'data, SHA-256': digest,
      'training samples': samples.train,
      'test samples': samples.test,
      'initial weights': 'He’s',
      optimizer: `SGD without momentum, learning rate ${LEARNING_RATE}`,
      batches,
      order: 'shuffled in every pass',
      'records of each part': SCALES[scale].records,
      'steps of a record': SCALES[scale].every,
      'parameters per N·C': (runs[0]?.parameterCount ?? NaN) / (samples.train * 10),
      arithmetic: DTYPES[scale],
    }),
});

async function runF7({
  seed: first,
  scale,
  dataDirectory,
  piece,
  onProgress,
  signal,
  threads,
}: Running): Promise<F7Result> {
  const { data, name } = await trainAndTest(scale, { directory: dataDirectory, seed: first });
  const { sampleCount } = data.train;
  const batches = [Math.min(LARGE_BATCH, Math.ceil(sampleCount / 2)), SMALL_BATCH] as const;
  const { seeds } = SCALES[scale];
  const stage = stageProgress('stretches of training', 2 * STRETCHES * seeds, onProgress);
  const runs: F7Run[] = [];
  for (let seed = first; seed < first + seeds; ++seed) {
    runs.push(await measureRun({ data, batches, seed, scale, piece, stage, signal, threads }));
  }
  return {
    experiment: 'f7',
    seed: first,
    scale,
    data: name,
    digest: digestOf(data.train, data.test),
    samples: { train: sampleCount, test: data.test.sampleCount },
    batches,
    runs,
  };
}

interface RunChoice extends LongCallOptions {
  readonly data: TrainTest;
  readonly batches: readonly [number, number];
  readonly seed: number;
  readonly scale: Scale;
  readonly piece: Pieces;
  readonly stage: StageProgress;
}

/** Both parts of a run from one start, and the line between their ends. */
async function measureRun(choice: RunChoice): Promise<F7Run> {
  const { data, batches, seed, scale, piece, signal, threads } = choice;
  using network = createNetwork(bareAlexNet(data.train.inputShape, scale), {
    seed,
    dtype: DTYPES[scale],
    initializer: 'he',
  });
  const initial = network.parameters();
  const one = await trainPart(network, 0, { ...choice, batch: batches[0] });
  const from = network.parameters();
  const two = await trainPart(network, 1, { ...choice, batch: batches[1] });
  const to = network.parameters();
  const options = { data: data.train, signal, threads };
  return await piece(`seed-${seed}-line`, async () => {
    const line = await interpolate(network, from, to, {
      ...options,
      testData: data.test,
      derivatives: false,
    });
    const {
      height,
      at,
      initialLoss = NaN,
    } = await barrier(network, from, to, { ...options, initial });
    return {
      seed,
      parameterCount: network.parameterCount,
      parts: [one, two],
      line: {
        coefficients: Array.from(line.coefficients),
        losses: Array.from(line.losses),
        accuracies: Array.from(line.accuracies ?? []),
        testLosses: Array.from(line.testLosses ?? []),
        testAccuracies: Array.from(line.testAccuracies ?? []),
      },
      barrier: { height, initialLoss, at },
      distance: line.distance,
    };
  });
}

/** Where a stretch of training ended, as JSON. */
interface Stretch {
  readonly records: readonly F7Record[];
  /** Of the parameters, in base64: as text of numbers they would be three times as long. */
  readonly parameters: string;
}

/** Trains one of the two parts from where the network is, stretch by stretch. */
async function trainPart(
  network: Network,
  part: 0 | 1,
  {
    data,
    seed,
    scale,
    batch,
    piece,
    stage,
    signal,
    threads,
  }: RunChoice & { readonly batch: number },
): Promise<readonly F7Record[]> {
  const { records, every } = SCALES[scale];
  const steps = (records * every) / STRETCHES;
  const phaseStart = part * records * every;
  const all: F7Record[] = [];
  for (let stretch = 0; stretch < STRETCHES; ++stretch) {
    const resumeFrom: ResumePoint = {
      step: phaseStart + stretch * steps,
      phase: part,
      phaseStart,
      seed,
    };
    const done = await piece(
      `seed-${seed}-part-${part + 1}-${stretch}`,
      async (): Promise<Stretch> => {
        const history = await train(network, data.train, {
          optimizer: sgd({ learningRate: LEARNING_RATE }),
          batchSize: batch,
          order: 'shuffled',
          steps,
          recordEvery: every,
          testData: data.test,
          resumeFrom,
          signal,
          threads,
        });
        const { buffer } = network.parameters();
        return {
          records: history.records.map(plainRecord),
          parameters: Buffer.from(buffer).toString('base64'),
        };
      },
    );
    network.setParameters(parametersIn(done, network));
    all.push(...done.records.slice(stretch === 0 ? 0 : 1));
    stage.finished(1);
  }
  return all;
}

function parametersIn({ parameters }: Stretch, { dtype }: Network): Float64Array | Float32Array {
  const { buffer } = Uint8Array.from(Buffer.from(parameters, 'base64'));
  return dtype === 'float64' ? new Float64Array(buffer) : new Float32Array(buffer);
}

function plainRecord(record: TrainingRecord): F7Record {
  const { step, loss, accuracy = NaN, testLoss = NaN, testAccuracy = NaN } = record;
  return { step, loss, accuracy, testLoss, testAccuracy };
}
