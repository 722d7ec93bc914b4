// A network: a spec, its parameters, and what of it can be computed without curvature.

import type { Dataset } from '../data/dataset.js';
import { isStored } from '../data/dataset-inputs.js';
import { allocate } from '../data/dtype.js';
import type { ArrayOf, DType } from '../data/dtype.js';
import { parseLongCall, requireArray } from '../options.js';
import { describeValue } from '../describe-value.js';
import type { SampleRows } from '../data/sample-rows.js';
import { EigenscapeError } from '../errors.js';
import { callEngine, runJob } from '../long-call.js';
import { addon } from '../native.js';
import type { NativeArray, NetworkHandle, SamplesHandle } from '../native.js';
import type { LongCallOptions } from '../progress.js';
import { sumCustomGradient, sumCustomLoss } from './custom-sums.js';
import type { CustomLossPoint } from './custom-sums.js';
import { inputRowsFor } from './input-rows.js';
import type { InputRows } from './input-rows.js';
import type { ParsedSpec } from './parse-spec.js';
import { samplesFor } from './samples.js';
import type { CustomLossSpec, NetworkSpec } from './spec.js';
import { layerWorkOf } from './work.js';
import type { LayerWork } from './work.js';

/** Where one tensor of parameters is in the flat vector of all. */
export interface ParameterTensor {
  /** `dense0.weight`; for an imported network the name in its file. */
  readonly name: string;
  /** Name of the layer. */
  readonly layer: string;
  /** What it is to the layer: 'weight', 'bias'. */
  readonly tensor: string;
  /** [out, in, …], as PyTorch has it. */
  readonly shape: readonly number[];
  /** Of its first entry in the flat parameters. */
  readonly offset: number;
}

interface NetworkParts<D extends DType> {
  readonly parsed: ParsedSpec;
  readonly dtype: D;
  readonly tensorNames: readonly string[] | undefined;
}

// Registered, so that networks of a second copy of the library are known too.
const brand = Symbol.for('eigenscape.Network');

/** @internal */
export function isNetwork(value: unknown): value is Network {
  return typeof value === 'object' && value !== null && brand in value;
}

/** @throws EigenscapeError ERR_SPEC unless `value` is a network
 *  @internal */
export function requireNetwork(call: string, value: unknown): asserts value is Network {
  if (isNetwork(value)) return;
  throw new EigenscapeError(
    'ERR_SPEC',
    `${call}: the network is ${describeValue(value)}; expected one that createNetwork or importOnnx made`,
    { details: { call } },
  );
}

/** Refuses a loss whose functions the engine cannot call from its threads.
 *  @throws EigenscapeError ERR_SPEC for a custom loss
 *  @internal */
export function requireEngineLoss(call: string, network: Network): void {
  if (network.customLoss === undefined) return;
  throw new EigenscapeError(
    'ERR_SPEC',
    `${call}: the loss is of type 'custom', functions that run in JavaScript and so not at many points at once; ` +
      'set a clone to each point and use loss(data) or denseSpectrum(hessian(clone, data))',
    { details: { call } },
  );
}

/** {@link createNetwork} makes it, {@link train} changes its parameters. */
export class Network<D extends DType = DType> {
  readonly [brand] = true;
  readonly spec: NetworkSpec;
  readonly dtype: D;
  /** M: the number of parameters. */
  readonly parameterCount: number;
  /** C: the number of outputs. */
  readonly outputCount: number;
  /** Name, layer, shape and offset of each tensor in the flat parameter vector. */
  readonly layout: readonly ParameterTensor[];
  /** Of each layer in turn, the shape of a sample behind it.
   *  @internal */
  readonly layerShapes: readonly (readonly number[])[];
  /** Of each layer in turn, what its work is counted from.
   *  @internal */
  readonly layerWork: readonly LayerWork[];
  readonly #parts: NetworkParts<D>;
  #handle: NetworkHandle | undefined;
  #training = false;

  private constructor(parts: NetworkParts<D>) {
    const { parsed, dtype, tensorNames } = parts;
    const handle = callEngine(() => addon().createNetwork(parsed.native, dtype));
    const layout = addon().networkLayout(handle);
    this.#parts = parts;
    this.#handle = handle;
    this.spec = parsed.spec;
    this.dtype = dtype;
    this.parameterCount = layout.parameterCount;
    this.outputCount = layout.outputSize;
    this.layout = layout.tensors.map(({ layer, tensor, shape, offset }, index) => {
      const layerName = parsed.layerNames[layer] ?? '';
      const name = tensorNames?.[index] ?? `${layerName}.${tensor}`;
      return { name, layer: layerName, tensor, shape, offset };
    });
    this.layerShapes = layout.layers.map(({ shape }) => shape);
    this.layerWork = layerWorkOf(parsed.spec, parsed.layerNames, layout);
  }

  /** @internal */
  static from<D extends DType>(parts: NetworkParts<D>): Network<D> {
    return new Network(parts);
  }

  /** The engine's object, for the other rooms.
   *  @internal */
  get handle(): NetworkHandle {
    if (this.#handle === undefined) {
      throw new EigenscapeError(
        'ERR_DISPOSED',
        'the network was disposed; create or clone another',
        { details: { what: 'network' } },
      );
    }
    return this.#handle;
  }

  /** The data as the engine holds it for this network.
   *  @internal */
  samplesOf(data: Dataset): SamplesHandle {
    const { spec, outputCount, dtype } = this;
    const { loss } = this.#parts.parsed;
    return samplesFor(data, { input: spec.input, outputs: outputCount, loss, dtype });
  }

  /** The samples, checked against the network's input, flat and in memory.
   *  @throws EigenscapeError ERR_SPEC for a dataset that stays on disk
   *  @internal */
  inputValues(call: string, inputs: SampleRows | Dataset): NativeArray {
    const { values } = inputRowsFor(call, inputs, this.spec.input);
    if (!isStored(values)) return values;
    throw new EigenscapeError(
      'ERR_SPEC',
      `${call}: the inputs of this dataset stay on disk; pass some of them: await data.take(count).load()`,
      { details: { call } },
    );
  }

  /** The loss, if it is written in TypeScript.
   *  @internal */
  get customLoss(): CustomLossSpec | undefined {
    const { loss } = this.#parts.parsed;
    return loss.type === 'custom' ? loss : undefined;
  }

  /** What the sums of a custom loss need, at the parameters that the network has now; undefined for the
   *  losses that the engine knows. What is done with it releases it.
   *  @internal */
  customPoint(data: Dataset): CustomLossPoint | undefined {
    const { customLoss, outputCount } = this;
    if (customLoss === undefined) return undefined;
    const samples = this.samplesOf(data);
    const handle = callEngine(() => addon().createPoint(this.handle, samples));
    return { handle, data, outputCount, loss: customLoss };
  }

  /** Claims the network for training; the function returned gives it back.
   *  @internal */
  claim(): () => void {
    this.#refuseWhileTraining('train');
    this.#training = true;
    return () => {
      this.#training = false;
    };
  }

  /** A copy of all parameters [parameterCount], flat: layer by layer, weight [out, in] row-major, then
   *  bias. While the network is trained: those after some whole step. */
  parameters(): ArrayOf[D] {
    const copy = allocate(this.dtype, this.parameterCount);
    addon().networkParameters(this.handle, copy);
    return copy;
  }

  /** The same for a call that takes its time: copied on another thread, as they are now.
   *  @internal */
  copyParameters({ signal, threads }: LongCallOptions = {}): Promise<ArrayOf[D]> {
    const copy = allocate(this.dtype, this.parameterCount);
    return runJob({ signal, threads }, (job) => addon().copyParameters(this.handle, copy, job));
  }

  /** Overwrites all parameters with a copy of `values` [parameterCount].
   *  @throws EigenscapeError ERR_SHAPE, ERR_DATA for an entry that is not finite, ERR_BUSY in training */
  setParameters(values: ArrayLike<number>): void {
    this.#refuseWhileTraining('setParameters');
    requireArray('setParameters', 'the list of parameters', values);
    this.#requireCount(values.length);
    const isFloat = values instanceof Float64Array || values instanceof Float32Array;
    const numbers = isFloat
      ? values
      : Float64Array.from(values, (value: unknown) => (typeof value === 'number' ? value : NaN));
    const finite = addon().setNetworkParameters(this.handle, numbers);
    if (finite < this.parameterCount) throw this.#notFinite(finite, values[finite]);
  }

  /** The same for a call that takes its time: the entries of all parts, which nobody changes meanwhile, are
   *  copied on another thread.
   *  @internal */
  async loadParameters(parts: readonly NativeArray[], signal?: AbortSignal): Promise<void> {
    this.#requireCount(parts.reduce((sum, { length }) => sum + length, 0));
    const finite = await runJob({ signal }, (job) =>
      addon().loadNetworkParameters(this.handle, parts, job),
    );
    if (finite < this.parameterCount) throw this.#notFinite(finite, entryOf(parts, finite));
  }

  #requireCount(length: number): void {
    if (length === this.parameterCount) return;
    throw new EigenscapeError(
      'ERR_SHAPE',
      `setParameters: given ${String(length)} values; expected ${String(this.parameterCount)}, the network's parameterCount`,
      { details: { given: length, expected: this.parameterCount } },
    );
  }

  #notFinite(index: number, value: unknown): EigenscapeError {
    return new EigenscapeError(
      'ERR_DATA',
      `setParameters: parameter ${String(index)} is ${describeValue(value)}; expected a finite number of ${this.dtype}`,
      { details: { index, value } },
    );
  }

  /** A network of its own with the same spec and parameters. */
  clone(): Network<D> {
    const copy = new Network(this.#parts);
    addon().shareParameters(this.handle, copy.handle);
    return copy;
  }

  /** Outputs f [N, outputCount] row-major for inputs in any form that `createDataset` takes, or those of
   *  a dataset. */
  async predict(inputs: SampleRows | Dataset, options: LongCallOptions = {}): Promise<ArrayOf[D]> {
    parseLongCall('predict', options);
    return this.predictRows(inputRowsFor('predict', inputs, this.spec.input), options);
  }

  /** The same for flat samples, which were checked and which nobody changes meanwhile.
   *  @internal */
  predictRows({ values, count }: InputRows, options: LongCallOptions): Promise<ArrayOf[D]> {
    const { handle } = this;
    const outputs = allocate(this.dtype, count * this.outputCount);
    return runJob(options, (job) => addon().predict(handle, values, count, outputs, job));
  }

  /** L over the whole data. */
  async loss(data: Dataset, options: LongCallOptions = {}): Promise<number> {
    parseLongCall('loss', options);
    const point = this.customPoint(data);
    if (point !== undefined) return sumCustomLoss(point, options);
    return (await this.#evaluate(data, options)).loss;
  }

  /** The share of the samples, by weight, whose largest output is at the target's class; for binary
   *  cross-entropy, whose outputs all have the right sign.
   *  @throws EigenscapeError ERR_SPEC under meanSquaredError and custom losses, which know no classes */
  async accuracy(data: Dataset, options: LongCallOptions = {}): Promise<number> {
    const { type } = this.#parts.parsed.loss;
    if (type === 'meanSquaredError' || type === 'custom') {
      const loss = type === 'custom' ? 'a custom loss' : `the loss ${type}`;
      throw new EigenscapeError(
        'ERR_SPEC',
        `accuracy: a network with ${loss} has no classes to be right about; use loss(data)`,
        { details: { call: 'accuracy', loss: type } },
      );
    }
    parseLongCall('accuracy', options);
    return (await this.#evaluate(data, options)).accuracy;
  }

  /** ∇L over the whole data [parameterCount]. */
  async gradient(data: Dataset, options: LongCallOptions = {}): Promise<ArrayOf[D]> {
    parseLongCall('gradient', options);
    const { handle } = this;
    const point = this.customPoint(data);
    const result = allocate(this.dtype, this.parameterCount);
    if (point === undefined) {
      const samples = this.samplesOf(data);
      return runJob(options, (job) => addon().gradient(handle, samples, result, job));
    }
    const { gradient } = await sumCustomGradient(point, options);
    result.set(gradient);
    return result;
  }

  /** Frees the parameters now, not when the garbage collector comes by. */
  [Symbol.dispose](): void {
    if (this.#handle !== undefined) addon().release(this.#handle);
    this.#handle = undefined;
  }

  async #evaluate(data: Dataset, options: LongCallOptions) {
    const { handle } = this;
    const samples = this.samplesOf(data);
    return runJob(options, (job) => addon().evaluate(handle, samples, job));
  }

  #refuseWhileTraining(call: string): void {
    if (!this.#training) return;
    throw new EigenscapeError(
      'ERR_BUSY',
      `${call}: the network is being trained; wait for train(…), or work on network.clone()`,
      { details: { call } },
    );
  }
}

function entryOf(parts: readonly NativeArray[], index: number): number | undefined {
  let first = 0;
  for (const part of parts) {
    if (index < first + part.length) return part[index - first];
    first += part.length;
  }
  return undefined;
}
