import { defineConfig } from 'vitest/config';

// Of how long others hold a thread: beside other tests they would be about those.
const timed = ['test/core/event-loop.test.ts', 'test/core/abort.test.ts'];

const test = {
  // A process per worker: threads of one process would share the addon and its thread pool.
  pool: 'forks',
  // Exact spectra take seconds, and more where a machine's cores are few.
  testTimeout: 60_000,
  hookTimeout: 60_000,
} as const;

export default defineConfig({
  test: {
    projects: [
      {
        test: {
          ...test,
          name: 'together',
          include: ['test/**/*.test.ts'],
          exclude: timed,
          // Much of a test waits for the disk or another process.
          maxWorkers: '100%',
          sequence: { groupOrder: 0 },
        },
      },
      {
        test: {
          ...test,
          name: 'alone',
          include: timed,
          maxWorkers: 1,
          sequence: { groupOrder: 1 },
        },
      },
    ],
  },
});
