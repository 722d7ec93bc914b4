// What a checkpoint file gives back, who else can read it, and what is refused.

import { spawnSync } from 'node:child_process';
import { readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { describe, expect, it } from 'vitest';

import { saveSafetensors } from '../../src/data/save-safetensors.js';
import {
  createNetwork,
  gaussianClusters,
  loadCheckpoint,
  loadNetwork,
  loadSafetensors,
  saveCheckpoint,
  sgd,
  train,
} from '../../src/index.js';
import type { DType, NetworkSpec } from '../../src/index.js';
import { compileLibrary } from '../core/compiled-library.js';
import { asJavaScript, strangers } from '../curvature/small-network.js';
import { refusal } from '../data/refusal.js';
import { temporaryFiles } from '../data/temporary-files.js';

const data = gaussianClusters({ samples: 60, classes: 3, dimensions: 4, seed: 4 });
const spec: NetworkSpec = {
  input: [4],
  layers: [
    { type: 'dense', units: 6, name: 'fc1' },
    { type: 'batchNorm', name: 'bn', mean: [1, 0.1, -0, 2, 1e-300, 5], epsilon: 1e-3 },
    { type: 'elu', alpha: 0.7 },
    { type: 'dense', units: 3 },
  ],
  loss: { type: 'softmaxCrossEntropy', labelSmoothing: 0.1 },
};
const optimizer = sgd({ learningRate: 0.1, momentum: 0.9 });
const options = { optimizer, batchSize: 16, recordEvery: 5 } as const;

async function newFile(): Promise<string> {
  return join(await temporaryFiles({}), 'run.safetensors');
}

async function trained(dtype: DType = 'float64') {
  const network = createNetwork(spec, { seed: 3, dtype });
  return { network, ...(await train(network, data, { ...options, steps: 10 })) };
}

describe('a checkpoint', () => {
  it.each<DType>(['float64', 'float32'])('gives back every bit of %s', async (dtype) => {
    const file = await newFile();
    const { network, state, records } = await trained(dtype);
    await saveCheckpoint(file, { network, state, options: { ...options, steps: 10 }, records });
    const loaded = await loadCheckpoint(file);
    expect(loaded.network.parameters()).toEqual(network.parameters());
    expect(loaded.network.spec).toEqual(network.spec);
    expect(loaded.network.layout).toEqual(network.layout);
    expect(loaded.network.dtype).toBe(dtype);
    expect(loaded).toMatchObject({ state, options, step: 10 });
    expect(loaded.records).toEqual(records);
  });

  it('goes on as the run that never stopped', async () => {
    const file = await newFile();
    const { network, state } = await trained();
    await saveCheckpoint(file, { network, state });
    const { network: other, state: resumeFrom } = await loadCheckpoint(file);
    const [unbroken, resumed] = await Promise.all([
      train(network, data, { ...options, steps: 15, resumeFrom: state }),
      train(other, data, { ...options, steps: 15, resumeFrom }),
    ]);
    expect(other.parameters()).toEqual(network.parameters());
    expect(resumed).toEqual(unbroken);
  });

  it('may be of a network that was never trained', async () => {
    const file = await newFile();
    const network = createNetwork(spec);
    await saveCheckpoint(file, { network });
    expect(await loadCheckpoint(file)).toMatchObject({ state: undefined, step: 0, records: [] });
  });

  it('is of the moment of the call, whatever is done afterwards', async () => {
    const file = await newFile();
    const { network, state } = await trained();
    const velocity = state.moments.velocity ?? new Float64Array();
    const expected = { parameters: network.parameters(), velocity: velocity.slice() };
    const saving = saveCheckpoint(file, { network, state });
    network.setParameters(new Float64Array(network.parameterCount));
    velocity.fill(0);
    await saving;
    const loaded = await loadCheckpoint(file);
    expect(loaded.network.parameters()).toEqual(expected.parameters);
    expect(loaded.state?.moments).toEqual({ velocity: expected.velocity });
  });

  it('names each tensor as the layout does, and the statistics as PyTorch does', async () => {
    const file = await newFile();
    const { network, state } = await trained();
    await saveCheckpoint(file, { network, state });
    const { tensors, metadata } = await loadSafetensors(file);
    const names = network.layout.map(({ name }) => name);
    const statistics = ['running_mean', 'running_var', 'num_batches_tracked'].map((s) => `bn.${s}`);
    const arrays = names.map((name) => `optimizer.moments.velocity.${name}`);
    expect(new Set(tensors.keys())).toEqual(new Set([...names, ...statistics, ...arrays]));
    const { offset = 0, shape } = network.layout[1] ?? {};
    expect(tensors.get('fc1.bias')).toEqual({
      type: 'F64',
      shape,
      data: network.parameters().slice(offset, offset + 6),
    });
    expect(tensors.get('bn.running_mean')?.data[4]).toBe(1e-300);
    expect(metadata.get('format')).toBe('pt');
  });

  it('of parameters alone is a state that loadNetwork reads', async () => {
    const file = await newFile();
    const network = createNetwork(spec, { seed: 7 });
    await saveCheckpoint(file, { network });
    const other = await loadNetwork(spec, file);
    expect(other.parameters()).toEqual(network.parameters());
  });
});

/** A Python that has PyTorch and safetensors, if there is one: EIGENSCAPE_PYTHON, else python3. */
const python = [process.env.EIGENSCAPE_PYTHON, 'python3'].find(
  (name) =>
    name !== undefined &&
    spawnSync(name, ['-c', 'import torch, safetensors.torch'], { stdio: 'ignore' }).status === 0,
);

it.skipIf(python === undefined)(
  'PyTorch finds the parameters by name',
  { timeout: 60_000 },
  async () => {
    const file = await newFile();
    const { network, state } = await trained();
    await saveCheckpoint(file, { network, state });
    const program = `
import sys, torch
from safetensors.torch import load_file
torch.set_default_dtype(torch.float64)
tensors = load_file(sys.argv[1])
model = torch.nn.Sequential()
for name, module in [('fc1', torch.nn.Linear(4, 6)), ('bn', torch.nn.BatchNorm1d(6, eps=1e-3)),
                     ('elu', torch.nn.ELU(0.7)), ('dense3', torch.nn.Linear(6, 3))]:
    model.add_module(name, module)
model.load_state_dict({k: v for k, v in tensors.items() if not k.startswith('optimizer.')})
print(model.eval()(torch.tensor([[1.0, -2.0, 0.5, 3.0]])).tolist())`;
    const { stdout, stderr } = spawnSync(python ?? '', ['-c', program, file], { encoding: 'utf8' });
    expect(stderr).toBe('');
    const [outputs] = JSON.parse(stdout) as number[][];
    const expected = await network.predict([1, -2, 0.5, 3]);
    expected.forEach((value, index) => {
      // Sums of six terms of size 1.
      expect(Math.abs(value - (outputs?.[index] ?? NaN))).toBeLessThan(1e-14);
    });
  },
);

describe('saveCheckpoint refuses', () => {
  it.each(strangers)('%s in place of contents', async (_, stranger) => {
    await expect(asJavaScript(saveCheckpoint, 'never', stranger)).rejects.toEqual(
      refusal('ERR_SPEC', /saveCheckpoint: /),
    );
    await expect(stat('never')).rejects.toThrow(/ENOENT/);
  });

  it('a state that holds code', async () => {
    const network = createNetwork(spec);
    const state = { step: 1, velocity: new Float64Array(0), next: () => 1 };
    await expect(asJavaScript(saveCheckpoint, 'never', { network, state })).rejects.toEqual(
      refusal('ERR_SPEC', /'state\.next' is a function, which no file holds/),
    );
  });

  it('layers whose tensors would have one name', async () => {
    const network = createNetwork(spec, { tensorNames: ['a', 'b', 'c', 'd', 'e', 'a'] });
    await expect(saveCheckpoint('never', { network })).rejects.toEqual(
      refusal('ERR_SPEC', /would be called "a"/),
    );
  });

  it('a folder that does not exist', async () => {
    const file = join(await temporaryFiles({}), 'absent', 'run.safetensors');
    await expect(saveCheckpoint(file, { network: createNetwork(spec) })).rejects.toEqual(
      refusal('ERR_FILE', /its folder .*absent does not exist/),
    );
  });

  it('to go on when it is aborted, and leaves the old file', async () => {
    const folder = await temporaryFiles({});
    const file = join(folder, 'run.safetensors');
    const network = createNetwork({ ...spec, layers: [{ type: 'dense', units: 40_000 }] });
    await saveCheckpoint(file, { network: createNetwork(spec) });
    const before = await readFile(file);
    const abort = new AbortController();
    const saving = saveCheckpoint(file, { network }, { signal: abort.signal });
    abort.abort('enough');
    await expect(saving).rejects.toEqual(
      expect.objectContaining({ name: 'AbortError', code: 'ERR_ABORTED', cause: 'enough' }),
    );
    expect(await readFile(file)).toEqual(before);
    expect(await readdir(folder)).toEqual(['run.safetensors']);
  });

  it('to write past the end of the disk, and leaves the old file', () => {
    const library = compileLibrary();
    try {
      // A limit of the size of files stands for a full disk: the same error at the same place.
      const script = library.script(
        'full.mjs',
        `import * as E from 'eigenscape';
        import { readdirSync, readFileSync } from 'node:fs';
        const network = (units) => E.createNetwork({ input: [4], layers: [{ type: 'dense', units }], loss: 'softmaxCrossEntropy' });
        await E.saveCheckpoint('run.safetensors', { network: network(3) });
        const before = readFileSync('run.safetensors');
        const error = await E.saveCheckpoint('run.safetensors', { network: network(30_000) }).catch((e) => e);
        const left = readdirSync('.').filter((name) => /safetensors|tmp/.test(name));
        console.log(JSON.stringify([error.code, error.message, left, before.equals(readFileSync('run.safetensors'))]));`,
      );
      const { stdout, stderr } = library.run(script, { fileSizeKiB: 512 });
      expect(stderr).toBe('');
      expect(JSON.parse(stdout)).toEqual([
        'ERR_FILE',
        expect.stringMatching(/run\.safetensors: cannot be written: EFBIG/),
        ['run.safetensors'],
        true,
      ]);
    } finally {
      library.remove();
    }
  });
});

describe('loadCheckpoint refuses', () => {
  it('safetensors files that are no checkpoints, and says what reads them', async () => {
    const file = await newFile();
    await saveSafetensors(file, [{ name: 'a', shape: [1], data: Float64Array.of(1) }], new Map());
    await expect(loadCheckpoint(file)).rejects.toEqual(
      refusal('ERR_DATA', /no checkpoint that saveCheckpoint wrote; .* loadNetwork\(spec, file\)/),
    );
  });

  it('a checkpoint with any other byte', async () => {
    const file = await newFile();
    const { network, state } = await trained('float32');
    await saveCheckpoint(file, { network, state });
    const whole = await readFile(file);
    const name = whole.indexOf('eigenscape.sha256');
    const places = Array.from({ length: 40 }, (_, index) =>
      Math.floor((index * whole.length) / 40),
    );
    for (const place of [...places, name, name + 3]) {
      const other = Buffer.from(whole);
      other[place] = (other[place] ?? 0) ^ 1;
      await writeFile(file, other);
      await expect(loadCheckpoint(file), `byte ${place}`).rejects.toEqual(
        refusal('ERR_DATA', /run\.safetensors: /),
      );
    }
  });

  /** A file like a checkpoint, with a right digest, whose text is another. */
  async function forged(change: (text: Record<string, unknown>) => unknown): Promise<string> {
    const file = await newFile();
    await saveCheckpoint(file, { network: createNetwork(spec) });
    const { tensors, metadata } = await loadSafetensors(file);
    const text = JSON.parse(metadata.get('eigenscape') ?? '') as Record<string, unknown>;
    const list = [...tensors].flatMap(([name, { shape, data: values }]) =>
      values instanceof Float64Array ? [{ name, shape, data: values }] : [],
    );
    const changed = change(text);
    const json = typeof changed === 'string' ? changed : JSON.stringify(changed);
    await saveSafetensors(file, list, new Map([['eigenscape', json]]));
    return file;
  }

  it.each<[string, (text: Record<string, unknown>) => unknown, RegExp]>([
    ['no JSON', () => '{', /'eigenscape' in its metadata is no JSON/],
    [
      'another format',
      (text) => ({ ...text, format: 2, version: '9.1' }),
      /format 2, by version 9\.1 of eigenscape; .*update/,
    ],
    ['no dtype', (text) => ({ ...text, dtype: 'int8' }), /'eigenscape' in its metadata: dtype: /],
    ['no object', () => '5', /in its metadata: the value: /],
    [
      'an unknown layer',
      (text) => ({ ...text, spec: { ...spec, layers: [{ type: 'lstm' }] } }),
      /no whole checkpoint: .*'lstm'/,
    ],
    [
      'other sizes',
      (text) => ({ ...text, spec: { ...spec, input: [5] } }),
      /no whole checkpoint: /,
    ],
    [
      'a missing tensor',
      (text) => ({ ...text, parameters: ['x'] }),
      /the tensor 'x' of type F64 is missing/,
    ],
    [
      'an array that is not there',
      (text) => ({ ...text, training: { state: { $array: 'x' } } }),
      /the array 'x' is missing/,
    ],
    [
      'records that are none',
      (text) => ({ ...text, training: { records: 5 } }),
      /no whole checkpoint: /,
    ],
  ])('a file with %s', async (_, change, message) => {
    await expect(loadCheckpoint(await forged(change))).rejects.toEqual(
      refusal('ERR_DATA', message),
    );
  });

  it('a file that is absent', async () => {
    await expect(loadCheckpoint(await newFile())).rejects.toEqual(
      refusal('ERR_DATA', /run\.safetensors: no such file/),
    );
  });
});
