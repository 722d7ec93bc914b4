#!/usr/bin/env node
// Builds the addon into the folder named last, for tools that know node-gyp alone:
//
//   node scripts/build-addon.mjs build/Release      from binding.gyp
//   scripts/build-addon.mjs rebuild --target=…      as PREBUILD_NODE_GYP, in the folder it runs in
//
// An out dir of its own: cmake-js ignores new flags where an old configuration is.
import path from 'node:path';
import process from 'node:process';
import { buildAddon } from './setup/addon.mjs';
import { inRoot } from './setup/paths.mjs';

const [first] = process.argv.slice(2);
const folder = first === undefined || first === 'rebuild' ? path.join('build', 'Release') : first;
const target = path.resolve(folder, 'eigenscape.node');

try {
  await buildAddon({ folder: inRoot('.cmake', 'gyp'), target, name: 'build-addon' });
} catch (error) {
  console.error(error.message);
  process.exitCode = 1;
}
