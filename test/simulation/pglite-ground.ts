/** Rows that are kept by a real PGlite, one for all simulations of this process, emptied for each. */
import { and, asc, eq, gt, sql } from 'drizzle-orm';
import type { Database } from '../../src/journal/database.ts';
import {
  keyedOutcomes,
  openings,
  pastTokens,
  pools,
  prunedTokens,
  tokenEvents,
  tokens,
} from '../../src/journal/schema.ts';
import { SqlStore } from '../../src/journal/sql-store.ts';
import { tokenState } from '../../src/journal/token-state.ts';
import type { Ground, LogRow } from './ground.ts';
import { MemoryDatabase } from './memory-database.ts';

let database: Database | undefined;

/** From here on simulations can have their rows kept by it. */
export function keepRowsIn(opened: Database): void {
  database = opened;
}

export async function emptyRows(): Promise<void> {
  await database?.db.execute(
    sql`truncate ${tokenEvents}, ${tokens}, ${pastTokens}, ${pools}, ${prunedTokens}, ${keyedOutcomes}, ${openings}`,
  );
}

export function groundOf({ isReal }: { isReal: boolean }): (now: () => number) => Ground {
  if (!isReal) return (now) => new MemoryDatabase(now);
  if (database === undefined) throw new Error('no database has been opened to keep rows in');
  const { db } = database;
  const store = new SqlStore(database);
  return (now) => ({
    tokenCount: () => store.tokenCount(),
    known: () => store.known(),
    openPools: (request) =>
      // What time it is is for the simulation to say.
      store.openPools({ ...request, at: (seen) => request.at({ ...seen, database: now() }) }),
    append: (entries, opening) => store.append(entries, opening),
    digestAt: (pool, seq) => store.digestAt(pool, seq),
    facts: (pool, filter, page) => store.facts(pool, filter, page),
    history: (pool, tokenId, page) => store.history(pool, tokenId, page),
    token: (pool, tokenId, limit) => store.token(pool, tokenId, limit),
    ending: (pool, tokenId, proof) => store.ending(pool, tokenId, proof),
    lease: (pool, leaseId) => store.lease(pool, leaseId),
    keyed: (pool, key, since) => store.keyed(pool, key, since),
    prune: (pool, before, most) => store.prune(pool, before, most),
    due: (before) => store.due(before),
    pruneKeyed: (since, keysMax, most) => store.pruneKeyed(since, keysMax, most),
    standing: (pool) => store.standing(pool),
    portion: (pool, afterSeq, headSeq, most) => store.portion(pool, afterSeq, headSeq, most),
    async logAfter(pool, seq): Promise<LogRow[]> {
      const rows = await db
        .select()
        .from(tokenEvents)
        .where(and(eq(tokenEvents.pool, pool), gt(tokenEvents.seq, seq)))
        .orderBy(asc(tokenEvents.seq));
      return rows.map(({ pool: _, ...row }) => row as LogRow);
    },
    async tokens(pool) {
      const rows = await db.select().from(tokens).where(eq(tokens.pool, pool)).orderBy(asc(tokens.ordinal));
      return rows.map((row) => ({ ...tokenState(row), ordinal: row.ordinal }));
    },
  });
}
