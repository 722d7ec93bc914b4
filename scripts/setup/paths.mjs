// Where things are. The working folder never matters: everything starts from the repository's root.
import { fileURLToPath } from 'node:url';
import path from 'node:path';

export const root = fileURLToPath(new URL('../..', import.meta.url)).replace(/[\\/]$/, '');

export const inRoot = (...names) => path.join(root, ...names);

/** What cmake-js writes; never build/, whose Makefiles node-gyp would share with it. */
export const cmakeFolder = inRoot('.cmake', 'addon');
/** Where node-gyp-build looks for the addon first. */
export const addonFile = inRoot('build', 'Release', 'eigenscape.node');
export const distFolder = inRoot('dist');
export const stampFile = inRoot('.setup-stamp.json');
export const logFolder = inRoot('.cmake', 'logs');
export const lockFile = inRoot('.cmake', 'setup.lock');
