/** What was answered to requests with an Idempotency-Key: written with the facts they led to, and read when they come again. */
import { and, eq, gt, type SQL, sql } from 'drizzle-orm';
import type { Drizzle } from './database.ts';
import { deleted } from './pruning.ts';
import { keyedOutcomes } from './schema.ts';
import type { KeyedOutcome } from './store.ts';

/** How long an outcome is kept. */
export const keptMs = 24 * 60 * 60 * 1000;

export async function readKeyed(
  db: Drizzle,
  pool: string,
  key: string,
  since: number,
): Promise<KeyedOutcome | null> {
  const { fingerprint, outcome, at } = keyedOutcomes;
  const [row] = await db
    .select({ fingerprint, outcome, at })
    .from(keyedOutcomes)
    .where(and(eq(keyedOutcomes.pool, pool), eq(keyedOutcomes.key, key), gt(at, since)));
  return row ? { key, ...row } : null;
}

/**
 * Inserts the rows `outcomes`, `where` that is allowed. With facts that would collide with those of another process,
 * `anyway`. Alone, `ifNotKept`: one that is still kept stays, for it is this very one, whose commit had no answer.
 */
export function insertKeyed(outcomes: SQL, where: SQL): { anyway: SQL; ifNotKept: SQL } {
  const anyway = sql`
    insert into ${keyedOutcomes} as kept (pool, key, fingerprint, outcome, at, ordinal)
    select pool, key, fingerprint, outcome, to_timestamp(at / 1000),
      nextval(pg_get_serial_sequence('keyed_outcomes', 'ordinal'))
    from ${outcomes} where ${where}
    on conflict (pool, key) do update set
      fingerprint = excluded.fingerprint, outcome = excluded.outcome, at = excluded.at, ordinal = excluded.ordinal`;
  const seconds = sql.raw(`${keptMs / 1000}`);
  return {
    anyway,
    ifNotKept: sql`${anyway} where kept.at <= excluded.at - make_interval(secs => ${seconds})`,
  };
}

/**
 * Deletes the oldest outcomes of all pools, at most `most` of them: those no younger than `since`, and those beyond the newest
 * `keysMax`. Says how many it deleted.
 */
export async function pruneKeyed(db: Drizzle, since: number, keysMax: number, most: number): Promise<number> {
  const gone = db.$with('gone', { ordinal: sql<number>`ordinal` }).as(sql`
    delete from ${keyedOutcomes} as kept
    using (
      select ordinal, at from ${keyedOutcomes} order by ordinal limit ${most}::bigint
    ) as oldest
    where kept.ordinal = oldest.ordinal and (
      oldest.at <= ${new Date(since).toISOString()}::timestamptz
      or oldest.ordinal <= (select max(ordinal) from ${keyedOutcomes}) - ${keysMax}::bigint)
    returning kept.ordinal`);
  const [row] = await db.with(gone).select(deleted).from(gone);
  return row!.rows;
}
