import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    // A process per worker: threads of one process would share the addon and its thread pool.
    pool: 'forks',
    // Exact spectra take seconds, and more where a machine's cores are few.
    testTimeout: 30_000,
    hookTimeout: 60_000,
  },
});
