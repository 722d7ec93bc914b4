// Which tensor of a file goes where in a network: by name, else by shape and order.

import type { SafetensorsTensor } from '../data/safetensors.js';

/** A tensor that the network needs: a parameter, or a statistic of batchNorm. */
export interface WantedTensor {
  /** Of the layer. */
  readonly layer: string;
  /** What it is to the layer, as PyTorch calls it: 'weight', 'running_mean'. */
  readonly tensor: string;
  readonly shape: readonly number[];
}

export interface StateMatch {
  /** The name in the file of each tensor that was wanted and found, in their order. */
  readonly sources: ReadonlyMap<WantedTensor, string>;
  /** Sentences about what does not fit, all of it; empty when all was found. */
  readonly problems: readonly string[];
}

type Tensors = ReadonlyMap<string, SafetensorsTensor>;

/** Tensors of one layer or module, by what they are to it. */
interface Group<Tensor extends { readonly shape: readonly number[] }> {
  readonly name: string;
  readonly tensors: ReadonlyMap<string, Tensor>;
}

// How many steps of batchNorm's running means were taken: nothing that an evaluation needs.
const unused = /(^|\.)num_batches_tracked$/;

/** In this order: as `names` says; a layer's tensors from the module of its name; the layers that
 *  remain, from the modules that remain, by the shapes of their tensors. Among modules of equal shapes
 *  numbers in their names tell the order (0, 2, 10); where other words do, nothing is guessed.
 *  @param names from layers to modules, or from tensors ('dense0.weight') to tensors */
export function matchState(
  wanted: readonly WantedTensor[],
  tensors: Tensors,
  names: Readonly<Record<string, string>>,
): StateMatch {
  const available = new Map([...tensors].filter(([name]) => !unused.test(name)));
  const sources = new Map<WantedTensor, string>();
  const take = (tensor: WantedTensor, source: string): void => {
    sources.set(tensor, source);
    available.delete(source);
  };
  for (const tensor of wanted) {
    const source = names[`${tensor.layer}.${tensor.tensor}`];
    if (source !== undefined) take(tensor, source);
  }
  const pair = (layer: Group<WantedTensor>, path: string): void => {
    for (const [leaf, tensor] of layer.tensors) take(tensor, joined(path, leaf));
  };
  const unnamed: Group<WantedTensor>[] = [];
  const paths = new Set(modulesOf(available).map(({ name }) => name));
  for (const layer of layersOf(wanted.filter((tensor) => !sources.has(tensor)))) {
    const path = names[layer.name] ?? (paths.has(layer.name) ? layer.name : undefined);
    if (path === undefined) unnamed.push(layer);
    else pair(layer, path);
  }
  const { pairs, problems } = matchByShape(unnamed, modulesOf(available));
  pairs.forEach(({ layer, module }) => {
    pair(layer, module.name);
  });
  const left = unnamed.filter((layer) => !pairs.some((found) => found.layer === layer));
  return {
    sources,
    problems: [
      ...[...sources].flatMap(([tensor, source]) => fits(tensor, source, tensors.get(source))),
      ...left.map((layer) => `nothing for ${described(layer)}`),
      ...modulesOf(available).map((module) => `no place for ${described(module)}`),
      ...problems,
    ],
  };
}

function joined(path: string, leaf: string): string {
  return path === '' ? leaf : `${path}.${leaf}`;
}

function layersOf(wanted: readonly WantedTensor[]): readonly Group<WantedTensor>[] {
  return grouped(wanted.map((tensor) => [tensor.layer, tensor.tensor, tensor]));
}

function modulesOf(tensors: Tensors): readonly Group<SafetensorsTensor>[] {
  const parts = [...tensors].map(([name, tensor]) => {
    const dot = name.lastIndexOf('.');
    return [name.slice(0, Math.max(dot, 0)), name.slice(dot + 1), tensor] as const;
  });
  return grouped(parts).toSorted((a, b) => compareNumbers(a.name, b.name));
}

function grouped<Tensor extends { readonly shape: readonly number[] }>(
  parts: readonly (readonly [name: string, leaf: string, tensor: Tensor])[],
): readonly Group<Tensor>[] {
  const groups = new Map<string, Map<string, Tensor>>();
  for (const [name, leaf, tensor] of parts) {
    const tensors = groups.get(name) ?? new Map<string, Tensor>();
    groups.set(name, tensors.set(leaf, tensor));
  }
  return [...groups].map(([name, tensors]) => ({ name, tensors }));
}

/** Numbers in names count by value: 2 comes before 10. */
function compareNumbers(a: string, b: string): number {
  return a.localeCompare(b, 'en', { numeric: true });
}

interface Pair {
  readonly layer: Group<WantedTensor>;
  readonly module: Group<SafetensorsTensor>;
}

function matchByShape(
  layers: readonly Group<WantedTensor>[],
  modules: readonly Group<SafetensorsTensor>[],
): { readonly pairs: readonly Pair[]; readonly problems: readonly string[] } {
  const problems: string[] = [];
  const pairs: Pair[] = [];
  for (const signature of new Set(layers.map(shapesOf))) {
    const alike = layers.filter((layer) => shapesOf(layer) === signature);
    const candidates = modules.filter((module) => shapesOf(module) === signature);
    if (alike.length !== candidates.length) continue;
    if (new Set(candidates.map(pattern)).size > 1) {
      const list = candidates.map(({ name }) => `'${name}'`).join(' and ');
      const places = alike.map(({ name }) => `'${name}'`).join(' and ');
      problems.push(`${list} have the same shapes, and nothing tells which goes to ${places}`);
    } else {
      candidates.forEach((module, index) => {
        const layer = alike[index];
        if (layer !== undefined) pairs.push({ layer, module });
      });
    }
  }
  return { pairs, problems: [...problems, ...orderProblems(layers, pairs)] };
}

/** Modules that differ in numbers only should come in the order of their layers: where they do not, the
 *  file is of another network that has layers of the same shapes. */
function orderProblems(
  layers: readonly Group<WantedTensor>[],
  pairs: readonly Pair[],
): readonly string[] {
  const ordered = pairs.toSorted((a, b) => layers.indexOf(a.layer) - layers.indexOf(b.layer));
  return ordered.flatMap((pair, index) => {
    const before = ordered
      .slice(0, index)
      .find(
        ({ module }) =>
          pattern(module) === pattern(pair.module) &&
          compareNumbers(module.name, pair.module.name) > 0,
      );
    if (before === undefined) return [];
    return [
      `'${pair.module.name}' has the shapes of '${pair.layer.name}', which comes after ` +
        `'${before.layer.name}', but '${before.module.name}' has the shapes of that`,
    ];
  });
}

function pattern({ name }: { readonly name: string }): string {
  return name.replaceAll(/\d+/g, '#');
}

function shapesOf({ tensors }: Group<{ readonly shape: readonly number[] }>): string {
  return [...tensors]
    .map(([leaf, { shape }]) => `${leaf} [${shape.join(', ')}]`)
    .sort()
    .join(', ');
}

function described(group: Group<{ readonly shape: readonly number[] }>): string {
  return `'${group.name}' (${shapesOf(group)})`;
}

function fits(
  wanted: WantedTensor,
  source: string,
  found: SafetensorsTensor | undefined,
): readonly string[] {
  const expected = `[${wanted.shape.join(', ')}]`;
  if (found === undefined) return [`no tensor '${source}' of shape ${expected}`];
  const shape = `[${found.shape.join(', ')}]`;
  if (shape !== expected) return [`'${source}' has the shape ${shape}; expected ${expected}`];
  if (/F\d/.test(found.type)) return [];
  return [`'${source}' holds ${found.type}; expected floating numbers`];
}
