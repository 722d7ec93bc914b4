// The command line of `npm run bench`.

import { parseArgs } from 'node:util';
import { installation } from './contenders.mjs';
import { trials } from './trials/all.mjs';

const long = trials.filter((trial) => trial.long).map(({ name }) => name);

export const usage = `eigenscape bench [--trial NAME …] [--all] [--runs 5] [--seconds 1] [--json FILE] [--markdown FILE]
(in a clone: npm run bench -- …)

  --trial     one of: ${trials.map(({ name }) => name).join(', ')} (may be repeated;
              default: all but those that take minutes)
  --all       those too: ${long.join(', ')}
  --runs      processes of each contender
  --seconds   how long one way is measured in one process
  --json      writes every measurement
  --markdown  writes the tables with the environment

PyTorch and SciPy take part if python3, or the Python that EIGENSCAPE_BENCH_PYTHON names, has them;
jax-js, ml-matrix and TensorFlow.js if they are installed:
  ${installation}`;

function positive(name, text) {
  const value = Number(text);
  if (value > 0 && Number.isFinite(value)) return value;
  throw new Error(`--${name} is '${text}'; expected a number above 0`);
}

/** The options that choose the trials, to repeat them. */
const choiceOf = ({ trial, all }) =>
  trial === undefined ? (all ? ['--all'] : []) : trial.map((name) => `--trial ${name}`);

/** @throws Error for the person at the terminal */
export function parseCommandLine(args) {
  const { values } = parseArgs({
    args,
    options: {
      trial: { type: 'string', multiple: true },
      all: { type: 'boolean', default: false },
      runs: { type: 'string', default: '5' },
      seconds: { type: 'string', default: '1' },
      json: { type: 'string' },
      markdown: { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  });
  const usual = trials.filter(({ name }) => values.all || !long.includes(name));
  const names = values.trial ?? usual.map(({ name }) => name);
  const unknown = names.find((name) => trials.every((trial) => trial.name !== name));
  if (unknown !== undefined) {
    const known = trials.map(({ name }) => name).join(', ');
    throw new Error(`--trial is '${unknown}'; expected one of ${known}`);
  }
  return {
    trials: trials.filter(({ name }) => names.includes(name)),
    chosen: choiceOf(values),
    runs: Math.ceil(positive('runs', values.runs)),
    seconds: positive('seconds', values.seconds),
    json: values.json,
    markdown: values.markdown,
    help: values.help,
  };
}
