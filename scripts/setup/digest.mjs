// Digests of sources: what was built from the same bytes need not be built again.
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { root } from './paths.mjs';

function* filesBelow(name) {
  const full = path.join(root, name);
  const status = fs.statSync(full, { throwIfNoEntry: false });
  if (!status) return;
  if (status.isFile()) {
    yield name;
    return;
  }
  for (const child of fs.readdirSync(full).sort()) yield* filesBelow(path.posix.join(name, child));
}

/** One digest over files and folders (names and contents) and over facts that are not files. */
export function digestOf(names, facts = {}) {
  const hash = createHash('sha256').update(JSON.stringify(facts));
  for (const name of names) {
    for (const file of filesBelow(name)) {
      const content = fs.readFileSync(path.join(root, file));
      hash.update(`\n${file} ${content.length}\n`).update(content);
    }
  }
  return hash.digest('hex');
}
