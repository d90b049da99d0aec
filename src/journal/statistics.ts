/** Counting what happened in the hour before a fact: in the database, and no more facts than a part of a second takes. */
import { type SQL, sql } from 'drizzle-orm';
import type { Span } from '../lease/picture.ts';
import { type Bucket, bucketMs, heldBoundsMs, type Statistics, windowMs } from '../lease/statistics.ts';
import type { Drizzle } from './database.ts';
import { readFact, readSpan, seqAt } from './moments.ts';
import { tokenEvents } from './schema.ts';
import { readMoment } from './snapshot.ts';

/** An embedded database answers nobody else while it counts these. */
const factsMost = 20_000;

/** Of the newest fact where none is named. Only what there is to look at where that one is not kept; null where there is no log. */
export async function readStatistics(
  db: Drizzle,
  pool: string,
  asked: number | null,
): Promise<Statistics | Span | null> {
  const span = await readSpan(db, pool);
  if (span === null) return null;
  const seq = asked ?? span.headSeq;
  const moment = await readMoment(db, pool, seq, span);
  if (moment === null) return readSpan(db, pool);
  const to = moment.at;
  const { after, from, complete } = await windowOf(db, pool, seq, to, span);
  const rows = await countedIn(db, pool, after, seq, to);
  const active = moment.tokens.filter(({ lease }) => lease !== null).length;
  return {
    seq,
    from,
    to,
    complete,
    facts: rows.reduce((sum, { facts }) => sum + facts, 0),
    buckets: bucketsOf(rows, active, from, to),
    held: heldIn(await heldFor(db, pool, after, seq)),
  };
}

/** The facts of it are those after `after`. Before the first fact there was nothing to count. */
async function windowOf(db: Drizzle, pool: string, seq: number, to: number, span: Span) {
  const begin = to - windowMs;
  const last = await seqAt(db, pool, begin, span);
  const isWhole = last !== null || span.oldestSeq === 1;
  const after = Math.max(last ?? span.oldestSeq - 1, seq - factsMost);
  if (isWhole && after === (last ?? 0)) return { after, from: begin, complete: true };
  const first = await readFact(db, pool, after + 1);
  return { after, from: Math.max(begin, (first?.at ?? begin) - 1), complete: false };
}

interface Counted {
  minute: number;
  facts: number;
  activated: number;
  evicted: number;
  released: number;
  expired: number;
}

const among = (pool: string, after: number, seq: number) =>
  sql`pool = ${pool} and seq > ${after}::bigint and seq <= ${seq}::bigint`;

/** By minutes before `to`. */
function countedIn(db: Drizzle, pool: string, after: number, seq: number, to: number): Promise<Counted[]> {
  const counted = (which: SQL) => sql`count(*) filter (where ${which})`.mapWith(Number);
  const evicted = sql`reason in ('lru_eviction', 'oldest_eviction')`;
  const end = sql`${new Date(to).toISOString()}::timestamptz`;
  return db
    .select({
      minute: sql`floor(date_part('epoch', ${end} - at) * 1000 / ${bucketMs}::float8)`.mapWith(Number),
      facts: counted(sql`true`),
      activated: counted(sql`type = 'activated'`),
      evicted: counted(sql`type = 'released' and ${evicted}`),
      released: counted(sql`type = 'released' and not ${evicted}`),
      expired: counted(sql`type = 'expired'`),
    })
    .from(sql`${tokenEvents}`)
    .where(among(pool, after, seq))
    .groupBy(sql`1`);
}

/** What was live at the end of each minute follows, backwards, from what was live at the end of the last. */
function bucketsOf(rows: readonly Counted[], active: number, from: number, to: number): Bucket[] {
  const byMinute = new Map(rows.map((row) => [row.minute, row]));
  const buckets: Bucket[] = [];
  let live = active;
  for (let minute = 0; minute < windowMs / bucketMs; minute++) {
    const at = to - minute * bucketMs;
    if (at <= from) break;
    const { activated, evicted, released, expired } = byMinute.get(minute) ?? nothing;
    buckets.unshift({ at, active: live, activated, evicted, released, expired });
    live -= activated - evicted - released - expired;
  }
  return buckets;
}

const nothing = { activated: 0, evicted: 0, released: 0, expired: 0 };

/** How many leases ended in each column; those whose grant is no longer kept are in none. */
async function heldFor(db: Drizzle, pool: string, after: number, seq: number): Promise<Map<number, number>> {
  const bounds = sql.raw(`array[${heldBoundsMs.join()}]::float8[]`);
  const endedAt = sql`case when ended.type = 'expired' then ended.expires_at else ended.at end`;
  const heldMs = sql`round(date_part('epoch', ${endedAt} - granted.at) * 1000)`;
  const rows = await db
    .select({
      // A bound belongs to the column below it: it is of whole milliseconds.
      column: sql`width_bucket((${heldMs} - 1)::float8, ${bounds})`.mapWith(Number),
      leases: sql`count(*)`.mapWith(Number),
    })
    .from(
      sql`(select token_id, type, at, expires_at, fence from ${tokenEvents}
          where ${among(pool, after, seq)} and type in ('released', 'expired') offset 0) as ended
        cross join lateral (
          select at from ${tokenEvents}
          where pool = ${pool} and token_id = ended.token_id and seq = ended.fence limit 1
        ) as granted`,
    )
    .groupBy(sql`1`);
  return new Map(rows.map(({ column, leases }) => [column, leases]));
}

const heldIn = (leases: ReadonlyMap<number, number>): Statistics['held'] =>
  [...heldBoundsMs, null].map((upToMs, column) => ({ upToMs, leases: leases.get(column) ?? 0 }));
