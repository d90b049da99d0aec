/** Opening the pools of a database, all in one transaction: O(tokens), however long their logs are. */
import { desc, eq, sql } from 'drizzle-orm';
import { prepareAppend } from './append.ts';
import { poolsOfLogs } from './auditing.ts';
import { chainStart } from './chain.ts';
import type { Drizzle } from './database.ts';
import { openingOf, type StoredPool } from './opening.ts';
import { openings, pools, tokenEvents, tokens } from './schema.ts';
import type { Opening, OpenRequest } from './store.ts';
import { tokenState } from './token-state.ts';

/** As `Store` promises. Waits for the append that is under way, and lets no other through. */
export function openPools(db: Drizzle, request: OpenRequest): Promise<Opening> {
  return db.transaction(async (tx) => {
    // Many tokens take longer than any read may.
    await tx.execute(sql`set local statement_timeout = 0`);
    // First: what is read from here on can be changed by nobody else until this is done.
    const number = await nextOpening(tx);
    const { entries, opening, adopted } = openingOf(await readPools(tx), request, await databaseNow(tx));
    await prepareAppend(tx)(entries, number);
    for (const pool of adopted) await adopt(tx, pool);
    return { number, ...opening };
  });
}

async function nextOpening(db: Drizzle): Promise<number> {
  const [row] = await db
    .insert(openings)
    .values({ number: 1 })
    .onConflictDoUpdate({ target: openings.only, set: { number: sql`${openings.number} + 1` } })
    .returning();
  return row!.number;
}

async function databaseNow(db: Drizzle): Promise<number> {
  const now = sql<number>`extract(epoch from clock_timestamp()) * 1000`.mapWith(Number);
  const [row] = await db.select({ now }).from(sql`(select 1) as once`);
  return Math.floor(row!.now);
}

async function readPools(db: Drizzle): Promise<StoredPool[]> {
  const stored = new Map<string, StoredPool>();
  for (const { pool, seq, at, digest } of await readEnds(db))
    stored.set(pool, {
      pool,
      known: null,
      last: seq === null ? null : { seq, at: at!, digest: digest! },
      tokens: [],
    });
  for (const known of await db.select().from(pools)) stored.get(known.pool)!.known = known;
  const rows = await db
    .select()
    .from(tokens)
    .orderBy(tokens.pool, sql`${tokens.status} = 'active'`, tokens.seq, tokens.ordinal);
  for (const row of rows) {
    const { name, labels, ordinal, madeSeq } = row;
    const pool = stored.get(row.pool) ?? { pool: row.pool, known: null, last: null, tokens: [] };
    stored.set(row.pool, pool);
    pool.tokens.push({ ...tokenState(row), name, labels, ordinal, madeSeq });
  }
  return [...stored.values()];
}

/** The newest fact of each pool that has a log, or that something else is known of. */
async function readEnds(db: Drizzle) {
  const last = db
    .select({ seq: tokenEvents.seq, at: tokenEvents.at, digest: tokenEvents.digest })
    .from(tokenEvents)
    .where(sql`${tokenEvents.pool} = names.pool`)
    .orderBy(desc(tokenEvents.seq))
    .limit(1)
    .as('last');
  return db
    .select({ pool: sql<string>`names.pool`, seq: last.seq, at: last.at, digest: last.digest })
    .from(sql`(${poolsOfLogs} union select pool from ${pools}) as names`)
    .leftJoinLateral(last, sql`true`);
}

/** Of a pool that is older than its options: from the beginning of its log on it has had the tokens that it has. */
async function adopt(db: Drizzle, { pool, known, last, tokens }: StoredPool): Promise<void> {
  const base = { prunedSize: tokens.length, prunedOrdinal: tokens.length };
  const chain = { chainSeq: last?.seq ?? 0, chainDigest: last?.digest ?? chainStart };
  await db
    .update(pools)
    .set(known ? base : { ...base, ...chain })
    .where(eq(pools.pool, pool));
}
