import { defineConfig } from 'vitest/config';

/** Tests that wait for real processes to fall silent, or break connections: with others at their side they would measure those. */
const alone = [
  'test/faults/*.test.ts',
  'test/crash.test.ts',
  'test/database-failure.test.ts',
  'test/failover.test.ts',
  'test/kill.test.ts',
  'test/lost-while-opening.test.ts',
  'test/memory.test.ts',
  'test/outage.test.ts',
  'test/recovery.test.ts',
  'test/shut-down.test.ts',
  'test/silent-connections.test.ts',
  'test/standby.test.ts',
];

export default defineConfig({
  test: {
    globalSetup: ['test/support/build.ts', 'test/support/postgres-server.ts'],
    projects: [
      {
        extends: true,
        test: {
          name: 'together',
          include: ['test/**/*.test.ts'],
          exclude: alone,
          maxWorkers: 2,
          sequence: { groupOrder: 0 },
        },
      },
      {
        extends: true,
        test: { name: 'alone', include: alone, maxWorkers: 1, sequence: { groupOrder: 1 } },
      },
    ],
    // A database server is shared and processes are started: generous, for it is no measure of speed.
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
});
