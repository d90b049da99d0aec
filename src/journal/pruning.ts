/**
 * Pruning: the oldest facts go, and `pruned_tokens` keeps what they left behind, so that what remains can be
 * folded from there and chained to the last one that went. Knows neither when that is due nor how often.
 */
import { sql } from 'drizzle-orm';
import type { Drizzle } from './database.ts';
import { pools, prunedTokens, tokenEvents } from './schema.ts';

/**
 * Deletes the oldest facts that happened before the instant `before`, at most `most` of them, but never the newest
 * one of the log. Says how many it deleted.
 */
export async function pruneFacts(db: Drizzle, pool: string, before: number, most: number): Promise<number> {
  // One statement, so that the server ends it by itself: a process that is stopped in the midst of several would
  // keep whoever opens the pool next waiting for this row. Two at once go one after the other: what is read here may
  // be from before the first, but each row that is written is taken as the first has left it.
  const held = db
    .$with('held', { prunedSeq: sql<number>`pruned_seq` })
    .as(sql`select pruned_seq from ${pools} where pool = ${pool} for no key update`);
  const due = db.$with('due', { lastSeq: sql<number>`last_seq` }).as(sql`
    select coalesce(min(seq) filter (where at >= ${new Date(before).toISOString()}::timestamptz) - 1, max(seq)) as last_seq
    from (
      select seq, at from ${tokenEvents}
      where pool = ${pool} and seq > (select pruned_seq from held) and seq < ${newestSeq(pool)}
      order by seq limit ${most}::bigint
    ) as oldest`);
  const gone = db.$with('gone', { seq: sql<number>`seq` }).as(sql`
    delete from ${tokenEvents}
    where pool = ${pool} and seq > (select pruned_seq from held) and seq <= (select last_seq from due)
    returning *`);
  const folded = db.$with('folded', {}).as(foldGone(pool));
  const noted = db.$with('noted', {}).as(noteGone(pool));
  const [row] = await db.with(held, due, gone, folded, noted).select(deleted).from(gone);
  return row!.rows;
}

/** How many rows a statement deleted that may come back if the server crashes: nobody waits for the disk to have it. */
export const deleted = {
  rows: sql`count(*)`.mapWith(Number),
  unhurried: sql`set_config('synchronous_commit', 'off', true)`,
};

/** Of a table: so many deleted rows, and such a part of those that are left, are worth a pass over all of it. */
const deadRowsLeast = 20_000;
const deadRowsShare = 0.2;

/** Makes the room of deleted rows usable again, where there are many: what a server does by itself. */
export async function reuseRoom(db: Drizzle): Promise<void> {
  const due = sql`n_dead_tup > ${deadRowsLeast}::bigint + ${deadRowsShare}::float8 * n_live_tup`;
  const tables = await db.select({ name: sql<string>`relname` }).from(sql`pg_stat_user_tables`).where(due);
  for (const { name } of tables) await db.execute(sql`vacuum ${sql.identifier(name)}`);
}

/** Opening the pool goes on from it. */
const newestSeq = (pool: string) => sql`(select max(seq) from ${tokenEvents} where pool = ${pool})`;

/** The state of each token as the facts in `gone` left it. A renewal says only what it changes. */
const foldGone = (pool: string) => sql`
  insert into ${prunedTokens} (
    pool, id, status, user_id, lease_id, fence, activated_at, expires_at, ttl_ms, metadata, seq)
  select ${pool}, last.token_id, case when live then 'active' else 'available' end,
    case when live then last.user_id end, case when live then last.lease_id end, case when live then last.fence end,
    case when live then granted.at end, case when live then last.expires_at end,
    case when live then (extract(epoch from granted.expires_at - granted.at) * 1000)::bigint end,
    case when live then granted.metadata end, last.seq
  from (
    select distinct on (token_id) *, type in ('activated', 'renewed') as live
    from gone where token_id is not null order by token_id, seq desc
  ) as last
  left join gone as granted on granted.seq = last.fence
  on conflict (pool, id) do update set
    status = excluded.status, user_id = excluded.user_id, lease_id = excluded.lease_id, fence = excluded.fence,
    expires_at = excluded.expires_at, seq = excluded.seq,
    ${sql.join(ofTheGrant.map(unlessGrantedBefore), sql`, `)}`;

/** What only the grant says of a lease. */
const ofTheGrant = ['activated_at', 'ttl_ms', 'metadata'];

const unlessGrantedBefore = (column: string) =>
  sql.raw(
    `${column} = case when excluded.fence = pruned_tokens.fence then pruned_tokens.${column} else excluded.${column} end`,
  );

/** Where the log and its chain of digests begin now. Facts from before there were digests are not of the chain. */
const noteGone = (pool: string) => sql`
  update ${pools} set
    pruned_seq = last.seq,
    chain_seq = greatest(chain_seq, last.seq),
    chain_digest = case when last.seq > chain_seq then last.digest else chain_digest end
  from (select seq, digest from gone order by seq desc limit 1) as last
  where pool = ${pool}`;

/** The facts that are kept. Said to the database too: else it would look at each deleted one until it has cleaned up. */
export const isKept = (pool: string) =>
  sql`${tokenEvents.seq} > coalesce((select ${pools.prunedSeq} from ${pools} where ${pools.pool} = ${pool}), 0)`;
