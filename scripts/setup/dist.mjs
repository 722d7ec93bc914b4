// dist/: the compiled TypeScript, what src/ holds beside it, and the charting library's two files.
import fs from 'node:fs';
import { run } from './command.mjs';
import { digestOf } from './digest.mjs';
import { distFolder, inRoot } from './paths.mjs';

const vendorScript = 'scripts/vendor-charts.mjs';
const sources = ['src', 'tsconfig.json', 'tsconfig.build.json', 'scripts/setup/dist.mjs'];

const versionOf = (name) =>
  JSON.parse(fs.readFileSync(inRoot('node_modules', name, 'package.json'), 'utf8')).version;

export function distDigest() {
  const versions = ['typescript', 'vega', 'vega-lite'].map(versionOf);
  return digestOf([...sources, vendorScript], { versions });
}

/** Compiled aside and exchanged whole: no file of a deleted source stays, none is half written. */
export async function buildDist() {
  const fresh = inRoot('.cmake', 'dist-fresh');
  const old = inRoot('.cmake', 'dist-old');
  for (const folder of [fresh, old]) fs.rmSync(folder, { recursive: true, force: true });
  const tsc = inRoot('node_modules', 'typescript', 'bin', 'tsc');
  await run('tsc', process.execPath, [tsc, '-p', inRoot('tsconfig.build.json'), '--outDir', fresh]);
  fs.cpSync(inRoot('src'), fresh, { recursive: true, filter: (file) => !file.endsWith('.ts') });
  await run('vendor-charts', process.execPath, [inRoot(vendorScript), `${fresh}/vendor`]);
  const main = `${fresh}/cli/main.js`;
  if (fs.existsSync(main)) fs.chmodSync(main, 0o755); // npm link and ./node_modules/.bin want it
  if (fs.existsSync(distFolder)) fs.renameSync(distFolder, old);
  fs.renameSync(fresh, distFolder);
  fs.rmSync(old, { recursive: true, force: true });
}
