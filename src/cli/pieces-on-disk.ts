// Finished pieces of an experiment, kept in its folder until the whole is there, so that an interrupted run
// goes on with what it has.

import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import type { Pieces } from '../experiments/experiment.js';

export interface PiecesOnDisk {
  readonly piece: Pieces;
  /** Removes the pieces: the result holds them all. */
  readonly clear: () => Promise<void>;
}

/** @param choices what a piece depends on besides its name; pieces of other choices are measured anew
 *  @param resume whether pieces of an earlier run are taken */
export async function piecesOnDisk(
  folder: string,
  { choices, resume }: { readonly choices: object; readonly resume: boolean },
): Promise<PiecesOnDisk> {
  const directory = join(folder, 'pieces');
  const clear = (): Promise<void> => rm(directory, { recursive: true, force: true });
  if (!resume) await clear();
  await mkdir(directory, { recursive: true });
  const key = JSON.stringify(choices);
  const piece: Pieces = async (name, measure) => {
    const file = join(directory, `${name}.json`);
    const kept = await readPiece(file, key);
    // What was written was measured by the same code under the same choices.
    if (kept !== undefined) return kept.piece as Awaited<ReturnType<typeof measure>>;
    const measured = await measure();
    await writeFile(`${file}.part`, JSON.stringify({ key, piece: measured }));
    await rename(`${file}.part`, file); // whole, or not there
    return measured;
  };
  return { piece, clear };
}

async function readPiece(
  file: string,
  key: string,
): Promise<{ readonly piece: unknown } | undefined> {
  const text = await readFile(file, 'utf8').catch(() => undefined);
  if (text === undefined) return undefined;
  try {
    const kept: unknown = JSON.parse(text);
    const fits =
      typeof kept === 'object' &&
      kept !== null &&
      'key' in kept &&
      kept.key === key &&
      'piece' in kept;
    return fits ? { piece: kept.piece } : undefined;
  } catch {
    return undefined; // damaged: measured anew
  }
}
