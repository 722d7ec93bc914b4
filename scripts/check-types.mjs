// Compiles programs against the packed package with each TypeScript that we name, by nodenext and by
// bundler resolution, with and without exactOptionalPropertyTypes and @types/node, declarations
// checked too (skipLibCheck off):
//
//     node scripts/check-types.mjs [typescript@5.6 …]
//
// Run `npm run prebuild` first.
import { execFileSync, spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { root } from './setup/paths.mjs';

const versions = ['typescript@5.6', 'typescript@5.9', 'typescript@6.0'];
const resolutions = [
  { module: 'nodenext', moduleResolution: 'nodenext' },
  { module: 'esnext', moduleResolution: 'bundler' },
];

const program = `
import * as E from 'eigenscape';
import { createNetwork, defineNetwork, eigenvalues, hessian, isEigenscapeError } from 'eigenscape';

const spec = defineNetwork({
  input: [64],
  layers: [{ type: 'dense', units: 4 }, { type: 'tanh' }, { type: 'dense', units: 10 }],
  loss: 'softmaxCrossEntropy',
});
const network = createNetwork(spec, { seed: undefined, dtype: 'float32' });
const data = E.digits().take(10);
const signal: AbortSignal | undefined = undefined;
export const values: Promise<Float64Array> = eigenvalues(hessian(network, data), { signal });
export const rows: Promise<Float32Array> = network.predict(data.inputs());
export const own: E.SymmetricOperator = {
  size: 2,
  apply: (vectors: ArrayLike<number>) => Float64Array.from(vectors, (v) => 2 * v),
};
export async function run(): Promise<number> {
  const result = await E.spectrum(network, data, { terms: ['hessian', 'residual'] });
  const found: Float64Array = result.terms.hessian.method === 'dense' ? result.terms.hessian.eigenvalues : new Float64Array();
  const history = await E.train(network, data, { optimizer: E.sgd({ learningRate: 0.1 }), batchSize: 'full', steps: 2, signal: undefined });
  // @ts-expect-error there is no such loss
  createNetwork({ ...spec, loss: 'hinge' });
  try {
    using copy = network.clone();
    return found.length + history.records.length + copy.parameterCount;
  } catch (error) {
    if (isEigenscapeError(error)) { const code: E.EigenscapeErrorCode = error.code; throw new Error(code); }
    throw error;
  }
}
`;

const npm = (args, cwd) => execFileSync('npm', args, { cwd, encoding: 'utf8', stdio: 'pipe' });
const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'eigenscape-types-'));
const asked = process.argv.slice(2);
let failures = 0;
try {
  const [{ filename }] = JSON.parse(npm(['pack', '--json', '--pack-destination', folder], root));
  for (const version of asked.length > 0 ? asked : versions) {
    for (const node of [false, true]) {
      const user = path.join(folder, `${version}-${node}`);
      fs.mkdirSync(user);
      fs.writeFileSync(path.join(user, 'package.json'), '{ "type": "module", "private": true }');
      fs.writeFileSync(path.join(user, 'program.ts'), program);
      const packages = [path.join(folder, filename), version, ...(node ? ['@types/node@20'] : [])];
      npm(['install', ...packages, '--no-audit', '--no-fund'], user);
      for (const resolution of resolutions) {
        for (const exactOptionalPropertyTypes of [false, true]) {
          failures += check({ user, version, node, resolution, exactOptionalPropertyTypes });
        }
      }
    }
  }
} finally {
  fs.rmSync(folder, { recursive: true, force: true });
}
console.log(failures === 0 ? 'All types fit.' : `${failures} combinations failed.`);
process.exitCode = failures === 0 ? 0 : 1;

function check({ user, version, node, resolution, exactOptionalPropertyTypes }) {
  const lib = ['es2022', 'esnext.disposable', ...(node ? [] : ['dom'])];
  const compilerOptions = {
    ...resolution,
    ...{ target: 'es2022', lib, types: node ? ['node'] : [], strict: true, noEmit: true },
    ...{ exactOptionalPropertyTypes, noUncheckedIndexedAccess: true, skipLibCheck: false },
  };
  const config = JSON.stringify({ compilerOptions, files: ['program.ts'] });
  fs.writeFileSync(path.join(user, 'tsconfig.json'), config);
  const tsc = path.join(user, 'node_modules', 'typescript', 'bin', 'tsc');
  const { status, stdout } = spawnSync(process.execPath, [tsc, '-p', user], { encoding: 'utf8' });
  const exact = exactOptionalPropertyTypes ? ', exact' : '';
  const name = `${version}, ${resolution.moduleResolution}${exact}${node ? ', @types/node' : ''}`;
  console.log(`${status === 0 ? 'ok  ' : 'FAIL'} ${name}`);
  if (status !== 0) console.log(stdout.split('\n').slice(0, 12).join('\n'));
  return status === 0 ? 0 : 1;
}
