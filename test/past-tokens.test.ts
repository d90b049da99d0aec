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
import { emptyDatabase, openDatabase } from './support/journal.ts';
import { shapedLog } from './support/shaped-log.ts';

const migration = readFileSync(join(migrationsFolder, '0005_past_tokens.sql'), 'utf8').split(
  '--> statement-breakpoint',
);
const telling = migration.at(-1)!;

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

describe('a server', () => {
  it('is migrated while a process of an earlier version writes, and neither is ended for waiting for the other', async () => {
    const { db, opener } = await emptyDatabase('postgres');
    const undone = ['drop table past_tokens', 'drop index token_events_of_maintenance'];
    for (const undo of [...undone, 'alter table tokens drop column made_seq'])
      await db.execute(sql.raw(undo));
    const append = (seq: number) =>
      db.execute(sql`
        with recorded as (
          insert into token_events (pool, seq, type, reason, at)
          values ('it', ${seq}::bigint, 'closed', 'pool_deleted', now()) returning seq)
        update tokens set seq = recorded.seq from recorded where tokens.pool = 'it'`);
    const appends: Promise<unknown>[] = [];
    let underWay = 0;
    await opener.transaction(async (tx) => {
      for (const [place, statement] of migration.entries()) {
        await tx.execute(sql.raw(statement));
        if (appends.length === 3) continue;
        underWay++;
        const ending = append(place + 1).finally(() => underWay--);
        ending.catch(() => {});
        appends.push(ending);
        for (let waiting = -1; waiting < underWay; ) {
          const [row] = await tx.select({ waiting: sql`count(*)`.mapWith(Number) }).from(sql`
            pg_locks where not granted and database = (select oid from pg_database where datname = current_database())`);
          waiting = row!.waiting;
        }
      }
    });
    await Promise.all(appends);
  });
});
