// One set-up at a time in one clone. The lock is a file that names its holder; it is broken when
// that process is gone, or (another container on the same folder) when it stopped touching the file.
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { lockFile } from './paths.mjs';

const touchEvery = 2_000;
const deadAfter = 30_000;
const lookEvery = 200;

function take(file, content) {
  // Written aside and linked: nobody ever sees a lock without its holder's name.
  const own = `${file}.${os.hostname()}.${process.pid}`;
  fs.writeFileSync(own, content);
  try {
    fs.linkSync(own, file);
    return true;
  } catch (error) {
    if (error.code === 'EEXIST') return false;
    throw error;
  } finally {
    fs.rmSync(own, { force: true });
  }
}

function isAlive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === 'EPERM';
  }
}

/** The holder, or undefined if the lock vanished meanwhile. */
function holder(file) {
  try {
    const content = fs.readFileSync(file, 'utf8');
    const { host, pid } = JSON.parse(content);
    const silent = Date.now() - fs.statSync(file).mtimeMs > deadAfter;
    return { content, pid, isDead: silent || (host === os.hostname() && !isAlive(pid)) };
  } catch (error) {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  }
}

/** Of several that find a dead lock, one gets to rename it; a live lock caught so is put back. */
function breakLock(file, dead) {
  const aside = `${file}.broken.${process.pid}`;
  try {
    fs.renameSync(file, aside);
    if (fs.readFileSync(aside, 'utf8') !== dead.content) fs.linkSync(aside, file);
    fs.rmSync(aside, { force: true });
  } catch (error) {
    if (error.code !== 'ENOENT' && error.code !== 'EEXIST') throw error;
  }
}

export async function withLock(say, work, file = lockFile) {
  fs.mkdirSync(path.dirname(file), { recursive: true });
  const content = JSON.stringify({ host: os.hostname(), pid: process.pid, since: Date.now() });
  let told = false;
  while (!take(file, content)) {
    const other = holder(file);
    if (other?.isDead) breakLock(file, other);
    else if (other && !told) {
      say(`another set-up is running here (process ${other.pid}): waiting for it`);
      told = true;
    }
    await sleep(lookEvery);
  }
  const touch = setInterval(() => {
    const now = new Date();
    fs.utimes(file, now, now, () => {});
  }, touchEvery);
  const release = () => {
    clearInterval(touch);
    if (holder(file)?.content === content) fs.rmSync(file, { force: true });
  };
  process.on('exit', release);
  try {
    return await work();
  } finally {
    release();
    process.off('exit', release);
  }
}
