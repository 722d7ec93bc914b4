// States of PyTorch modules (test/fixtures/safetensors/states.py) and files made here.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { describe, expect, it } from 'vitest';

import { saveSafetensors } from '../../src/data/save-safetensors.js';
import { loadNetwork } from '../../src/network/load-network.js';
import type { LayerSpec, NetworkSpec } from '../../src/network/spec.js';
import { refusal } from '../data/refusal.js';
import { temporaryFiles } from '../data/temporary-files.js';

const folder = fileURLToPath(new URL('../fixtures/safetensors/', import.meta.url));
const { states } = JSON.parse(readFileSync(join(folder, 'states.json'), 'utf8')) as {
  readonly states: Readonly<
    Record<
      string,
      { readonly shape: number[]; readonly inputs: number[]; readonly outputs: number[] }
    >
  >;
};

/** What sums of a few dozen terms of size 1 may lose, with a margin. */
const tolerance = 1e-13;

const loss = 'softmaxCrossEntropy';
const named: NetworkSpec = {
  input: [5],
  layers: [
    { type: 'dense', units: 4, name: 'body' },
    { type: 'layerNorm', name: 'norm' },
    { type: 'tanh' },
    { type: 'dense', units: 3, bias: false, name: 'head' },
  ],
  loss,
};
const widths = [...Array<number>(11).fill(4), 3];
const sequential: NetworkSpec = {
  input: [4],
  layers: widths
    .flatMap((units): LayerSpec[] => [{ type: 'dense', units }, { type: 'tanh' }])
    .slice(0, -1),
  loss,
};
const normalized: NetworkSpec = {
  input: [2, 6, 6],
  layers: [
    { type: 'conv2d', filters: 3, kernelSize: 3, padding: 1, bias: false },
    { type: 'batchNorm' },
    { type: 'relu' },
    { type: 'conv2d', filters: 3, kernelSize: 3, stride: 2 },
    { type: 'batchNorm' },
    { type: 'relu' },
    { type: 'flatten' },
    { type: 'dense', units: 3 },
  ],
  loss,
};

describe('a state that PyTorch saved', () => {
  it.each([
    ['named', named],
    ['sequential', sequential],
    ['normalized', normalized],
    ['half', named],
    ['bfloat', named],
  ])('gives its module’s outputs: %s', async (name, spec) => {
    const network = await loadNetwork(spec, join(folder, `${name}.safetensors`));
    const { inputs = [], outputs = [] } = states[name] ?? {};
    const predicted = await network.predict(inputs);
    expect(predicted).toHaveLength(outputs.length);
    predicted.forEach((output, index) => {
      expect(Math.abs(output - (outputs[index] ?? NaN))).toBeLessThan(tolerance);
    });
  });

  it('keeps the names of the file in the layout', async () => {
    const network = await loadNetwork(normalized, join(folder, 'normalized.safetensors'));
    expect(network.layout.map(({ name }) => name)).toEqual(
      ['0.weight', '1.weight', '1.bias', '3.weight', '3.bias', '4.weight', '4.bias'].concat([
        '7.weight',
        '7.bias',
      ]),
    );
    expect(network.layout[0]?.layer).toBe('conv2d0');
    expect(network.spec.layers[1]).toHaveProperty('mean.length', 3);
  });

  it('is rounded to float32 where that is asked for and needed, and says so', async () => {
    const notes: string[] = [];
    const options = { dtype: 'float32', onNote: (note: string) => notes.push(note) } as const;
    const exact = await loadNetwork(named, join(folder, 'named.safetensors'), options);
    expect(exact.parameters()).toBeInstanceOf(Float32Array);
    expect(notes).toEqual([]);
    const file = join(folder, 'sequential.safetensors');
    const rounded = await loadNetwork(sequential, file, options);
    const whole = await loadNetwork(sequential, file);
    expect(rounded.parameters()).toEqual(Float32Array.from(whole.parameters()));
    expect(notes).toEqual([
      expect.stringMatching(/values of '0\.weight', .* are rounded to .*float32/),
    ]);
  });
});

/** A file of zeros with these shapes. */
async function fileOf(shapes: Readonly<Record<string, readonly number[]>>): Promise<string> {
  const file = join(await temporaryFiles({}), 'state.safetensors');
  const tensors = Object.entries(shapes).map(([name, shape], index) => {
    const size = shape.reduce((product, extent) => product * extent, 1);
    return { name, shape, data: new Float64Array(size).fill(index + 1) };
  });
  await saveSafetensors(file, tensors, new Map());
  return file;
}

const twins: NetworkSpec = {
  input: [2],
  layers: [
    { type: 'dense', units: 2, bias: false },
    { type: 'dense', units: 2, bias: false },
  ],
  loss,
};

describe('names', () => {
  it('map layers to modules and tensors to tensors', async () => {
    const file = await fileOf({ first: [2, 2], 'second.weight': [2, 2] });
    const names = { 'dense0.weight': 'first', dense1: 'second' };
    const network = await loadNetwork(twins, file, { names });
    expect([...network.parameters()]).toEqual([1, 1, 1, 1, 2, 2, 2, 2]);
    const crossed = { 'dense1.weight': 'first', dense0: 'second' };
    const other = await loadNetwork(twins, file, { names: crossed });
    expect([...other.parameters()]).toEqual([2, 2, 2, 2, 1, 1, 1, 1]);
  });

  it('are needed where words would have to tell layers of equal shapes apart', async () => {
    const file = await fileOf({ 'first.weight': [2, 2], 'second.weight': [2, 2] });
    await expect(loadNetwork(twins, file)).rejects.toEqual(
      refusal('ERR_SHAPE', /'first' and 'second' have the same shapes, and nothing tells which/),
    );
    const network = await loadNetwork(twins, file, { names: { dense0: 'second' } });
    expect([...network.parameters()]).toEqual([2, 2, 2, 2, 1, 1, 1, 1]);
  });

  it('are not needed where numbers tell: 10 comes after 2', async () => {
    const file = await fileOf({ 'net.10.weight': [2, 2], 'net.2.weight': [2, 2] });
    const network = await loadNetwork(twins, file);
    expect([...network.parameters()]).toEqual([2, 2, 2, 2, 1, 1, 1, 1]);
  });

  it('of layers that the spec does not have are refused, with those it has', async () => {
    const loading = loadNetwork(twins, 'any', { names: { dense2: 'fc' } });
    await expect(loading).rejects.toEqual(
      refusal('ERR_SPEC', /holds "dense2"; .* are dense0, dense0\.weight, dense1, dense1\.weight/),
    );
  });
});

describe('a file of another network', () => {
  it('is refused with everything that is missing, left over or of another shape', async () => {
    const file = await fileOf({
      'body.weight': [4, 6],
      'body.bias': [4],
      'norm.weight': [4],
      fc: [2],
    });
    await expect(loadNetwork(named, file)).rejects.toEqual(
      refusal(
        'ERR_SHAPE',
        new RegExp(
          [
            /'body\.weight' has the shape \[4, 6\]; expected \[4, 5\]/,
            /no tensor 'norm\.bias' of shape \[4\]/,
            /nothing for 'head' \(weight \[3, 4\]\)/,
            /no place for '' \(fc \[2\]\)/,
          ]
            .map(({ source }) => source)
            .join('; '),
        ),
      ),
    );
  });

  it('is refused where the same shapes come in another order', async () => {
    const spec: NetworkSpec = {
      input: [3],
      layers: [
        { type: 'dense', units: 3, bias: false },
        { type: 'dense', units: 2, bias: false },
      ],
      loss,
    };
    const file = await fileOf({ '0.weight': [2, 3], '1.weight': [3, 3] });
    await expect(loadNetwork(spec, file)).rejects.toEqual(
      refusal('ERR_SHAPE', /'0' has the shapes of 'dense1', which comes after 'dense0', but '1'/),
    );
  });

  it('is refused when it holds integers, or numbers that the network cannot', async () => {
    const file = join(await temporaryFiles({}), 'state.safetensors');
    const save = (data: Float64Array | BigInt64Array) =>
      saveSafetensors(
        file,
        [
          { name: 'dense0.weight', shape: [2, 2], data },
          { name: 'dense1.weight', shape: [2, 2], data: new Float64Array(4) },
        ],
        new Map(),
      );
    await save(new BigInt64Array(4));
    await expect(loadNetwork(twins, file)).rejects.toEqual(
      refusal('ERR_SHAPE', /'dense0\.weight' holds I64; expected floating numbers/),
    );
    await save(Float64Array.of(0, 0, 1e300, 0));
    await expect(loadNetwork(twins, file, { dtype: 'float32' })).rejects.toEqual(
      refusal(
        'ERR_DATA',
        /entry 2 of 'dense0\.weight' is 1e\+300; expected a finite number of float32/,
      ),
    );
    await save(Float64Array.of(0, NaN, 0, 0));
    await expect(loadNetwork(twins, file)).rejects.toEqual(
      refusal('ERR_DATA', /entry 1 .* is NaN/),
    );
  });
});
