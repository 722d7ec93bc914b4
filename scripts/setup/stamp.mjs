// The stamp says which digest each built part was built from.
import fs from 'node:fs';
import { stampFile } from './paths.mjs';

export function readStamp() {
  try {
    return JSON.parse(fs.readFileSync(stampFile, 'utf8'));
  } catch {
    return {}; // absent or half written by a machine that stopped: build again
  }
}

export function writeStamp(part, digest) {
  const stamp = { ...readStamp(), [part]: digest };
  const fresh = `${stampFile}.${process.pid}`;
  fs.writeFileSync(fresh, `${JSON.stringify(stamp, null, 2)}\n`);
  fs.renameSync(fresh, stampFile);
}
