// The rooms of the source and the one direction in which they may know each other (design, part 2).
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { asGraph, filesBelow, findCycle, importsOfModule, includesOf } from './source-files.js';

// Each room may know those below it. Rooms on one level may know each other if no cycle results.
const typescriptLevels: readonly (readonly string[])[] = [
  ['errors.ts', 'progress.ts', 'package-version.ts', 'amounts.ts'],
  [
    'addon',
    'native.ts',
    'copies.ts',
    'in-pieces.ts',
    'long-call.ts',
    'machine.ts',
    'memory.ts',
    'options.ts',
    'describe-value.ts',
  ],
  ['network', 'data'],
  ['curvature'],
  ['spectrum', 'training'],
  ['report', 'landscape', 'onnx'],
  ['index.ts'],
  ['experiments'], // users of the library like any other: they may import its index
  ['cli'],
];

const nativeLevels: readonly (readonly string[])[] = [
  ['core'],
  ['linalg', 'data'],
  ['ops', 'eigensolver'],
  ['network'],
  ['curvature', 'training'],
  ['node'],
];
// The eigensolver stands apart from networks: neither side knows the other.
const apart = (a: string, b: string): boolean =>
  [a, b].includes('eigensolver') &&
  ['data', 'ops', 'network', 'curvature', 'training'].some((room) => [a, b].includes(room));

const room = (name: string): string => name.split('/', 1)[0] ?? name;

function levelIn(levels: readonly (readonly string[])[], name: string): number {
  const level = levels.findIndex((rooms) => rooms.includes(name));
  if (level < 0) throw new Error(`${name} is no room of the design: give it a level here`);
  return level;
}

const modules = filesBelow('src', /\.ts$/);
const moduleImports = modules.flatMap((from) =>
  importsOfModule(`src/${from}`).map(({ to, typeOnly }) => ({ from, to, typeOnly })),
);
const inside = moduleImports
  .filter(({ to }) => to.startsWith('.'))
  .map(({ from, to, typeOnly }) => {
    const target = path.posix.join(path.posix.dirname(from), to).replace(/\.js$/, '.ts');
    return { from, to: target, typeOnly };
  })
  .filter(({ to }) => modules.includes(to));

const nativeFiles = filesBelow('native', /\.(cpp|hpp|c)$/);
const nativeIncludes = nativeFiles.flatMap((from) =>
  includesOf(`native/${from}`).map(({ to, quoted }) => ({ from, to, quoted })),
);
const insideNative = nativeIncludes.filter(({ quoted }) => quoted);

describe('TypeScript', () => {
  it('imports point from upper rooms to lower ones', () => {
    const upward = inside.filter(
      ({ from, to }) => levelIn(typescriptLevels, room(from)) < levelIn(typescriptLevels, room(to)),
    );
    expect(upward).toEqual([]);
  });

  it('rooms form no cycle', () => {
    const rooms = inside.map(({ from, to }) => [room(from), room(to)] as const);
    expect(findCycle(asGraph(rooms))).toEqual([]);
  });

  it('modules form no cycle once types are gone', () => {
    const values = inside.filter(({ typeOnly }) => !typeOnly);
    expect(findCycle(asGraph(values.map(({ from, to }) => [from, to] as const)))).toEqual([]);
  });

  it('only native.ts loads the addon', () => {
    const loaders = moduleImports.filter(({ to }) => /node-gyp-build|\.node$/.test(to));
    expect(loaders.map(({ from }) => from).filter((from) => from !== 'native.ts')).toEqual([]);
  });
});

describe('C++', () => {
  it('includes are written relative to native/ and exist', () => {
    const unknown = insideNative.filter(({ to }) => !nativeFiles.includes(to));
    expect(unknown).toEqual([]);
  });

  it('includes point from upper rooms to lower ones', () => {
    const wrong = insideNative.filter(
      ({ from, to }) =>
        levelIn(nativeLevels, room(from)) < levelIn(nativeLevels, room(to)) ||
        apart(room(from), room(to)),
    );
    expect(wrong).toEqual([]);
  });

  it('rooms form no cycle', () => {
    const rooms = insideNative.map(({ from, to }) => [room(from), room(to)] as const);
    expect(findCycle(asGraph(rooms))).toEqual([]);
  });

  it('files form no cycle', () => {
    const files = insideNative.map(({ from, to }) => [from, to] as const);
    expect(findCycle(asGraph(files))).toEqual([]);
  });

  it('JavaScript is known in native/node alone', () => {
    const headers = nativeIncludes.filter(({ to }) => /^(napi|node|v8|uv|js_native)/.test(to));
    expect(
      headers.filter(({ from, to }) => room(from) !== 'node' && !to.startsWith('node/')),
    ).toEqual([]);
  });
});

it('no file is named utils, helpers or common', () => {
  const folders = ['src', 'native', 'test', 'scripts', 'bench', 'examples', 'docs'];
  const vague = folders.flatMap((folder) =>
    filesBelow(folder, /(^|\/)(utils?|helpers?|common)(\.[\w.]+)?(\/|$)/i).map(
      (name) => `${folder}/${name}`,
    ),
  );
  expect(vague).toEqual([]);
});
