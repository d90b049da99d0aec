/** Rows that are kept by a real PGlite, one for all simulations of this process, emptied for each. */
import { asc, sql } from 'drizzle-orm';
import type { Database } from '../../src/journal/database.ts';
import { tokenState } from '../../src/journal/opening.ts';
import { keyedOutcomes, pools, prunedTokens, tokenEvents, tokens } from '../../src/journal/schema.ts';
import { SqlStore } from '../../src/journal/sql-store.ts';
import type { Ground, LogRow } from './ground.ts';
import { MemoryDatabase } from './memory-database.ts';

let database: Database | undefined;

/** From here on simulations can have their rows kept by it. */
export function keepRowsIn(opened: Database): void {
  database = opened;
}

export async function emptyRows(): Promise<void> {
  await database?.db.execute(
    sql`truncate ${tokenEvents}, ${tokens}, ${pools}, ${prunedTokens}, ${keyedOutcomes}`,
  );
}

export function groundOf({ isReal }: { isReal: boolean }): (now: () => number) => Ground {
  if (!isReal) return (now) => new MemoryDatabase(now);
  if (database === undefined) throw new Error('no database has been opened to keep rows in');
  const { db } = database;
  const store = new SqlStore(database, 'default');
  return (now) => ({
    checkSize: (size) => store.checkSize(size),
    openPool: (request) =>
      // What time it is is for the simulation to say.
      store.openPool({ ...request, at: (seen) => request.at({ ...seen, database: now() }) }),
    append: (entries, lastSeq) => store.append(entries, lastSeq),
    digestAt: (seq) => store.digestAt(seq),
    hasFactsAfter: (seq) => store.hasFactsAfter(seq),
    facts: (filter, page) => store.facts(filter, page),
    history: (tokenId, page) => store.history(tokenId, page),
    token: (tokenId, limit) => store.token(tokenId, limit),
    ending: (tokenId, proof) => store.ending(tokenId, proof),
    keyed: (key, since) => store.keyed(key, since),
    prune: (before, most) => store.prune(before, most),
    pruneKeyed: (since, keysMax, most) => store.pruneKeyed(since, keysMax, most),
    standing: () => store.standing(),
    portion: (afterSeq, headSeq, most) => store.portion(afterSeq, headSeq, most),
    async logAfter(seq): Promise<LogRow[]> {
      const rows = await db.select().from(tokenEvents).where(sql`seq > ${seq}`).orderBy(asc(tokenEvents.seq));
      return rows.map(({ pool: _, ...row }) => row as LogRow);
    },
    async tokens() {
      return (await db.select().from(tokens).orderBy(asc(tokens.ordinal))).map(tokenState);
    },
  });
}
