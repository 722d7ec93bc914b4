// What may be in the tarball, what must be, and whether its pages lead anywhere.
import fs from 'node:fs';
import path from 'node:path';

const sizeLimit = 10e6;

/** The first pattern that fits decides; what fits none does not belong. */
const contents = [
  { pattern: /^(package\.json|CMakeLists\.txt|sbom\.cdx\.json)$/, belongs: true },
  { pattern: /^(README|CHANGELOG|THIRD-PARTY-NOTICES)\.md$|^LICENSE$/, belongs: true },
  { pattern: /\.map$|\.tsbuildinfo$|\.log$|\.test\.|(^|\/)\./, belongs: false },
  { pattern: /^dist\/.*(?<!\.d)\.ts$/, belongs: false },
  { pattern: /^dist\//, belongs: true },
  { pattern: /^bench\/([\w-]+\/)?[\w-]+\.(mjs|py|json)$/, belongs: true },
  { pattern: /^docs\/[\w/-]+\.(md|svg|png)$/, belongs: true },
  {
    pattern: /^examples\/(pytorch\/)?[\w-]+\.(md|mjs|ts|py|onnx|onnx\.data|npy|json|safetensors)$/,
    belongs: true,
  },
  { pattern: /^native\/[\w-]+\/[\w-]+\.(cpp|hpp|c|py)$/, belongs: true },
  { pattern: /^native\/vendor\/[\w.-]+\.h$/, belongs: true },
  { pattern: /^prebuilds\/[\w-]+\/eigenscape\.(glibc|musl)\.node$/, belongs: true },
];

/** Whole names, or beginnings that end with a slash. */
const required = [
  'LICENSE',
  'README.md',
  'CHANGELOG.md',
  'THIRD-PARTY-NOTICES.md',
  'CMakeLists.txt',
  'sbom.cdx.json',
  'dist/index.js',
  'dist/index.d.ts',
  'dist/cli/main.js',
  'dist/onnx/runtime-process.js',
  'dist/vendor/NOTICES.txt',
  'bench/run.mjs',
  'native/vendor/napi.h',
  'native/vendor/node_api.h',
  `prebuilds/${process.platform}-${process.arch}/`,
];

/** @param tarball as `npm pack --json` describes it
 *  @returns sentences about what is wrong with it */
export function problemsOfContents({ files, size }) {
  const names = files.map((file) => file.path);
  const isThere = (wanted) =>
    names.some((name) => name === wanted || (wanted.endsWith('/') && name.startsWith(wanted)));
  const strangers = names.filter(
    (name) => !contents.find(({ pattern }) => pattern.test(name))?.belongs,
  );
  return [
    names.some((name) => name.endsWith('.gyp')) && 'a *.gyp is in it: npm would run node-gyp',
    ...required.filter((name) => !isThere(name)).map((name) => `${name} is not in it`),
    ...strangers.map((name) => `${name} does not belong in it`),
    size >= sizeLimit && `it is ${size / 1e6} MB, the limit is ${sizeLimit / 1e6} MB`,
  ].filter(Boolean);
}

/** Links and pictures of the pages at its root that lead to a file which is not in it.
 *  @param folder the package, unpacked */
export function brokenLinks(folder) {
  const pages = ['README.md', 'CHANGELOG.md', 'THIRD-PARTY-NOTICES.md'];
  return pages.flatMap((page) => {
    const text = fs.readFileSync(path.join(folder, page), 'utf8').replace(/^```[\s\S]*?^```/gm, '');
    const targets = [...text.matchAll(/\]\(([^)\s]+)\)|(?:src|href)="([^"]+)"/g)].map(
      ([, inText, inTag]) => inText ?? inTag,
    );
    return targets
      .filter((target) => !/^[a-z]+:/.test(target))
      .filter((target) => !fs.existsSync(path.join(folder, target.replace(/#.*$/, '') || page)))
      .map((target) => `${page} links to ${target}, which is not in it`);
  });
}
