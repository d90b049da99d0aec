/** A log of which the database has no statistics (a new one; any on PGlite) is read a page at a time all the same. */
import { sql } from 'drizzle-orm';
import { beforeEach, describe, expect, it } from 'vitest';
import type { Database, Drizzle } from '../src/journal/database.ts';
import { openPools } from '../src/journal/open-pools.ts';
import { pruneFacts } from '../src/journal/pruning.ts';
import { readEnding, readFacts, readHistory, readPastLease } from '../src/journal/read.ts';
import { readSnapshot } from '../src/journal/snapshot.ts';
import { newId } from '../src/random.ts';
import { databaseKinds } from './support/databases.ts';
import { emptyDatabase, openJournal } from './support/journal.ts';
import { start } from './support/world.ts';

const facts = 20_000;
const page = { limit: 50, order: 'desc' } as const;

describe.each(databaseKinds)('a log on %s without statistics', (kind) => {
  let database: Database;
  let tokenId: string;

  beforeEach(async () => {
    database = await emptyDatabase(kind);
    const { opening } = await openJournal(database);
    tokenId = opening.tokens[0]!.tokenId;
    await database.db.execute(sql`
      insert into token_events (pool, seq, token_id, type, reason, user_id, lease_id, fence, at, expires_at)
      select 'default', made.seq, id, case when made.seq % 2 = 0 then 'activated' else 'released' end, 'cleanup', 'ada',
        gen_random_uuid(), made.seq, to_timestamp(${start / 1000}::float8), to_timestamp(${start / 1000}::float8)
      from generate_series(2, ${facts}::int) as made(seq)
      join tokens on tokens.ordinal = 1 + made.seq / 2 % 3`);
  });

  /** How many rows of the log are looked at for it. */
  async function rowsLookedAt(
    read: (db: Drizzle) => Promise<unknown>,
    table = 'token_events',
  ): Promise<number> {
    const before = await rowsRead(database.db, table);
    await database.db.transaction(async (tx) => {
      await read(tx);
      await tx.execute(sql`select pg_stat_force_next_flush()`);
    });
    return (await rowsRead(database.db, table)) - before;
  }

  it.each<[string, (db: Drizzle) => Promise<unknown>]>([
    ['the newest page', (db) => readFacts(db, 'default', {}, page)],
    ['a page behind a cursor', (db) => readFacts(db, 'default', {}, { ...page, cursor: facts - 500 })],
    ['the oldest page', (db) => readFacts(db, 'default', {}, { ...page, order: 'asc' })],
    ['a page of a type', (db) => readFacts(db, 'default', { type: 'activated' }, page)],
    ['a page of a token', (db) => readFacts(db, 'default', { tokenId }, page)],
    ['a history', (db) => readHistory(db, 'default', tokenId, { limit: 10 })],
    ['the newest ending', (db) => readEnding(db, 'default', tokenId, {})],
    ['opening the pools', (db) => openPools(db, { declared: [], at: () => start })],
    ['what became of a lease', (db) => readPastLease(db, 'default', newId())],
    ['a snapshot of an old moment', (db) => readSnapshot(db, 'default', { seq: facts / 2 })],
    ['a snapshot of an instant', (db) => readSnapshot(db, 'default', { at: start })],
    ['the newest snapshot', (db) => readSnapshot(db, 'default', 'newest')],
    ['pruning a batch', (db) => pruneFacts(db, 'default', start + 1, 100)],
  ])('looks at little more than what it takes for %s', async (_, read) => {
    // An index looks a few more up than it shows; all of the log would be 20,000, and all of a token's 6,700.
    expect(await rowsLookedAt(read)).toBeLessThan(1000);
  });

  it('looks at the tokens of a moment alone, however many have gone before it and after it', async () => {
    await database.db.execute(sql`
      insert into past_tokens (pool, id, labels, ordinal, made_seq, gone_seq)
      select case when seq % 2 = 0 then 'default' else 'another' end, gen_random_uuid(), '{}', seq, seq, seq + 100
      from generate_series(1, ${facts}::int - 100) as seq`);
    let there = 0;
    const read = async (db: Drizzle) => {
      const found = await readSnapshot(db, 'default', { seq: facts / 2 });
      there = found !== null && 'tokens' in found ? found.tokens.length : 0;
    };
    const looked = await rowsLookedAt(read, 'past_tokens');
    expect(there).toBeGreaterThanOrEqual(50);
    expect(looked).toBeLessThan(1000);
    expect(looked).toBeGreaterThanOrEqual(50);
  });
});

async function rowsRead(db: Drizzle, table: string): Promise<number> {
  const [row] = await db
    .select({ rows: sql`seq_tup_read + coalesce(idx_tup_fetch, 0)`.mapWith(Number) })
    .from(sql`pg_stat_user_tables where relname = ${table}`);
  return row!.rows;
}
