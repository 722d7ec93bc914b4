// Names for layers, from the names that PyTorch gives tensors and nodes: the module's path.

import { layerSchemas } from '../network/layer-options.js';
import type { Stage } from './values.js';

const defaultName = new RegExp(`^(${Object.keys(layerSchemas).join('|')})\\d+$`);

/** One name per stage, undefined where the file has none that is sensible and unique: such layers
 *  are called by their type and index, as anywhere in the library.
 *  @param producer the program that wrote the file; this library names nodes as its layers */
export function layerNames(
  stages: readonly Stage[],
  producer: string,
): readonly (string | undefined)[] {
  const taken = new Set(['input']);
  return stages.map((stage, index) => {
    const name = producer === 'eigenscape' ? ownName(stage, index) : moduleName(stage);
    if (name === undefined || taken.has(name)) return undefined;
    taken.add(name);
    return name;
  });
}

function ownName({ layer, node: { name } }: Stage, index: number): string | undefined {
  return name === `${layer.type}${index}` ? undefined : name;
}

function moduleName(stage: Stage): string | undefined {
  const name = tensorModule(stage) ?? nodeModule(stage);
  return name === undefined || isReserved(name) ? undefined : name;
}

/** `fc1` of `fc1.weight`. */
function tensorModule({ layer }: Stage): string | undefined {
  if (!('weight' in layer)) return undefined;
  return /^(.+)[._/]weight$/.exec(layer.weight?.name ?? '')?.[1];
}

/** `head.fc1` of `/head/fc1/Gemm`, as the TorchScript exporter names nodes; in a Sequential the path
 *  is `/body/body.1/Relu`. A second call of one module has a number of its own, `/fc1_1/Gemm`. */
function nodeModule({ layer, node }: Stage): string | undefined {
  // Values are joined between the modules of the one that the node is named after.
  if (layer.type === 'add' || layer.type === 'concat') return undefined;
  const [root, ...path] = node.name.split('/').slice(0, -1);
  if (root !== '' || path.length === 0) return undefined;
  return path.reduce((outer, part) => (part.startsWith(`${outer}.`) ? part : `${outer}.${part}`));
}

/** Names of defaults and of the input, and those that a glob or a path would misread. */
function isReserved(name: string): boolean {
  return defaultName.test(name) || name === 'input' || !/^[\w.-]+$/.test(name);
}
