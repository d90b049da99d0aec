/** Answers to requests with a key go when their time is over, or when there are too many; the same on both databases. */
import { asc } from 'drizzle-orm';
import { beforeEach, describe, expect, it } from 'vitest';
import type { Database } from '../src/journal/database.ts';
import { keptMs } from '../src/journal/keyed.ts';
import { keyedOutcomes } from '../src/journal/schema.ts';
import { databaseKinds } from './support/databases.ts';
import { emptyDatabase, type OpenJournal, openJournal, openJournals, requestOf } from './support/journal.ts';
import { start } from './support/world.ts';

describe.each(databaseKinds)('the answers kept on %s', (kind) => {
  let database: Database;
  let journal: OpenJournal['journal'];
  let upkeep: OpenJournal['whole']['upkeep'];

  beforeEach(async () => {
    database = await emptyDatabase(kind);
    const open = await openJournal(database);
    journal = open.journal;
    upkeep = open.whole.upkeep;
  });

  const keep = async (key: string, at: number) => {
    journal.keep({ key, fingerprint: key, outcome: { key }, at });
    await journal.committed();
  };
  const keys = async () => {
    const rows = await database.db.select().from(keyedOutcomes).orderBy(asc(keyedOutcomes.ordinal));
    return rows.map(({ key }) => key);
  };

  it('go oldest first, a batch at a time, none that may still be asked for', async () => {
    for (const [index, key] of ['a', 'b', 'c', 'd'].entries()) await keep(key, start + index);
    const at = start + 2 + keptMs;
    expect(await upkeep.pruneKeyed(at, 100, 2)).toBe(2);
    expect(await keys()).toEqual(['c', 'd']);
    expect(await journal.keyed('c', at)).toBeNull();
    expect(await upkeep.pruneKeyed(at, 100, 2)).toBe(1);
    expect(await upkeep.pruneKeyed(at, 100, 2)).toBe(0);
    expect(await keys()).toEqual(['d']);
    expect(await journal.keyed('d', at)).toMatchObject({ outcome: { key: 'd' } });
  });

  it('go beyond the newest ones, however young they are', async () => {
    for (const key of ['a', 'b', 'c', 'd', 'e']) await keep(key, start);
    expect(await upkeep.pruneKeyed(start, 5, 10)).toBe(0);
    expect(await upkeep.pruneKeyed(start, 2, 2)).toBe(2);
    expect(await upkeep.pruneKeyed(start, 2, 2)).toBe(1);
    expect(await upkeep.pruneKeyed(start, 2, 2)).toBe(0);
    expect(await keys()).toEqual(['d', 'e']);
  });

  it('are counted and deleted of all pools together', async () => {
    const { journal: whole } = await openJournals(database, [requestOf(), requestOf('b')]);
    const other = whole.pool('b');
    for (const [place, key] of ['a', 'b', 'c', 'd'].entries()) {
      (place % 2 === 0 ? whole.pool('default') : other).keep({
        key,
        fingerprint: key,
        outcome: 1,
        at: start,
      });
      await other.committed();
    }
    expect(await whole.upkeep.pruneKeyed(start, 3, 10)).toBe(1);
    expect(await whole.upkeep.pruneKeyed(start, 1, 1)).toBe(1);
    expect(await keys()).toEqual(['c', 'd']);
    expect(await whole.upkeep.pruneKeyed(start + keptMs, 3, 10)).toBe(2);
  });

  it('stay where their key was used anew', async () => {
    await keep('a', start);
    await keep('b', start);
    await keep('a', start + keptMs);
    expect(await upkeep.pruneKeyed(start + keptMs, 100, 10)).toBe(1);
    expect(await keys()).toEqual(['a']);
  });
});
