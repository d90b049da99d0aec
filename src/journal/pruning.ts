/**
 * Pruning: the oldest facts go, and `pruned_tokens` keeps what they left behind, so that what remains can be
 * folded from there and chained to the last one that went. Knows neither when that is due nor how often.
 */
import { type SQL, sql } from 'drizzle-orm';
import type { Drizzle } from './database.ts';
import { pastTokens, pools, prunedTokens, tokenEvents } from './schema.ts';

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
  const closed = db
    .$with('closing', {})
    .as(sql`select max(seq) filter (where type = 'closed') as seq from gone`);
  const folded = db.$with('folded', {}).as(foldGone(pool));
  const dropped = db.$with('dropped', {}).as(dropGone(pool));
  const forgotten = db.$with('forgotten', {}).as(forgetGone(pool));
  const noted = db.$with('noted', {}).as(noteGone(pool));
  const [row] = await db
    .with(held, due, gone, closed, folded, dropped, forgotten, noted)
    .select(deleted)
    .from(gone);
  return row!.rows;
}

/** The pools with facts before the instant `before` that can go: in each, a look at the oldest that there is. */
export async function poolsDue(db: Drizzle, before: number): Promise<string[]> {
  const rows = await db
    .select({ pool: pools.pool })
    .from(pools)
    .where(
      sql`exists (
        select from (
          select seq, at from ${tokenEvents}
          where pool = ${pools.pool} and seq > ${pools.prunedSeq} order by seq limit 1
        ) as oldest
        where at < ${new Date(before).toISOString()}::timestamptz
          and exists (select from ${tokenEvents} where pool = ${pools.pool} and seq > oldest.seq))`,
    )
    .orderBy(pools.pool);
  return rows.map(({ pool }) => pool);
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

/**
 * The state of each token as the facts in `gone` left it, where it is there still. Of its lease, and of its being
 * withdrawn, null says nothing: the facts before have. A renewal says only what it changes.
 */
const foldGone = (pool: string) => sql`
  insert into ${prunedTokens} (
    pool, id, status, user_id, lease_id, fence, activated_at, expires_at, ttl_ms, metadata,
    rests_until, kept_until, withdrawn, withdrawn_note, name, labels, seq)
  select ${pool}, newest.token_id, case when live then 'active' when not live then 'available' end,
    case when live then used.user_id end, case when live then used.lease_id end, case when live then used.fence end,
    case when live then granted.at end, case when live then used.expires_at end,
    case when live then (extract(epoch from granted.expires_at - granted.at) * 1000)::bigint end,
    case when live then granted.metadata end,
    ${untilOf('rests_until')}, ${untilOf('kept_until')},
    turned.type = 'withdrawn', case when turned.type = 'withdrawn' then turned.metadata ->> 'note' end,
    created.metadata ->> 'name', case when created.seq is not null then coalesce(created.metadata -> 'labels', '{}') end,
    newest.seq
  from (${newestOf(sql`true`)}) as newest
  left join (
    select *, type in ('activated', 'renewed') as live
    from (${newestOf(sql`type in ('activated', 'renewed', 'released', 'expired')`)}) as of_lease
  ) as used on used.token_id = newest.token_id
  left join (${newestOf(sql`type in ('withdrawn', 'restored')`)}) as turned on turned.token_id = newest.token_id
  left join gone as granted on granted.seq = used.fence
  left join (${newestOf(sql`type = 'created'`)}) as created on created.token_id = newest.token_id
  where newest.type <> 'deleted'
  on conflict (pool, id) do update set ${sql.raw(updates())}`;

/** Of each token, the newest of those facts in `gone` that came after the pool was last closed. */
const newestOf = (which: SQL) => sql`
  select distinct on (token_id) * from gone
  where token_id is not null and seq > coalesce((select seq from closing), 0) and ${which}
  order by token_id, seq desc`;

/** Each fact says it anew; but what goes with a lease is its user's. */
const untilOf = (name: string) =>
  sql.raw(
    `case when newest.type not in ('activated', 'renewed') then (newest.metadata ->> '${name}')::timestamptz end`,
  );

function updates(): string {
  const kept = (column: string) => `pruned_tokens.${column}`;
  const lease = (column: string) =>
    `case when excluded.status is null then ${kept(column)} else excluded.${column} end`;
  // What only the grant says of it, unless that was pruned before.
  const grant = (column: string) =>
    `case when excluded.status is null or excluded.fence = pruned_tokens.fence then ${kept(column)} else excluded.${column} end`;
  const set = {
    ...each(['user_id', 'lease_id', 'fence', 'expires_at'], lease),
    ...each(['activated_at', 'ttl_ms', 'metadata'], grant),
    ...each(['status', 'withdrawn', 'labels'], (column) => `coalesce(excluded.${column}, ${kept(column)})`),
    withdrawn_note: `case when excluded.withdrawn is null then ${kept('withdrawn_note')} else excluded.withdrawn_note end`,
    name: `case when excluded.labels is null then ${kept('name')} else excluded.name end`,
    ...each(['rests_until', 'kept_until', 'seq'], (column) => `excluded.${column}`),
  };
  return Object.entries(set)
    .map(([column, value]) => `${column} = ${value}`)
    .join(', ');
}

const each = (columns: readonly string[], value: (column: string) => string): Record<string, string> =>
  Object.fromEntries(columns.map((column) => [column, value(column)]));

/** Tokens that are no more, by themselves or with their pool. */
const dropGone = (pool: string) => sql`
  delete from ${prunedTokens} where pool = ${pool} and (
    (select seq from closing) is not null
    or id in (select token_id from gone where type = 'deleted'))`;

/** Nobody can look at a moment any more at which they were there. */
const forgetGone = (pool: string) => sql`
  delete from ${pastTokens} where pool = ${pool} and gone_seq <= (select max(seq) from gone)`;

/**
 * Where the log and its chain of digests begin now, and with what of a pool. Facts from before there were digests are
 * not of the chain.
 */
const noteGone = (pool: string) => sql`
  update ${pools} set
    pruned_seq = last.seq,
    chain_seq = greatest(chain_seq, last.seq),
    chain_digest = case when last.seq > chain_seq then last.digest else chain_digest end,
    pruned_size = case when closed_seq is null then pruned_size else 0 end + come - went,
    pruned_ordinal = pruned_ordinal + numbered,
    pruned_options = case when ruled.seq is null then pruned_options else ruled.metadata end
  from (select seq, digest from gone order by seq desc limit 1) as last
  cross join (
    select max(closing.seq) as closed_seq,
      coalesce(sum(made) filter (where gone.seq > coalesce(closing.seq, 0)), 0) as come,
      count(*) filter (where type = 'deleted' and gone.seq > coalesce(closing.seq, 0)) as went,
      coalesce(sum(made), 0) as numbered
    from (
      select seq, type, case
        when type = 'created' then 1
        when type = 'opened' and metadata ->> 'membership' = 'fixed' then (metadata ->> 'size')::bigint
        else 0 end as made
      from gone
    ) as gone cross join closing
  ) as moved
  left join lateral (
    select seq, metadata from gone
    where type in ('changed', 'closed') or (type = 'opened' and metadata is not null)
    order by seq desc limit 1
  ) as ruled on true
  where pool = ${pool}`;

/** The facts that are kept. Said to the database too: else it would look at each deleted one until it has cleaned up. */
export const isKept = (pool: string) =>
  sql`${tokenEvents.seq} > coalesce((select ${pools.prunedSeq} from ${pools} where ${pools.pool} = ${pool}), 0)`;
