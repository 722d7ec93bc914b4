// Copies the minified builds of vega and vega-lite, with the licences of everything inside them, to
// dist/vendor: the package has no charting dependency at run time (81 packages, 29 MB otherwise).
// Both are UMD: Node loads them as .cjs, and reports inline the same text into <script> elements.
//
//   vega.min.cjs  vega-lite.min.cjs  NOTICES.txt  versions.json

import { existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const modules = join(root, 'node_modules');
// The set-up builds dist/ aside and names another folder.
const target = process.argv[2] ?? join(root, 'dist', 'vendor');

// What serves these packages' own command lines, or has types alone, is not in the builds.
const NOT_IN_THE_BUILDS = new Set([
  'yargs',
  'commander',
  'iconv-lite',
  'rw',
  'vega-typings',
  '@types/estree',
]);

function manifest(folder) {
  return JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
}

/** The folder of package `name` as `from` resolves it: nested copies go first, as in Node. */
function folderOf(name, from) {
  for (let folder = from; folder.startsWith(root); folder = dirname(folder)) {
    const candidate = join(folder, 'node_modules', name);
    if (existsSync(join(candidate, 'package.json'))) return candidate;
  }
  throw new Error(`vendor-charts: package ${name}, wanted by ${from}, is absent: run npm install`);
}

/** All packages that `names` consist of: name@version → licence text. */
function licences(names) {
  const found = new Map();
  const visit = (folder) => {
    const { name, version, license, dependencies = {} } = manifest(folder);
    if (found.has(`${name}@${version}`)) return;
    const file = readdirSync(folder).find((entry) => /^licen[cs]e/i.test(entry));
    const text = file === undefined ? '' : readFileSync(join(folder, file), 'utf8').trim();
    found.set(`${name}@${version}`, text === '' ? `License: ${license}` : text);
    for (const dependency of Object.keys(dependencies)) {
      if (!NOT_IN_THE_BUILDS.has(dependency)) visit(folderOf(dependency, folder));
    }
  };
  names.forEach((name) => visit(join(modules, name)));
  return found;
}

/** One entry for each distinct licence text, headed by the packages under it. */
function notices(found) {
  const packagesOf = new Map();
  for (const [name, text] of found) packagesOf.set(text, [...(packagesOf.get(text) ?? []), name]);
  const entries = [...packagesOf].map(([text, names]) => `${names.sort().join(', ')}\n\n${text}\n`);
  return entries.join(`\n${'-'.repeat(80)}\n\n`);
}

/** The text of a build, fit to be loaded from .cjs and to stand inside <script>. */
function build(name, replacements) {
  let text = readFileSync(join(modules, name, 'build', `${name}.min.js`), 'utf8');
  text = text.replace(/^\/\/# sourceMappingURL=.*$/gm, '').trimEnd();
  for (const [from, to] of replacements) {
    if (text.split(from).length !== 2) {
      throw new Error(`vendor-charts: ${name} should hold ${from} exactly once: adapt this script`);
    }
    text = text.replace(from, to);
  }
  if (/<\/script|<!--/i.test(text)) {
    throw new Error(`vendor-charts: ${name} holds text that would end a <script> element`);
  }
  return `${text}\n`;
}

mkdirSync(target, { recursive: true });
writeFileSync(join(target, 'vega.min.cjs'), build('vega', []));
writeFileSync(
  join(target, 'vega-lite.min.cjs'),
  build('vega-lite', [['require("vega")', 'require("./vega.min.cjs")']]),
);
const versions = Object.fromEntries(
  ['vega', 'vega-lite'].map((name) => [name, manifest(join(modules, name)).version]),
);
writeFileSync(join(target, 'versions.json'), `${JSON.stringify(versions)}\n`);
writeFileSync(join(target, 'NOTICES.txt'), notices(licences(['vega', 'vega-lite'])));
