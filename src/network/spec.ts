// The specification of a network: plain JSON that says its input, its layers and its loss.

interface LayerCommon {
  /** How other layers and `network.layout` call this layer; default: its type and index, `dense0`. */
  readonly name?: string | undefined;
  /** Names of the layers read, `'input'` for the network's input; default: the layer before. */
  readonly inputs?: readonly string[] | undefined;
}

/** y = W x + b: W is [units, inputs] row-major, b [units]. */
export interface DenseSpec extends LayerCommon {
  readonly type: 'dense';
  readonly units: number;
  readonly bias?: boolean | undefined;
}

export interface FlattenSpec extends LayerCommon {
  readonly type: 'flatten';
}

/** The pointwise functions, each as PyTorch defines it (gelu exact, with erf; softplus exact). */
export type ActivationType =
  'relu' | 'tanh' | 'sigmoid' | 'softplus' | 'gelu' | 'silu' | 'elu' | 'leakyRelu';

export interface ActivationSpec extends LayerCommon {
  readonly type: ActivationType;
  /** elu: the limit −alpha at −∞ (default 1); leakyRelu: the slope below zero (default 0.01). */
  readonly alpha?: number | undefined;
}

export type LayerSpec = DenseSpec | FlattenSpec | ActivationSpec;

/** ℓ = −Σ_c q_c log p_c with q_c = w_c·((1−ε)·t_c + ε/C): class weights w, label smoothing ε. */
export interface SoftmaxCrossEntropySpec {
  readonly type: 'softmaxCrossEntropy';
  readonly labelSmoothing?: number | undefined;
  readonly classWeights?: readonly number[] | undefined;
  /** Samples with this integer target count for nothing, not even in the denominator. */
  readonly ignoreIndex?: number | undefined;
}

/** Mean over outputs of (f_c − t_c)². */
export interface MeanSquaredErrorSpec {
  readonly type: 'meanSquaredError';
}

/** Mean over outputs of log(1 + e^f_c) − t_c·f_c: outputs are logits, targets in [0, 1]. */
export interface BinaryCrossEntropySpec {
  readonly type: 'binaryCrossEntropy';
}

export type LossObject = SoftmaxCrossEntropySpec | MeanSquaredErrorSpec | BinaryCrossEntropySpec;
export type LossName = LossObject['type'];
export type LossSpec = LossName | LossObject;

export interface NetworkSpec {
  /** Shape of one sample, without the batch axis: [features] or [channels, height, width]. */
  readonly input: readonly number[];
  readonly layers: readonly LayerSpec[];
  readonly loss: LossSpec;
}

/** Returns its argument, with literal types kept. */
export function defineNetwork<const S extends NetworkSpec>(spec: S): S {
  return spec;
}
