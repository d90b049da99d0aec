/**
 * Reading a log to check it. The standing is of one moment, in a transaction that is over at once; the facts
 * follow in portions, each a read of its own: what has been committed up to the head does not change any more.
 */
import { and, asc, eq, gt, lte, type SQL, sql } from 'drizzle-orm';
import type { PgColumn } from 'drizzle-orm/pg-core';
import type { Json } from '../lease/lease.ts';
import type { AuditedFact, Standing } from './audited.ts';
import type { Drizzle } from './database.ts';
import { openings, pools, prunedTokens, tokenEvents, tokens } from './schema.ts';

/** Decoded by the database, and as double precision, which every driver takes for a number. */
const whole = (column: PgColumn): SQL<number> => sql<number>`${column}::float8`;
/** Milliseconds since 1970. Rounded: double precision is exact for seconds, but not for their thousandths. */
const instant = (column: PgColumn): SQL<number> => sql<number>`round(date_part('epoch', ${column}) * 1000)`;

/** Named as in code, so that a row is a fact as it comes: there may be millions, and each look at one costs. */
const factColumns = sql`
  ${whole(tokenEvents.seq)} as seq,
  ${tokenEvents.tokenId} as "tokenId",
  ${tokenEvents.type} as type,
  ${tokenEvents.reason} as reason,
  ${tokenEvents.userId} as "userId",
  ${tokenEvents.leaseId} as "leaseId",
  ${whole(tokenEvents.fence)} as fence,
  ${instant(tokenEvents.at)} as at,
  ${instant(tokenEvents.expiresAt)} as "expiresAt",
  ${tokenEvents.metadata} as metadata,
  ${tokenEvents.digest} as digest`;

const stateColumns = <T extends typeof tokens | typeof prunedTokens>(table: T) => ({
  id: table.id,
  status: sql<string | null>`${table.status}`,
  userId: table.userId,
  leaseId: table.leaseId,
  fence: whole(table.fence),
  activatedAt: instant(table.activatedAt),
  expiresAt: instant(table.expiresAt),
  ttlMs: whole(table.ttlMs),
  metadata: table.metadata,
  restsUntil: instant(table.restsUntil),
  keptUntil: instant(table.keptUntil),
  withdrawn: sql<boolean | null>`${table.withdrawn}`,
  withdrawnNote: table.withdrawnNote,
  name: table.name,
  labels: sql<Json>`${table.labels}`,
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
      const [opened] = await tx.select({ number: whole(openings.number) }).from(openings);
      return {
        openings: opened?.number ?? null,
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

export async function readPortion(
  db: Drizzle,
  pool: string,
  afterSeq: number | null,
  headSeq: number,
  most: number,
): Promise<AuditedFact[]> {
  const next = (afterSeq ?? 0) + 1;
  const facts = afterSeq === null ? [] : await readFrom(db, pool, next, Math.min(afterSeq + most, headSeq));
  if (facts.length > 0) return facts;
  const first = await firstSeq(db, pool, afterSeq, headSeq);
  return first === null ? [] : readFrom(db, pool, first, Math.min(first + most - 1, headSeq));
}

/** By both ends, not by their number: where statistics are missing, the database would sort all the rest of the log. */
async function readFrom(db: Drizzle, pool: string, first: number, last: number): Promise<AuditedFact[]> {
  const { seq } = tokenEvents;
  const answer: unknown = await db.execute(
    sql`select ${factColumns} from ${tokenEvents}
        where ${tokenEvents.pool} = ${pool} and ${seq} between ${first}::bigint and ${last}::bigint
        order by ${seq}`,
  );
  // The one driver gives the rows, the other something that has them.
  return (Array.isArray(answer) ? answer : (answer as { rows: unknown }).rows) as AuditedFact[];
}

/** Of the facts that there are: where some are missing, of those that follow. */
async function firstSeq(
  db: Drizzle,
  pool: string,
  afterSeq: number | null,
  headSeq: number,
): Promise<number | null> {
  const { seq } = tokenEvents;
  const [first] = await db
    .select({ seq: sql<number | null>`min(${seq})::float8` })
    .from(tokenEvents)
    .where(
      and(eq(tokenEvents.pool, pool), afterSeq === null ? undefined : gt(seq, afterSeq), lte(seq, headSeq)),
    );
  return first!.seq;
}

/** The names of all pools that there is anything of, in their order. */
export async function readPoolNames(db: Drizzle): Promise<string[]> {
  const rows = await db
    .select({ pool: sql<string>`pool` })
    .from(sql`(
      select pool from ${pools} union ${poolsOfLogs}
      union select pool from ${tokens} union select pool from ${prunedTokens}
    ) as names`)
    .orderBy(sql`pool`);
  return rows.map(({ pool }) => pool);
}

/** The pools that have logs. Goes from one to the next by the index, for there may be millions of facts. */
export const poolsOfLogs = sql`(
  with recursive logs as (
    select min(pool) as pool from ${tokenEvents}
    union all
    select (select min(pool) from ${tokenEvents} where pool > logs.pool) from logs where pool is not null
  )
  select pool from logs where pool is not null)`;
