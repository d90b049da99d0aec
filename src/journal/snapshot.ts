/**
 * A pool as it was after any fact of its log. What a token was then follows from a few of its facts, the newest ones up
 * to that one, each found by an index: the log may be as long as it likes, and so may what came before and after.
 */
import { asc, eq, type SQL, sql } from 'drizzle-orm';
import type { Json, Labels } from '../lease/lease.ts';
import { type Moment, type PicturedToken, type Snapshot, type Span, shown, waits } from '../lease/picture.ts';
import type { Drizzle } from './database.ts';
import { readFact, readSpan, seqAt } from './moments.ts';
import { isKept } from './pruning.ts';
import { pastTokens, pools, prunedTokens, tokenEvents, tokens } from './schema.ts';
import { tokenState } from './token-state.ts';

/** Of so many tokens at a time: an embedded database answers nobody else meanwhile. */
const portion = 1000;

/** What an instant is read as; double precision is exact for seconds, but not for their thousandths. */
const epochMs = (of: SQL) => sql<number | null>`round(date_part('epoch', ${of}) * 1000)::float8`;
const whole = (of: SQL) => sql<number | null>`${of}::float8`;

/** As it was at the moment, or what there is to look at instead. null where there is no log. */
export async function readSnapshot(
  db: Drizzle,
  pool: string,
  moment: Moment,
): Promise<Snapshot | Span | null> {
  if (moment === 'newest') return readNewest(db, pool);
  const span = await readSpan(db, pool);
  if (span === null) return null;
  const seq = 'seq' in moment ? moment.seq : await seqAt(db, pool, moment.at, span);
  return (seq === null ? null : await readMoment(db, pool, seq, span)) ?? readSpan(db, pool);
}

/** As it is now: the tokens as the table has them, and the newest fact, both of one moment. */
function readNewest(db: Drizzle, pool: string): Promise<Snapshot | null> {
  return atLength(db, async (tx) => {
    const span = await readSpan(tx, pool);
    const fact = span && (await readFact(tx, pool, span.headSeq));
    if (!fact) return null;
    const [known] = await tx.select({ options: pools.options }).from(pools).where(eq(pools.pool, pool));
    const rows = await tx
      .select()
      .from(tokens)
      .where(eq(tokens.pool, pool))
      .orderBy(asc(tokens.madeSeq), asc(tokens.ordinal));
    const pictured = rows.map((row): PicturedToken => {
      const { seq: usedSeq, lease, ...token } = tokenState(row);
      return { ...token, usedSeq, lease: lease && leaseOf(lease) };
    });
    return { ...span!, ...fact, options: optionsOf(known?.options ?? null), tokens: pictured };
  });
}

/** All of it is of one moment. A large pool takes longer than any other read may. */
const atLength = <T>(db: Drizzle, read: (tx: Drizzle) => Promise<T>): Promise<T> =>
  db.transaction(
    async (tx) => {
      await tx.execute(sql`set local statement_timeout = 0`);
      return read(tx);
    },
    { isolationLevel: 'repeatable read', accessMode: 'read only' },
  );

const leaseOf = ({ userId, fence, activatedAt, expiresAt }: NonNullable<PicturedToken['lease']>) => ({
  userId,
  fence,
  activatedAt,
  expiresAt,
});

/**
 * As it was after the fact `seq`, which must be kept still when all has been read: facts that have been pruned meanwhile
 * take along what was true at them. null where it is not.
 */
export async function readMoment(
  db: Drizzle,
  pool: string,
  seq: number,
  span: Span,
): Promise<Snapshot | null> {
  const fact = await readFact(db, pool, seq);
  if (fact === null) return null;
  const options = await readOptionsAt(db, pool, seq);
  const pictured: PicturedToken[] = [];
  const there = await atLength(db, (tx) => readTokensAt(tx, pool, seq));
  for (let first = 0; first < there.length; first += portion)
    pictured.push(...(await readStates(db, pool, seq, there.slice(first, first + portion))));
  const after = await readSpan(db, pool);
  if (after === null || after.oldestSeq > seq) return null;
  return { ...span, ...fact, options, tokens: pictured };
}

/** As they are written; the facts of the pool itself stand together in the index by token, which they have none of. */
async function readOptionsAt(db: Drizzle, pool: string, seq: number): Promise<Json> {
  const [ruled] = await db
    .select({ metadata: tokenEvents.metadata })
    .from(tokenEvents)
    .where(
      sql`${tokenEvents.pool} = ${pool} and ${tokenEvents.tokenId} is null and ${tokenEvents.seq} <= ${seq}::bigint
        and ${isKept(pool)} and (${tokenEvents.type} <> 'opened' or ${tokenEvents.metadata} is not null)`,
    )
    // In the order of that index, which no other has: there are fewer of these than the database takes them for.
    .orderBy(sql`${tokenEvents.tokenId} desc, ${tokenEvents.seq} desc`)
    .limit(1);
  if (ruled !== undefined) return optionsOf(ruled.metadata);
  const [known] = await db.select({ options: pools.prunedOptions }).from(pools).where(eq(pools.pool, pool));
  return optionsOf(known?.options ?? null);
}

const optionsOf = (stored: Json): Json => (stored === null ? null : shown(stored));

interface ThereThen {
  id: string;
  name: string | null;
  labels: Labels;
}

/** The tokens that there were after the fact, in the order of their making. */
function readTokensAt(db: Drizzle, pool: string, seq: number): Promise<ThereThen[]> {
  const moment = sql`${seq}::bigint`;
  // The inner one first, by the index of lives alone: of all tokens of all pools that there were, a look at each of them.
  const past = sql`
    select * from (
      select * from ${pastTokens} where int8range(made_seq, gone_seq) @> ${moment} offset 0
    ) as living where pool = ${pool}`;
  return db
    .select({ id: sql<string>`id`, name: sql<string | null>`name`, labels: sql<Labels>`labels` })
    .from(
      sql`(
        select id, name, labels, made_seq, ordinal from ${tokens} where pool = ${pool} and made_seq <= ${moment}
        union all
        select id, name, labels, made_seq, ordinal from (${past}) as gone
      ) as there`,
    )
    .orderBy(sql`made_seq, ordinal, id`);
}

/**
 * Of each of these tokens, its state after the fact. The token is named even where the number of a fact would do: whichever
 * index the database takes then, it finds the one row at once.
 */
async function readStates(
  db: Drizzle,
  pool: string,
  seq: number,
  there: readonly ThereThen[],
): Promise<PicturedToken[]> {
  const kept = sql`pool = ${pool} and token_id = there.id and seq <= ${seq}::bigint and ${isKept(pool)}`;
  const newestOf = (which: SQL) =>
    sql`lateral (select * from ${tokenEvents} where ${kept} and ${which} order by seq desc limit 1)`;
  const isLive = sql`(used.type in ('activated', 'renewed') or (used.type is null and pruned.status = 'active'))`;
  const ofLease = (fact: SQL, before: SQL) => sql`case when ${isLive} then coalesce(${fact}, ${before}) end`;
  const rows = await db
    .select({
      id: sql<string>`there.id`,
      newestSeq: whole(sql`newest.seq`),
      newestType: sql<string | null>`newest.type`,
      metadata: sql<Json>`newest.metadata`,
      prunedSeq: whole(sql`pruned.seq`),
      prunedRests: epochMs(sql`pruned.rests_until`),
      prunedKept: epochMs(sql`pruned.kept_until`),
      userId: sql<string | null>`${ofLease(sql`used.user_id`, sql`pruned.user_id`)}`,
      fence: whole(ofLease(sql`used.fence`, sql`pruned.fence`)),
      activatedAt: epochMs(ofLease(sql`granted.at`, sql`pruned.activated_at`)),
      expiresAt: epochMs(ofLease(sql`used.expires_at`, sql`pruned.expires_at`)),
      withdrawn: sql<boolean>`coalesce(turned.type = 'withdrawn', pruned.withdrawn, false)`,
      note: sql<
        string | null
      >`case when turned.seq is null then pruned.withdrawn_note else turned.metadata ->> 'note' end`,
    })
    .from(
      sql`unnest(${sql.param(`{${there.map(({ id }) => id).join()}}`)}::uuid[]) with ordinality as there(id, place)
        left join ${newestOf(sql`true`)} as newest on true
        left join ${newestOf(sql`type in ('activated', 'renewed', 'released', 'expired')`)} as used on true
        left join ${newestOf(sql`type in ('withdrawn', 'restored')`)} as turned on true
        left join lateral (
          select at from ${tokenEvents} where ${kept} and seq = used.fence limit 1
        ) as granted on true
        left join lateral (
          select * from ${prunedTokens} where pool = ${pool} and id = there.id limit 1
        ) as pruned on true`,
    )
    .orderBy(sql`there.place`);
  return rows.map((row, place) => pictured(there[place]!, row));
}

interface StateRow {
  newestSeq: number | null;
  newestType: string | null;
  metadata: Json;
  prunedSeq: number | null;
  prunedRests: number | null;
  prunedKept: number | null;
  userId: string | null;
  fence: number | null;
  activatedAt: number | null;
  expiresAt: number | null;
  withdrawn: boolean;
  note: string | null;
}

function pictured({ id, name, labels }: ThereThen, row: StateRow): PicturedToken {
  const { newestSeq, newestType, metadata, userId, fence, activatedAt, expiresAt } = row;
  const isUse = newestType === 'activated' || newestType === 'renewed';
  const waiting =
    newestSeq === null
      ? { restsUntil: row.prunedRests, keptUntil: row.prunedKept }
      : waits(isUse ? null : metadata);
  return {
    tokenId: id,
    name,
    labels,
    lease:
      fence === null ? null : { userId: userId!, fence, activatedAt: activatedAt!, expiresAt: expiresAt! },
    ...waiting,
    withdrawn: row.withdrawn ? { note: row.note } : null,
    usedSeq: newestSeq ?? row.prunedSeq ?? 0,
  };
}
