// What a value of the ONNX graph can be while the graph is evaluated without data: a constant, the
// size of something, or what the network has computed so far.

import type {
  ActivationType,
  AvgPool2dSpec,
  Conv2dSpec,
  LayerSpec,
  MaxPool2dSpec,
} from '../network/spec.js';
import type { GraphNode } from './graph.js';
import { Refusal, type Problem } from './failures.js';
import type { Numbers } from './numbers.js';
import type { TensorProto } from './onnx_pb.js';
import type { Tensor } from './tensor.js';

/** A weight or bias as the library lays it out: weight [units, inputs] of a dense layer, [filters,
 *  channels, height, width] of a convolution, row-major; bias [units]. */
export interface Parameter {
  /** The ONNX name of the tensor it was read from. */
  readonly name: string;
  readonly numbers: Numbers;
  readonly type: Tensor['type'];
  /** The tensor that an Identity node copied: PyTorch's TorchScript exporter merges equal ones. */
  readonly copyOf: string | undefined;
  /** Its columns follow the library's order of an image, not the file's. */
  readonly reordered?: true | undefined;
}

/** What a layer's spec says besides its place in the network. */
type Options<Spec extends LayerSpec> = Omit<Spec, 'name' | 'inputs' | 'bias'>;

/** A weight and what is added behind it. */
interface Affine {
  readonly weight: Parameter;
  readonly bias: Parameter | undefined;
}

/** What a normalisation is multiplied by, and what is added; undefined for ones and zeros that are no
 *  parameters. */
interface ScaleAndShift {
  readonly weight: Parameter | undefined;
  readonly bias: Parameter | undefined;
}

export type StageLayer =
  | { readonly type: 'input' | 'flatten' | 'softmax' | 'binaryProbabilities' }
  /** Zeros around an image, [top, left, bottom, right]: part of the layer behind it. */
  | { readonly type: 'zeroPad'; readonly padding: readonly [number, number, number, number] }
  /** Stands for an operation that was refused, so that what follows is checked too. */
  | { readonly type: 'refused' }
  | (Affine & { readonly type: 'dense' })
  | (Affine & { readonly type: 'conv2d'; readonly options: Options<Conv2dSpec> })
  | (ScaleAndShift & {
      readonly type: 'batchNorm';
      readonly mean: Parameter;
      readonly variance: Parameter;
      readonly epsilon: number;
    })
  | (ScaleAndShift & { readonly type: 'layerNorm'; readonly epsilon: number })
  | Options<MaxPool2dSpec>
  | Options<AvgPool2dSpec>
  | { readonly type: 'globalAvgPool2d' | 'add' | 'concat' | 'channelsFirst' }
  | { readonly type: ActivationType; readonly alpha?: number };

/** One layer, and through its inputs all that it is computed from. */
export interface Stage {
  readonly inputs: readonly Stage[];
  readonly layer: StageLayer;
  /** Shape of one sample behind this layer, as the library sees it. */
  readonly shape: readonly number[];
  readonly node: Pick<GraphNode, 'name' | 'operator' | 'position'>;
}

/** A tensor that does not depend on the input. */
export interface ConstantValue {
  readonly kind: 'constant';
  readonly name: string;
  readonly tensor: Tensor;
  readonly copyOf?: string | undefined;
  /** The graph makes it of one number, so it is no tensor of the file. */
  readonly isFilled?: true | undefined;
  /** A Constant node of a graph whose weights are initializers, or what an exporter made of such. */
  readonly isLiteral?: true | undefined;
}

/** One axis of a shape: a number, or the number of samples, which a graph leaves open. */
export type Size = number | 'batch';

/** A shape or part of one, computed by the graph: a vector, or one number. */
export interface SizesValue {
  readonly kind: 'sizes';
  readonly scalar: boolean;
  readonly entries: readonly Size[];
}

/** What a stage computes, seen by the graph as [samples, …view]. */
export interface FeaturesValue {
  readonly kind: 'features';
  readonly stage: Stage;
  readonly view: readonly number[];
  /** Where the graph has exchanged axes: for each entry of the view, row-major, its place in the
   *  stage's sample; absent where the two have one order. */
  readonly order?: readonly number[] | undefined;
}

/** A pointwise function of what a stage computes, on its way to becoming an activation:
 *  linear  scale·x
 *  erf     (gain·erf(slope·x) + offset)·x^power, with power 0 or 1
 *  exp     gain·eˣ + offset
 *  above   x > threshold or, reversed, x < threshold (or equal), a truth value
 *  complement  1 − x
 *  magnitude   |x| + offset
 *  moment  a step of layer normalisation: the mean of a sample; x − mean; its square; the mean of that,
 *          the variance, + epsilon; the root of this; 1 over the root */
export type Form =
  | { readonly kind: 'linear'; readonly scale: number }
  | {
      readonly kind: 'erf';
      readonly slope: number;
      readonly gain: number;
      readonly offset: number;
      readonly power: 0 | 1;
    }
  | { readonly kind: 'exp'; readonly gain: number; readonly offset: number }
  | { readonly kind: 'above'; readonly threshold: number; readonly reversed: boolean }
  | { readonly kind: 'complement' }
  | { readonly kind: 'magnitude'; readonly offset: number }
  | { readonly kind: 'moment'; readonly step: MomentStep; readonly epsilon: number };

export type MomentStep = 'mean' | 'centred' | 'square' | 'variance' | 'deviation' | 'inverse';

export interface PendingValue {
  readonly kind: 'pending';
  readonly stage: Stage;
  readonly view: readonly number[];
  readonly order?: readonly number[] | undefined;
  readonly form: Form;
  /** The nodes that made it, which are at fault when it becomes no activation. */
  readonly nodes: readonly GraphNode[];
}

/** The result of a node that was refused: what reads it says nothing more. */
export interface UnknownValue {
  readonly kind: 'unknown';
}

export type Value = ConstantValue | SizesValue | FeaturesValue | PendingValue | UnknownValue;

/** What a handler may ask and tell besides its node's inputs. */
export interface Context {
  /** The number of samples, when the file fixes it. */
  readonly batch: number | undefined;
  /** Remembers what the user should know about the result. */
  readonly note: (text: string) => void;
  /** Whether something reads the value of this name. */
  readonly isUsed: (name: string) => boolean;
  /** Whether the graph has initializers, so that its weights are these and not Constant nodes. */
  readonly hasInitializers: boolean;
  /** Decodes the tensor of a Constant node. */
  readonly decode: (proto: TensorProto, name: string) => Tensor;
}

/** Computes a node's first output from its inputs, `undefined` for absent optional ones.
 *  @throws Refusal when the library has no equivalent */
export type Handler = (
  node: GraphNode,
  inputs: readonly (Value | undefined)[],
  context: Context,
) => Value;

/** @param shape of one sample behind the node, where it is known all the same */
export function refusal(
  node: Pick<GraphNode, 'name' | 'operator'>,
  reason: string,
  shape?: readonly number[],
): Refusal {
  return new Refusal([{ name: node.name, operator: node.operator, reason }], shape);
}

/** The value as features in the order of the stage, which is what layers read.
 *  @throws Refusal when it is something else; `role` says which of the node's inputs it is */
export function asFeatures(node: GraphNode, value: Value | undefined, role: string): FeaturesValue {
  const features = inAnyOrder(node, value, role);
  if (features.order === undefined) return features;
  throw refusal(
    node,
    `${role} has exchanged axes; only dense layers and pointwise ones may read it so`,
  );
}

/** {@link asFeatures} for nodes that do the same to every entry, or know the order. */
export function inAnyOrder(node: GraphNode, value: Value | undefined, role: string): FeaturesValue {
  if (value?.kind === 'features') return value;
  if (value?.kind === 'pending') throw new Refusal(pendingProblems(value));
  const found =
    value === undefined ? 'absent' : value.kind === 'constant' ? 'a constant' : 'a shape';
  throw refusal(node, `${role} must be computed from the network's input, but is ${found}`);
}

/** The nodes of a computation that has become no activation. */
export function pendingProblems({ nodes }: PendingValue): readonly Problem[] {
  const reason = 'is part of a computation that is no activation or other layer of this library';
  return nodes.map(({ name, operator }) => ({ name, operator, reason }));
}

/** Features with one more layer behind them, which keeps the shape. */
export function withLayer(
  node: GraphNode,
  { stage, view, order }: Pick<FeaturesValue, 'stage' | 'view' | 'order'>,
  layer: StageLayer,
): FeaturesValue {
  const next = { inputs: [stage], layer, shape: stage.shape, node };
  return { kind: 'features', stage: next, view, order };
}

/** A layer that gives another shape.
 *  @param inputs the stages that it reads */
export function newStage(
  node: GraphNode,
  inputs: readonly Stage[],
  { layer, shape }: Pick<Stage, 'layer' | 'shape'>,
): FeaturesValue {
  return { kind: 'features', stage: { inputs, layer, shape, node }, view: shape };
}

/** `[samples, …]` as messages write the shape of a value. */
export function sampleShape(view: readonly number[]): string {
  return `[${['samples', ...view].join(', ')}]`;
}
