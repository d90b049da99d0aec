/** Opening a pool: the fact that fences out whoever held it before, and the tokens as they stand. */
import { asc, desc, eq, sql } from 'drizzle-orm';
import type { TokenState } from '../lease/lease.ts';
import { chainStart, digestOf, digestOfTokens, type LoggedFact } from './chain.ts';
import type { Drizzle } from './database.ts';
import { pools, tokenEvents, tokens } from './schema.ts';
import { Damaged, type Opening, type OpenRequest, SizeMismatch } from './store.ts';

/**
 * Appends `opened`, with which the process that held the pool loses it, and reads every token: O(tokens),
 * however long the log is. Fails with a unique violation if another process appends at the same moment.
 */
export function openPool(db: Drizzle, pool: string, { at, size, newTokenId }: OpenRequest): Promise<Opening> {
  return db.transaction(async (tx) => {
    // A large pool takes longer than any read may.
    await tx.execute(sql`set local statement_timeout = 0`);
    const last = await newestFact(tx, pool);
    const before = await knownPool(tx, pool);
    const seq = (last?.seq ?? 0) + 1;
    const fact: LoggedFact = {
      ...emptyFact,
      seq,
      at: at({ database: await databaseNow(tx), last: last?.at ?? null }),
    };
    const digest = digestOf(last?.digest ?? chainStart, fact);
    await tx.insert(tokenEvents).values({ pool, ...fact, digest });
    if ((await checkSize(tx, pool, size)) === 0)
      await makeTokens(tx, pool, Array.from({ length: size }, newTokenId));
    if (before) await tx.update(pools).set({ openedSeq: seq }).where(eq(pools.pool, pool));
    else {
      const tokensDigest = digestOfTokens(await tokenIds(tx, pool));
      const chain = { chainSeq: last?.seq ?? 0, chainDigest: last?.digest ?? chainStart };
      await tx.insert(pools).values({ pool, openedSeq: seq, tokensDigest, ...chain });
    }
    const tokens = await readTokens(tx, pool);
    checkTail(pool, last?.seq ?? 0, Math.max(before?.openedSeq ?? 0, ...newest(tokens)));
    return { seq, digest, tokens };
  });
}

/** The seqs of the newest facts that the tokens know of: of the free ones and of those in use. */
function newest(tokens: readonly TokenState[]): number[] {
  const free = tokens.findLastIndex(({ lease }) => lease === null);
  return [tokens[free]?.seq ?? 0, tokens.at(-1)?.seq ?? 0];
}

/** Numbers that have been used would be used again: fences would not rise. */
function checkTail(pool: string, lastSeq: number, knownSeq: number): void {
  if (knownSeq > lastSeq)
    throw new Damaged(pool, `it ends at fact ${lastSeq}, but the tables know of fact ${knownSeq}`);
}

const emptyFact = {
  tokenId: null,
  type: 'opened',
  reason: 'pool_opened',
  userId: null,
  leaseId: null,
  fence: null,
  expiresAt: null,
  metadata: null,
} as const;

async function newestFact(db: Drizzle, pool: string) {
  const [last] = await db
    .select({ seq: tokenEvents.seq, at: tokenEvents.at, digest: tokenEvents.digest })
    .from(tokenEvents)
    .where(eq(tokenEvents.pool, pool))
    .orderBy(desc(tokenEvents.seq))
    .limit(1);
  return last;
}

async function databaseNow(db: Drizzle): Promise<number> {
  const now = sql<number>`extract(epoch from clock_timestamp()) * 1000`.mapWith(Number);
  const [row] = await db.select({ now }).from(sql`(select 1) as once`);
  return Math.floor(row!.now);
}

async function makeTokens(db: Drizzle, pool: string, ids: readonly string[]): Promise<void> {
  await db.execute(
    sql`insert into ${tokens} (pool, id, ordinal, status, seq)
        select ${pool}::text, id::uuid, ordinal, 'available', 0
        from json_array_elements_text(${JSON.stringify(ids)}::text::json) with ordinality as made(id, ordinal)`,
  );
}

/** How many tokens the pool has: `size`, or none before it is first opened. */
export async function checkSize(db: Drizzle, pool: string, size: number): Promise<number> {
  const stored = await db.$count(tokens, eq(tokens.pool, pool));
  const known = stored === size ? undefined : await knownPool(db, pool);
  if (known && known.tokensDigest !== digestOfTokens(await tokenIds(db, pool)))
    throw new Damaged(pool, 'its tokens are not those that it was made with');
  if (stored !== 0 && stored !== size) throw new SizeMismatch(pool, stored, size);
  return stored;
}

async function knownPool(db: Drizzle, pool: string) {
  const [known] = await db.select().from(pools).where(eq(pools.pool, pool));
  return known;
}

/** In the order of their making. */
async function tokenIds(db: Drizzle, pool: string): Promise<string[]> {
  const rows = await db
    .select({ id: tokens.id })
    .from(tokens)
    .where(eq(tokens.pool, pool))
    .orderBy(asc(tokens.ordinal));
  return rows.map(({ id }) => id);
}

async function readTokens(db: Drizzle, pool: string): Promise<TokenState[]> {
  const rows = await db
    .select()
    .from(tokens)
    .where(eq(tokens.pool, pool))
    .orderBy(desc(tokens.status), asc(tokens.seq), asc(tokens.ordinal));
  return rows.map(tokenState);
}

/** What a row of `tokens` says. */
export const tokenState = (row: Omit<typeof tokens.$inferSelect, 'ordinal'>): TokenState => ({
  tokenId: row.id,
  seq: row.seq,
  lease:
    row.status === 'available'
      ? null
      : {
          leaseId: row.leaseId!,
          userId: row.userId!,
          fence: row.fence!,
          activatedAt: row.activatedAt!,
          expiresAt: row.expiresAt!,
          ttlMs: row.ttlMs!,
          metadata: row.metadata,
        },
});
