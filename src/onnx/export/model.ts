// A network → the ONNX model: its layers in order, each under its own name.

import { create } from '@bufbuild/protobuf';

import type { DType } from '../../data/dtype.js';
import { EigenscapeError } from '../../errors.js';
import type { NativeArray } from '../../native.js';
import type { Network } from '../../network/network.js';
import { parseSpec } from '../../network/parse-spec.js';
import type { LossSpec } from '../../network/spec.js';
import { packageVersion } from '../../package-version.js';
import { GraphProtoSchema, ModelProtoSchema, ValueInfoProtoSchema } from '../onnx_pb.js';
import type { ModelParts } from './encode.js';
import { dataTypes, GraphBuilder } from './graph-builder.js';
import { nodeOf, type Place } from './layers.js';

// LayerNormalization came with operator set 17; all others are older. So what reads ONNX 1.12 (2022, IR
// version 8) reads the files; a newer set would shut some out, and spare only the spelled-out gelu.
const opset = 17n;
const irVersion = 8n;

/** @param values of the parameters, which nobody changes
 *  @throws EigenscapeError as `exportOnnx` says */
export function modelOf(network: Network, values: NativeArray, dtype: DType): ModelParts {
  const { spec, outputCount } = network;
  const loss = lossText(spec.loss);
  const builder = new GraphBuilder(dtype);
  const tensors = addParameters(builder, network, values);
  const input = builder.valueName('input');
  const output = addLayers(builder, { network, tensors, input });
  const model = create(ModelProtoSchema, {
    irVersion,
    opsetImport: [{ domain: '', version: opset }],
    producerName: 'eigenscape',
    producerVersion: packageVersion(),
    metadataProps: [{ key: 'eigenscape.loss', value: loss }],
  });
  const graph = create(GraphProtoSchema, {
    name: 'network',
    node: builder.nodes,
    input: [valueInfo(input, spec.input, dtype)],
    output: [valueInfo(output, [outputCount], dtype)],
  });
  return { model, graph, tensors: builder.tensors };
}

/** The loss as JSON, for readers who wonder what the outputs are.
 *  @throws EigenscapeError ERR_SPEC for one that is written in TypeScript */
function lossText(loss: LossSpec): string {
  const whole = typeof loss === 'string' ? { type: loss } : loss;
  if (whole.type !== 'custom') return JSON.stringify(whole);
  const name = 'name' in whole && whole.name !== undefined ? ` '${whole.name}'` : '';
  throw new EigenscapeError(
    'ERR_SPEC',
    `exportOnnx: the network has the custom loss${name}, whose functions no ONNX file holds; export a ` +
      'network of the same layers under a loss that the library has: ' +
      "createNetwork({ ...network.spec, loss: 'meanSquaredError' }, { parameters: network.parameters() })",
    { details: { loss: whole.type } },
  );
}

type Tensors = ReadonlyMap<string, Place['parameters']>;

/** Adds all parameters, each tensor under its name in the layout; gives those of each layer. */
function addParameters(builder: GraphBuilder, network: Network, values: NativeArray): Tensors {
  const tensors = new Map<string, Place['parameters']>();
  for (const { name, layer, shape, offset } of network.layout) {
    const size = shape.reduce((product, extent) => product * extent, 1);
    const given = builder.tensor(name, shape, values.subarray(offset, offset + size));
    if (given !== name || name === '') throw badName(name);
    tensors.set(layer, [...(tensors.get(layer) ?? []), { name, shape }]);
  }
  return tensors;
}

function badName(name: string): EigenscapeError {
  const fault = name === '' ? 'a tensor has no name' : `two tensors are called '${name}'`;
  return new EigenscapeError(
    'ERR_SPEC',
    `exportOnnx: ${fault}; in ONNX each needs one of its own: give createNetwork other tensorNames`,
    { details: { name } },
  );
}

/** Adds the nodes of all layers, and gives the name of the last one's result. */
function addLayers(
  builder: GraphBuilder,
  {
    network,
    tensors,
    input,
  }: {
    readonly network: Network;
    readonly tensors: Tensors;
    readonly input: string;
  },
): string {
  const { layerNames, native, spec } = parseSpec(network.spec);
  // Index 0 is the input, i + 1 layer i, as in the engine's wiring.
  const values = [input];
  const last = spec.layers.length - 1;
  spec.layers.forEach((layer, index) => {
    const name = layerNames[index] ?? '';
    const inputs = native.layers[index]?.inputs ?? [];
    const node = nodeOf(layer, {
      inputs: inputs.map((value) => values[value] ?? ''),
      parameters: tensors.get(name) ?? [],
      step: (part, before) => builder.node(before, `${name}/${part}`),
      constant: (part, shape, entry) => builder.constant(`${name}.${part}`, shape, entry),
      shape: network.layerShapes[index] ?? [],
      tensor: (part, numbers) => builder.tensor(`${name}.${part}`, [numbers.length], numbers),
      scalar: (wanted, value) => builder.scalar(wanted, value),
    });
    values.push(builder.node(node, name, index === last ? 'output' : name));
  });
  return values.at(-1) ?? input;
}

/** [N, …shape], for any number N of samples. */
function valueInfo(name: string, shape: readonly number[], dtype: DType) {
  const sizes = shape.map((size) => ({ case: 'dimValue', value: BigInt(size) }) as const);
  const dim = [{ case: 'dimParam', value: 'N' } as const, ...sizes].map((value) => ({ value }));
  const tensorType = { elemType: dataTypes[dtype], shape: { dim } };
  return create(ValueInfoProtoSchema, {
    name,
    type: { value: { case: 'tensorType', value: tensorType } },
  });
}
