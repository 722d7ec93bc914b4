// The specification of a network: plain JSON that says its input, its layers and its loss; only a custom loss
// holds functions.

interface LayerCommon {
  /** How other layers and `network.layout` call this layer; default: its type and index, `dense0`. */
  readonly name?: string | undefined;
  /** Names of the layers read, `'input'` for the network's input; default: the layer before. */
  readonly inputs?: readonly string[] | undefined;
}

/** y = W x + b: W is [units, inputs] row-major, b [units]. */
export interface DenseSpec extends LayerCommon {
  readonly type: 'dense';
  /** How many outputs. */
  readonly units: number;
  readonly bias?: boolean | undefined;
}

/** Turns [channels, height, width] into one vector, channel by channel, as PyTorch does. */
export interface FlattenSpec extends LayerCommon {
  readonly type: 'flatten';
}

/** Images [height, width, channels] as [channels, height, width], `x.permute(0, 3, 1, 2)` in PyTorch: for data
 *  that has the channels last, as Keras's. */
export interface ChannelsFirstSpec extends LayerCommon {
  readonly type: 'channelsFirst';
}

/** The pointwise functions, each as PyTorch defines it (gelu exact, with erf; softplus exact). */
export const activationTypes = [
  'relu',
  'tanh',
  'sigmoid',
  'softplus',
  'softsign',
  'gelu',
  'silu',
  'mish',
  'elu',
  'leakyRelu',
] as const;
/** Names of the pointwise functions. */
export type ActivationType = (typeof activationTypes)[number];

/** A pointwise function, applied to every entry. */
export interface ActivationSpec extends LayerCommon {
  readonly type: ActivationType;
  /** elu: the limit −alpha at −∞ (default 1); leakyRelu: the slope below zero (default 0.01). */
  readonly alpha?: number | undefined;
}

/** For rows and columns alike, or [rows, columns]. */
export type Extent2d = number | readonly [number, number];

/** y = W * x + b on images [channels, height, width], as torch.nn.Conv2d: W is [filters,
 *  channels / groups, height, width of the kernel], b [filters]. */
export interface Conv2dSpec extends LayerCommon {
  readonly type: 'conv2d';
  /** How many output channels. */
  readonly filters: number;
  readonly kernelSize: Extent2d;
  /** Default 1. */
  readonly stride?: Extent2d | undefined;
  /** Zeros around the image: the same on opposite sides, or [top, left, bottom, right]. Default 0. */
  readonly padding?: Extent2d | readonly [number, number, number, number] | undefined;
  /** Default 1. */
  readonly dilation?: Extent2d | undefined;
  /** Default 1. */
  readonly groups?: number | undefined;
  readonly bias?: boolean | undefined;
}

/** The largest entry of each window, the first of equal ones; padding counts as −∞. */
export interface MaxPool2dSpec extends LayerCommon {
  readonly type: 'maxPool2d';
  readonly size: Extent2d;
  /** Default: size. */
  readonly stride?: Extent2d | undefined;
  /** Default 0; smaller than the size, so that no window reads padding alone. */
  readonly padding?: Extent2d | readonly [number, number, number, number] | undefined;
  /** Default 1. */
  readonly dilation?: Extent2d | undefined;
}

/** The mean of each window; padding is 0. */
export interface AvgPool2dSpec extends LayerCommon {
  readonly type: 'avgPool2d';
  readonly size: Extent2d;
  /** Default: size. */
  readonly stride?: Extent2d | undefined;
  /** Default 0; smaller than the size, so that no window reads padding alone. */
  readonly padding?: Extent2d | readonly [number, number, number, number] | undefined;
  /** Whether padding counts in the mean; default true, as in PyTorch. */
  readonly countPadding?: boolean | undefined;
}

/** The mean of each channel: [channels, height, width] → [channels, 1, 1]. */
export interface GlobalAvgPool2dSpec extends LayerCommon {
  readonly type: 'globalAvgPool2d';
}

/** y = γ (x − mean) / √(variance + epsilon) + β per channel (first axis), with stored statistics: an affine
 *  map that mixes no samples. */
export interface BatchNormSpec extends LayerCommon {
  readonly type: 'batchNorm';
  /** One number per channel; default 0. */
  readonly mean?: readonly number[] | undefined;
  /** One number per channel; default 1. */
  readonly variance?: readonly number[] | undefined;
  /** Default 1e-5. */
  readonly epsilon?: number | undefined;
  /** Whether γ is a parameter; false makes it 1. Default true. */
  readonly scale?: boolean | undefined;
  /** Whether β is a parameter; false makes it 0. Default true. */
  readonly bias?: boolean | undefined;
}

/** y = γ (x − ⟨x⟩) / √(variance of x + epsilon) + β over all entries of a sample, as torch.nn.LayerNorm over
 *  the whole shape. */
export interface LayerNormSpec extends LayerCommon {
  readonly type: 'layerNorm';
  /** Default 1e-5. */
  readonly epsilon?: number | undefined;
  /** Whether γ is a parameter; false makes it 1. Default true. */
  readonly scale?: boolean | undefined;
  /** Whether β is a parameter; false makes it 0. Default true. */
  readonly bias?: boolean | undefined;
}

/** The sum of the layers in `inputs`. */
export interface AddSpec extends LayerCommon {
  readonly type: 'add';
}

/** The layers in `inputs`, one after the other along the first axis (features, channels). */
export interface ConcatSpec extends LayerCommon {
  readonly type: 'concat';
}

/** One layer: an object whose `type` says which. */
export type LayerSpec =
  | DenseSpec
  | FlattenSpec
  | ChannelsFirstSpec
  | ActivationSpec
  | Conv2dSpec
  | MaxPool2dSpec
  | AvgPool2dSpec
  | GlobalAvgPool2dSpec
  | BatchNormSpec
  | LayerNormSpec
  | AddSpec
  | ConcatSpec;

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

/** A sample's target: a number where the dataset has one for each sample (a class, a value), else its row. */
export type LossTarget = number | Float64Array;

/** A loss of one's own: ℓ, ∇ℓ and ∇²ℓ of one sample in the network's outputs f [C], written in TypeScript.
 *
 *  L = Σ s_n ℓ_n / Σ s_n over the whole data, with s_n the sample weights (κ_n = 1). At a fixed point the
 *  outputs are fixed, so an operator calls each function once per sample, not per product; training calls
 *  them once per sample and step. They run on the JavaScript thread, a few milliseconds at a time, must not be
 *  async, and must give the same result when called again. On first use, at a few samples, `gradient` is
 *  compared with central differences of `value` and `hessian` with those of `gradient`. Samples of weight 0
 *  are not asked for.
 *  @example { type: 'custom', value: ([f = 0]: Float64Array, t: number) => (f - t) ** 4,
 *             gradient: ([f = 0], t: number) => [4 * (f - t) ** 3],
 *             hessian: ([f = 0], t: number) => [12 * (f - t) ** 2] } */
export interface CustomLossSpec {
  readonly type: 'custom';
  /** How messages call it. */
  readonly name?: string | undefined;
  /** ℓ */
  value(outputs: Float64Array, target: LossTarget): number;
  /** ∇ℓ [C] */
  gradient(outputs: Float64Array, target: LossTarget): ArrayLike<number>;
  /** ∇²ℓ, symmetric: [C × C] row-major, or C rows. */
  hessian(
    outputs: Float64Array,
    target: LossTarget,
  ): ArrayLike<number> | ArrayLike<ArrayLike<number>>;
}

/** The losses that the engine knows. */
export type BuiltInLossSpec =
  SoftmaxCrossEntropySpec | MeanSquaredErrorSpec | BinaryCrossEntropySpec;
/** A loss as an object: its `type`, and options. */
export type LossObject = BuiltInLossSpec | CustomLossSpec;
/** The losses that are known by name. */
export type LossName = BuiltInLossSpec['type'];
/** A loss by its name, with options, or written by oneself. */
export type LossSpec = LossName | LossObject;

/** A network: the shape of one sample, its layers in order, and its loss. */
export interface NetworkSpec {
  /** Shape of one sample, without the batch axis: [features] or [channels, height, width]. */
  readonly input: readonly number[];
  /** In order; a layer reads the one before it unless its `inputs` say otherwise. */
  readonly layers: readonly LayerSpec[];
  /** Of the outputs of the last layer. */
  readonly loss: LossSpec;
}

/** Returns its argument, with literal types kept. */
export function defineNetwork<const S extends NetworkSpec>(spec: S): S {
  return spec;
}
