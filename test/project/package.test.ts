// What the manifest promises, read without building anything; `npm run check:package` looks at the
// tarball itself.
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { importsOfModule, read } from './source-files.js';

interface Manifest {
  readonly license: string;
  readonly files: readonly string[];
  readonly gypfile: boolean;
  readonly scripts: Readonly<Record<string, string>>;
  readonly engines: { readonly node: string };
  readonly dependencies: Readonly<Record<string, string>>;
  readonly devDependencies: Readonly<Record<string, string>>;
  readonly peerDependencies: Readonly<Record<string, string>>;
  readonly peerDependenciesMeta: Readonly<Record<string, { readonly optional?: boolean }>>;
}

interface Lock {
  readonly packages: Readonly<
    Record<
      string,
      { readonly resolved?: string; readonly integrity?: string; readonly link?: boolean }
    >
  >;
}

const manifest = JSON.parse(read('package.json')) as Manifest;
const lock = JSON.parse(read('package-lock.json')) as Lock;

describe('the package', () => {
  it('ships no *.gyp and runs no script at installation', () => {
    // npm runs node-gyp by itself where a tarball holds one (npm/cli#3341).
    expect(manifest.files.filter((name) => name.endsWith('.gyp'))).toEqual([]);
    expect(manifest.gypfile).toBe(false);
    const atInstallation = ['preinstall', 'install', 'postinstall', 'prepare'];
    expect(Object.keys(manifest.scripts).filter((name) => atInstallation.includes(name))).toEqual(
      [],
    );
  });

  it('ships what building it from source needs', () => {
    expect(manifest.files).toEqual(expect.arrayContaining(['native', 'CMakeLists.txt']));
  });

  it('is under the licence that it ships', () => {
    expect(manifest.license).toBe('MIT');
    expect(read('LICENSE')).toContain('MIT License');
    for (const name of ['LICENSE', 'THIRD-PARTY-NOTICES.md', 'CHANGELOG.md']) {
      expect(manifest.files).toContain(name);
      expect(read(name).length).toBeGreaterThan(0);
    }
  });

  it.each(['onnxruntime-node', '@resvg/resvg-js'])('leaves %s to those who want it', (name) => {
    expect(Object.keys(manifest.dependencies)).not.toContain(name);
    expect(Object.keys(manifest.peerDependencies)).toContain(name);
    expect(manifest.peerDependenciesMeta[name]?.optional).toBe(true);
  });
});

/** Packages that `import 'eigenscape'` loads at once. */
function packagesAtOnce(): readonly string[] {
  const modules = new Set<string>();
  const packages = new Set<string>();
  const visit = (name: string): void => {
    if (modules.has(name)) return;
    modules.add(name);
    for (const { to, typeOnly, lazy } of importsOfModule(name)) {
      if (typeOnly || lazy || to.startsWith('node:')) continue;
      if (!to.startsWith('.')) packages.add(to.replace(/^((@[^/]+\/)?[^/]+).*$/, '$1'));
      else visit(path.posix.join(path.posix.dirname(name), to).replace(/\.js$/, '.ts'));
    }
  };
  visit('src/index.ts');
  return [...packages].sort();
}

describe('dependencies', () => {
  it('of files, charts and the command are loaded when they are used', () => {
    // docs/decisions/0010-dependencies-at-run-time.md says why each is there.
    expect(packagesAtOnce()).toEqual(['d3-random', 'pure-rand', 'valibot']);
  });

  it('name a version of the registry and stay within its major version', () => {
    const ranges = { ...manifest.dependencies, ...manifest.devDependencies };
    const loose = Object.entries(ranges).filter(
      ([, range]) => !/^[\^~]?\d+(\.\d+){0,2}$/.test(range),
    );
    expect(loose).toEqual([]);
  });

  it('are locked with their digests, and to no machine of ours', () => {
    const packages = Object.entries(lock.packages).filter(([name]) => name !== '');
    const foreign = packages.filter(
      ([, { resolved = 'https://registry.npmjs.org/' }]) =>
        !resolved.startsWith('https://registry.npmjs.org/'),
    );
    const undigested = packages.filter(([, entry]) => entry.integrity === undefined);
    expect(foreign).toEqual([]);
    expect(undigested.map(([name]) => name)).toEqual([]);
  });
});
