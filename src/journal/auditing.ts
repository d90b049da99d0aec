/**
 * Reading a log to check it. The standing is of one moment, in a transaction that is over at once; the facts
 * follow in portions, each a read of its own: what has been committed up to the head does not change any more.
 */
import { and, asc, eq, gt, lte, type SQL, sql } from 'drizzle-orm';
import type { PgColumn } from 'drizzle-orm/pg-core';
import type { AuditedFact, Standing } from './audited.ts';
import type { Drizzle } from './database.ts';
import { pools, prunedTokens, tokenEvents, tokens } from './schema.ts';

/** Decoded by the database, and as double precision, which every driver takes for a number. */
const whole = (column: PgColumn): SQL<number> => sql<number>`${column}::float8`;
/** Milliseconds since 1970. Rounded: double precision is exact for seconds, but not for their thousandths. */
const instant = (column: PgColumn): SQL<number> => sql<number>`round(date_part('epoch', ${column}) * 1000)`;

const factColumns = {
  seq: whole(tokenEvents.seq),
  tokenId: tokenEvents.tokenId,
  type: tokenEvents.type,
  reason: tokenEvents.reason,
  userId: tokenEvents.userId,
  leaseId: tokenEvents.leaseId,
  fence: whole(tokenEvents.fence),
  at: instant(tokenEvents.at),
  expiresAt: instant(tokenEvents.expiresAt),
  metadata: tokenEvents.metadata,
  digest: tokenEvents.digest,
};

const stateColumns = (table: typeof tokens | typeof prunedTokens) => ({
  id: table.id,
  status: sql<string>`${table.status}`,
  userId: table.userId,
  leaseId: table.leaseId,
  fence: whole(table.fence),
  activatedAt: instant(table.activatedAt),
  expiresAt: instant(table.expiresAt),
  ttlMs: whole(table.ttlMs),
  metadata: table.metadata,
  seq: whole(table.seq),
});

export function readStanding(db: Drizzle, pool: string): Promise<Standing> {
  return db.transaction(
    async (tx) => {
      // A large pool takes longer than any other read may.
      await tx.execute(sql`set local statement_timeout = 0`);
      const [head] = await tx
        .select({ seq: sql<number | null>`max(${tokenEvents.seq})::float8` })
        .from(tokenEvents)
        .where(eq(tokenEvents.pool, pool));
      const [known] = await tx.select().from(pools).where(eq(pools.pool, pool));
      return {
        headSeq: head!.seq,
        pool: known ?? null,
        tokens: await tx
          .select({ ...stateColumns(tokens), ordinal: tokens.ordinal })
          .from(tokens)
          .where(eq(tokens.pool, pool))
          .orderBy(asc(tokens.ordinal), asc(tokens.id)),
        prunedTokens: await tx
          .select(stateColumns(prunedTokens))
          .from(prunedTokens)
          .where(eq(prunedTokens.pool, pool)),
      };
    },
    { isolationLevel: 'repeatable read', accessMode: 'read only' },
  );
}

export function readPortion(
  db: Drizzle,
  pool: string,
  afterSeq: number | null,
  headSeq: number,
  most: number,
): Promise<AuditedFact[]> {
  const { seq } = tokenEvents;
  return db
    .select(factColumns)
    .from(tokenEvents)
    .where(
      and(eq(tokenEvents.pool, pool), afterSeq === null ? undefined : gt(seq, afterSeq), lte(seq, headSeq)),
    )
    .orderBy(asc(seq))
    .limit(most) as Promise<AuditedFact[]>;
}
