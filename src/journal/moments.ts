/** Finding a moment of a log: which facts there are, which one an instant means, and when one happened. */
import { and, eq, type SQL, sql } from 'drizzle-orm';
import type { Span } from '../lease/picture.ts';
import type { Drizzle } from './database.ts';
import { isKept } from './pruning.ts';
import { pools, tokenEvents } from './schema.ts';

/** What the log can be asked for; null where there is none. */
export async function readSpan(db: Drizzle, pool: string): Promise<Span | null> {
  const [span] = await db
    .select({
      head: sql<
        number | null
      >`(select max(${tokenEvents.seq}) from ${tokenEvents} where ${tokenEvents.pool} = ${pool})::float8`,
      pruned: sql<number>`coalesce((select ${pools.prunedSeq} from ${pools} where ${pools.pool} = ${pool}), 0)::float8`,
    })
    .from(sql`(select 1) as once`);
  const { head, pruned } = span!;
  return head === null ? null : { oldestSeq: pruned + 1, headSeq: head };
}

/** The newest fact at or before the instant; null where the log does not reach back so far. Time never runs backwards in it. */
export async function seqAt(db: Drizzle, pool: string, instant: number, span: Span): Promise<number | null> {
  const isBy = (seq: SQL) => sql`coalesce((
    select at <= ${new Date(instant).toISOString()}::timestamptz from ${tokenEvents}
    where pool = ${pool} and seq = ${seq}), false)`;
  const [found] = await db.select({ seq: sql<number | null>`low::float8` }).from(
    sql`(
        with recursive search(low, high) as (
          select ${span.oldestSeq - 1}::bigint, ${span.headSeq}::bigint
          union all
          select case when is_by then middle else low end, case when is_by then high else middle - 1 end
          from (select low, high, (low + high + 1) / 2 as middle from search where low < high) as halved
          cross join lateral (select ${isBy(sql`middle`)} as is_by) as probe
        )
        select low from search where low = high) as found`,
  );
  const seq = found?.seq ?? null;
  return seq === null || seq < span.oldestSeq ? null : seq;
}

/** The fact, if it is kept. */
export async function readFact(
  db: Drizzle,
  pool: string,
  seq: number,
): Promise<{ seq: number; at: number } | null> {
  const [fact] = await db
    .select({ seq: tokenEvents.seq, at: tokenEvents.at })
    .from(tokenEvents)
    .where(and(eq(tokenEvents.pool, pool), eq(tokenEvents.seq, seq), isKept(pool)));
  return fact ?? null;
}
