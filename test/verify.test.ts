/** Checking a whole database: logs that are sound, whatever has happened, and what is read while it goes on. */
import { describe, expect, it } from 'vitest';
import { databaseKinds } from './support/databases.ts';
import { logOf, openDatabase } from './support/journal.ts';
import { found, shapedLog } from './support/shaped-log.ts';

const seeds = [1, 2, 3];

describe.each(databaseKinds)('verifying on %s', (kind) => {
  it.each(seeds)('finds nothing in a log in which everything has happened (seed %i)', async (seed) => {
    const database = await openDatabase(await shapedLog(kind, seed));
    expect(await found(database)).toEqual([]);
    const happened = new Set((await logOf(database)).map(({ reason }) => reason));
    expect([...happened].sort()).toEqual([
      'allocated',
      'allocated_after_eviction',
      'cleanup',
      'lru_eviction',
      'pool_opened',
      'released_by_client',
      'renewed_by_client',
      'ttl_expired',
      'ttl_expired_while_down',
    ]);
  });
});
