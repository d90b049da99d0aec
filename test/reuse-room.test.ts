/** An embedded database that is pruned does not grow, though it has no server that would clean up. */
import { sql } from 'drizzle-orm';
import { expect, it } from 'vitest';
import type { Database } from '../src/journal/database.ts';
import { emptyDatabase, openJournal } from './support/journal.ts';
import { start, twoMinutes } from './support/world.ts';

const facts = 25_000;

it('takes no more room, however often as many facts come and go', async () => {
  const database = await emptyDatabase('pglite');
  const { whole, opening } = await openJournal(database);
  const { tokenId } = opening.tokens[0]!;
  const pruneAll = async () => {
    while ((await whole.upkeep.prune('default', start + twoMinutes, 1000)) > 0) {
      // Counted once a second otherwise.
      await database.db.execute(sql`select pg_stat_force_next_flush()`);
    }
  };
  await fill(database, 2, tokenId);
  await pruneAll();
  const before = await bytesOf(database);
  for (let round = 1; round <= 4; round++) {
    await fill(database, 2 + round * facts, tokenId);
    await pruneAll();
  }
  expect((await bytesOf(database)) / before).toBeLessThan(2);
});

/** Facts that nothing is said about but that they take room. */
async function fill({ db }: Database, from: number, tokenId: string): Promise<void> {
  await db.execute(sql`
    insert into token_events (pool, seq, token_id, type, reason, user_id, lease_id, fence, at, expires_at)
    select 'default', seq, ${tokenId}::uuid, 'released', 'cleanup', 'ada', gen_random_uuid(), seq,
      to_timestamp(${start / 1000}::float8), to_timestamp(${start / 1000}::float8)
    from generate_series(${from}::bigint, ${from + facts - 1}::bigint) as seq`);
}

async function bytesOf({ db }: Database): Promise<number> {
  const [row] = await db
    .select({ bytes: sql`pg_total_relation_size('token_events')`.mapWith(Number) })
    .from(sql`(select 1) as once`);
  return row!.bytes;
}
