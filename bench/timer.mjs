// A timer of 10 ms, and how late it is at worst. As a process of its own it answers 'begin' and 'end'
// messages: what is late there, where nothing else happens, is the machine's.
import fs from 'node:fs';
import { pathToFileURL } from 'node:url';

const read = (file) => (fs.existsSync(file) ? fs.readFileSync(file, 'utf8') : '');

/** Hundredths of a second that the host of a virtual machine took away from each core. */
const takenFromCores = () =>
  (read('/proc/stat').match(/^cpu\d.*$/gm) ?? []).map((line) => Number(line.split(' ')[8] ?? 0));
let taken = takenFromCores();
let takenMilliseconds = 0;

/** Milliseconds for which the machine had no core for the main thread: others had it, or the host took it away
 *  (of the cores, the one from which it took most). */
function waitedForCore() {
  const now = takenFromCores();
  takenMilliseconds += 10 * Math.max(0, ...now.map((ticks, core) => ticks - taken[core]));
  taken = now;
  const [, waited = 0] = read(`/proc/self/task/${process.pid}/schedstat`).split(' ');
  return Number(waited) / 1e6 + takenMilliseconds;
}

/** Starts the timer; the function that it gives stops it and tells the worst lateness in milliseconds. */
export function startTimer() {
  const clock = () => performance.now() - waitedForCore();
  let [worst, before] = [0, clock()];
  const timer = setInterval(() => {
    const now = clock();
    worst = Math.max(worst, now - before - 10);
    before = now;
  }, 10);
  return () => {
    clearInterval(timer);
    return worst;
  };
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  let stop = () => 0;
  process.on('message', (message) => {
    if (message === 'begin') stop = startTimer();
    else process.send(stop());
  });
}
