/** Opening a pool: the fact that fences out whoever held it before, and the tokens as they stand. */
import { asc, desc, eq, sql } from 'drizzle-orm';
import type { TokenState } from '../lease/lease.ts';
import type { Drizzle } from './database.ts';
import { tokenEvents, tokens } from './schema.ts';

export interface OpenRequest {
  at: number;
  /** How many tokens the pool has; they are made when it is opened for the first time. */
  size: number;
  newTokenId: () => string;
}

export interface Opening {
  /** The seq of the `opened` fact. */
  seq: number;
  /** The free ones first, then those with a lease, each in the order in which they were last freed or used. */
  tokens: TokenState[];
}

/** A pool's size is part of the pool, not of the process that opens it. */
export class SizeMismatch extends Error {
  constructor(pool: string, stored: number, asked: number) {
    super(
      `pool '${pool}' has ${stored} tokens, but POOL_SIZE is ${asked}: a fixed pool keeps its tokens. ` +
        `Set POOL_SIZE=${stored}, or use another database or DATA_DIR`,
    );
  }
}

/**
 * Appends `opened`, with which the process that held the pool loses it, and reads every token: O(tokens),
 * however long the log is. Fails with a unique violation if another process appends at the same moment.
 */
export function openPool(db: Drizzle, pool: string, { at, size, newTokenId }: OpenRequest): Promise<Opening> {
  return db.transaction(async (tx) => {
    // A large pool takes longer than any read may.
    await tx.execute(sql`set local statement_timeout = 0`);
    const [last] = await tx
      .select({ seq: tokenEvents.seq })
      .from(tokenEvents)
      .where(eq(tokenEvents.pool, pool))
      .orderBy(desc(tokenEvents.seq))
      .limit(1);
    const seq = (last?.seq ?? 0) + 1;
    await tx.insert(tokenEvents).values({ pool, seq, type: 'opened', reason: 'pool_opened', at });
    if ((await checkSize(tx, pool, size)) === 0) {
      const ids = JSON.stringify(Array.from({ length: size }, newTokenId));
      await tx.execute(
        sql`insert into ${tokens} (pool, id, ordinal, status, seq)
            select ${pool}::text, id::uuid, ordinal, 'available', 0
            from json_array_elements_text(${ids}::text::json) with ordinality as made(id, ordinal)`,
      );
    }
    return { seq, tokens: await readTokens(tx, pool) };
  });
}

/** How many tokens the pool has: `size`, or none before it is first opened. */
export async function checkSize(db: Drizzle, pool: string, size: number): Promise<number> {
  const stored = await db.$count(tokens, eq(tokens.pool, pool));
  if (stored !== 0 && stored !== size) throw new SizeMismatch(pool, stored, size);
  return stored;
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
export const tokenState = (row: typeof tokens.$inferSelect): TokenState => ({
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
