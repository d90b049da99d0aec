/** Pruning logs in which everything has happened, by and by: what is left is sound each time, on both databases. */
import { describe, expect, it } from 'vitest';
import { prunedTokens } from '../src/journal/schema.ts';
import { SqlStore } from '../src/journal/sql-store.ts';
import { databaseKinds } from './support/databases.ts';
import { logOf, openDatabase, openJournals, tokensOf } from './support/journal.ts';
import { Seeded } from './support/seeded.ts';
import { foundInAll, shapedLog } from './support/shaped-log.ts';

describe.each(databaseKinds)('pruning the pools on %s', (kind) => {
  it.each([1, 2, 3])('leaves each of them whole, whatever has happened in it (seed %i)', async (seed) => {
    const chance = new Seeded(seed);
    const database = await openDatabase(await shapedLog(kind, seed, 40));
    const store = new SqlStore(database);
    const newest = (await logOf(database)).reduce((latest, { at }) => Math.max(latest, at), 0);
    const pools = [...new Set((await logOf(database)).map(({ pool }) => pool))];
    for (let facts = 1; facts > 0; ) {
      facts = 0;
      for (const pool of pools) facts += await store.prune(pool, newest + 1, 1 + chance.below(40));
      expect(await foundInAll(database)).toEqual([]);
    }
    expect(await logOf(database)).toHaveLength(pools.length);
    const before = await Promise.all(pools.map((pool) => tokensOf(database, pool)));
    await openJournals(database, [], newest + 1);
    expect(await Promise.all(pools.map((pool) => tokensOf(database, pool)))).toEqual(before);
    for (const pool of pools) await store.prune(pool, newest + 2, 100);
    expect(await foundInAll(database)).toEqual([]);
    // Of tokens and pools that are no more, nothing is left.
    const ids = new Set(before.flat().map(({ tokenId }) => tokenId));
    const rows = await database.db.select().from(prunedTokens);
    expect(rows.filter(({ id }) => !ids.has(id))).toEqual([]);
  });
});
