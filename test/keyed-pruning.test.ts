/** Answers to requests with a key go when their time is over, or when there are too many; the same on both databases. */
import { asc } from 'drizzle-orm';
import { beforeEach, describe, expect, it } from 'vitest';
import type { Database } from '../src/journal/database.ts';
import { keptMs } from '../src/journal/keyed.ts';
import { keyedOutcomes } from '../src/journal/schema.ts';
import { databaseKinds } from './support/databases.ts';
import { emptyDatabase, type OpenJournal, openJournal } from './support/journal.ts';
import { start } from './support/world.ts';

describe.each(databaseKinds)('the answers kept on %s', (kind) => {
  let database: Database;
  let journal: OpenJournal['journal'];

  beforeEach(async () => {
    database = await emptyDatabase(kind);
    journal = (await openJournal(database)).journal;
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
    expect(await journal.pruneKeyed(at, 100, 2)).toBe(2);
    expect(await keys()).toEqual(['c', 'd']);
    expect(await journal.keyed('c', at)).toBeNull();
    expect(await journal.pruneKeyed(at, 100, 2)).toBe(1);
    expect(await journal.pruneKeyed(at, 100, 2)).toBe(0);
    expect(await keys()).toEqual(['d']);
    expect(await journal.keyed('d', at)).toMatchObject({ outcome: { key: 'd' } });
  });

  it('go beyond the newest ones, however young they are', async () => {
    for (const key of ['a', 'b', 'c', 'd', 'e']) await keep(key, start);
    expect(await journal.pruneKeyed(start, 5, 10)).toBe(0);
    expect(await journal.pruneKeyed(start, 2, 2)).toBe(2);
    expect(await journal.pruneKeyed(start, 2, 2)).toBe(1);
    expect(await journal.pruneKeyed(start, 2, 2)).toBe(0);
    expect(await keys()).toEqual(['d', 'e']);
  });

  it('stay where their key was used anew', async () => {
    await keep('a', start);
    await keep('b', start);
    await keep('a', start + keptMs);
    expect(await journal.pruneKeyed(start + keptMs, 100, 10)).toBe(1);
    expect(await keys()).toEqual(['a']);
  });
});
