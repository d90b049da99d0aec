/** Checking a whole database: logs that are sound, whatever has happened, and what is read while it goes on. */
import { describe, expect, it } from 'vitest';
import { databaseKinds } from './support/databases.ts';
import { logOf, openDatabase } from './support/journal.ts';
import { foundInAll, shapedLog } from './support/shaped-log.ts';

const seeds = [1, 2, 3];

describe.each(databaseKinds)('verifying on %s', (kind) => {
  it.each(seeds)('finds nothing in logs in which everything has happened (seed %i)', async (seed) => {
    const database = await openDatabase(await shapedLog(kind, seed));
    expect(await foundInAll(database)).toEqual([]);
    const happened = new Set((await logOf(database)).map(({ reason }) => reason));
    expect([...happened].sort()).toEqual([
      'allocated',
      'allocated_after_eviction',
      'cleanup',
      'cool_down_over',
      'deleted_by_client',
      'idle_ttl_expired',
      'lru_eviction',
      'maintenance',
      'maintenance_begun',
      'maintenance_over',
      'oldest_eviction',
      'options_changed',
      'pool_deleted',
      'pool_grown',
      'pool_opened',
      'pool_shrunk',
      'released_by_client',
      'renewed_by_client',
      'token_created',
      'token_deleted',
      'ttl_expired',
      'ttl_expired_while_down',
    ]);
  });
});
