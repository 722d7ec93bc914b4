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

function take(content) {
  // Written aside and linked: nobody ever sees a lock without its holder's name.
  const own = `${lockFile}.${os.hostname()}.${process.pid}`;
  fs.writeFileSync(own, content);
  try {
    fs.linkSync(own, lockFile);
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
function holder() {
  try {
    const content = fs.readFileSync(lockFile, 'utf8');
    const { host, pid } = JSON.parse(content);
    const silent = Date.now() - fs.statSync(lockFile).mtimeMs > deadAfter;
    return { content, pid, isDead: silent || (host === os.hostname() && !isAlive(pid)) };
  } catch (error) {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  }
}

/** Of several that find a dead lock, one gets to rename it; a live lock caught so is put back. */
function breakLock(dead) {
  const aside = `${lockFile}.broken.${process.pid}`;
  try {
    fs.renameSync(lockFile, aside);
    if (fs.readFileSync(aside, 'utf8') !== dead.content) fs.linkSync(aside, lockFile);
    fs.rmSync(aside, { force: true });
  } catch (error) {
    if (error.code !== 'ENOENT' && error.code !== 'EEXIST') throw error;
  }
}

export async function withLock(say, work) {
  fs.mkdirSync(path.dirname(lockFile), { recursive: true });
  const content = JSON.stringify({ host: os.hostname(), pid: process.pid, since: Date.now() });
  let told = false;
  while (!take(content)) {
    const other = holder();
    if (other?.isDead) breakLock(other);
    else if (other && !told) {
      say(`another set-up is running here (process ${other.pid}): waiting for it`);
      told = true;
    }
    await sleep(lookEvery);
  }
  const touch = setInterval(() => {
    const now = new Date();
    fs.utimes(lockFile, now, now, () => {});
  }, touchEvery);
  const release = () => {
    clearInterval(touch);
    if (holder()?.content === content) fs.rmSync(lockFile, { force: true });
  };
  process.on('exit', release);
  try {
    return await work();
  } finally {
    release();
    process.off('exit', release);
  }
}
