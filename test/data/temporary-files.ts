import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { onTestFinished } from 'vitest';

/** A new directory with these files, removed when the test is over. */
export async function temporaryFiles(
  files: Readonly<Record<string, string | Uint8Array>>,
): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'eigenscape-'));
  onTestFinished(() => rm(directory, { recursive: true }));
  for (const [name, content] of Object.entries(files)) {
    await writeFile(join(directory, name), content);
  }
  return directory;
}

/** A new file with this content, removed when the test is over. */
export async function temporaryFile(name: string, content: string | Uint8Array): Promise<string> {
  return join(await temporaryFiles({ [name]: content }), name);
}
