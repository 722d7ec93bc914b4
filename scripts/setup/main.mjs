// The set-up: finds out what is missing or out of date, does that, and hands over to the command
// after --then. When nothing is to do it only looks, and takes a fraction of a second.
import fs from 'node:fs';
import { addonDigest, buildAddon } from './addon.mjs';
import { buildDist, distDigest } from './dist.mjs';
import { SetupFailure } from './failure.mjs';
import { handOver } from './hand-over.mjs';
import { withLock } from './lock.mjs';
import { installNpmPackages, npmPackagesMissing } from './npm-packages.mjs';
import { becomeCallerOfSudo, requireWritable } from './ownership.mjs';
import { addonFile, distFolder } from './paths.mjs';
import { readStamp, writeStamp } from './stamp.mjs';
import { installSystemPackages } from './system-packages.mjs';

// On standard error: standard output belongs to the command after --then.
const say = (text) => console.error(`setup: ${text}`);

const addonIsCurrent = () => fs.existsSync(addonFile) && readStamp().addon === addonDigest();
const distIsCurrent = () => fs.existsSync(distFolder) && readStamp().dist === distDigest();
const isComplete = () => !npmPackagesMissing() && addonIsCurrent() && distIsCurrent();

/** Says how long the step took. The digest is that of before: an edit meanwhile is seen next time. */
async function step(name, digest, build) {
  const start = Date.now();
  await build();
  writeStamp(name, digest);
  say(`${name} is built (${((Date.now() - start) / 1000).toFixed(1)} s)`);
}

async function setUp() {
  if (isComplete()) {
    becomeCallerOfSudo();
    return say('nothing to do');
  }
  requireWritable();
  await withLock(say, async () => {
    if (!addonIsCurrent()) await installSystemPackages(say); // root's part, if any is
    becomeCallerOfSudo();
    if (npmPackagesMissing()) await installNpmPackages(say);
    if (!addonIsCurrent()) {
      say('compiling the addon (C++, about a minute)');
      await step('addon', addonDigest(), buildAddon);
    }
    if (!distIsCurrent()) {
      say('compiling TypeScript');
      await step('dist', distDigest(), buildDist);
    }
  });
  say('done');
}

export async function main(args) {
  try {
    if (process.platform === 'win32') {
      throw new SetupFailure('Windows is not supported; inside WSL the same command works.');
    }
    await setUp();
  } catch (error) {
    if (!(error instanceof SetupFailure)) throw error;
    console.error(`\nsetup: ${error.message}`);
    process.exitCode = 1;
    return;
  }
  const then = args.indexOf('--then');
  if (then >= 0) await handOver(args.slice(then + 1));
}
