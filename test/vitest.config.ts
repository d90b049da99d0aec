import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    globalSetup: ['test/support/build.ts', 'test/support/postgres-server.ts'],
    // A database server is shared and processes are started: generous, for it is no measure of speed.
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
});
