/** What a database is told of the tokens that had gone, or come, before it had a table of them. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { asc, sql } from 'drizzle-orm';
import { describe, expect, it } from 'vitest';
import type { Database } from '../src/journal/database.ts';
import { migrationsFolder } from '../src/journal/migrations-folder.ts';
import { pruneFacts } from '../src/journal/pruning.ts';
import { pastTokens, tokenEvents, tokens } from '../src/journal/schema.ts';
import { databaseKinds } from './support/databases.ts';
import { openDatabase } from './support/journal.ts';
import { shapedLog } from './support/shaped-log.ts';

/** The last statement of the migration. */
const telling = readFileSync(join(migrationsFolder, '0005_past_tokens.sql'), 'utf8')
  .split('--> statement-breakpoint')
  .at(-1)!;

async function known({ db }: Database) {
  const named = new Set(
    (await db.selectDistinct({ id: tokenEvents.tokenId }).from(tokenEvents)).map(({ id }) => id),
  );
  const past = await db
    .select()
    .from(pastTokens)
    .orderBy(asc(pastTokens.pool), asc(pastTokens.goneSeq), asc(pastTokens.id));
  const made = await db
    .select({ id: tokens.id, madeSeq: tokens.madeSeq })
    .from(tokens)
    .orderBy(asc(tokens.id));
  return {
    past: past.filter(({ id }) => named.has(id)),
    unnamed: past.filter(({ id }) => !named.has(id)),
    made,
  };
}

describe.each(databaseKinds)('an earlier log on %s', (kind) => {
  it.each(['whole', 'pruned'])('tells of the tokens that it names, where it is %s', async (which) => {
    const database = await openDatabase(await shapedLog(kind, 5, 90));
    if (which === 'pruned')
      for (const pool of ['elastic', 'default']) await pruneFacts(database.db, pool, Date.UTC(2100, 0), 60);
    const before = await known(database);
    expect(before.past.length).toBeGreaterThan(5);
    await database.db.execute(sql`delete from ${pastTokens}`);
    await database.db.execute(sql`update ${tokens} set made_seq = 0`);
    await database.db.execute(sql.raw(telling));
    const after = await known(database);
    // A pool that began before the facts that are kept was there from the beginning, as far as they tell.
    const pruned = new Map(
      which === 'pruned'
        ? [
            ['elastic', 60],
            ['default', 60],
          ]
        : [],
    );
    const asTold = (madeSeq: number, pool: string) => (madeSeq <= (pruned.get(pool) ?? 0) ? 0 : madeSeq);
    const traits = ({ ordinal: _, madeSeq, ...rest }: (typeof before.past)[number]) => ({
      ...rest,
      madeSeq: asTold(madeSeq, rest.pool),
    });
    expect(after.past.map(traits)).toEqual(before.past.map(traits));
    expect(after.unnamed).toEqual([]);
    if (which === 'whole') expect(after.made).toEqual(before.made);
  });
});
