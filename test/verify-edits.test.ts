/** Edits by hand: whatever is changed in the log or in its tokens, in whichever database, is found (fault 15). */
import { asc, type SQL, sql } from 'drizzle-orm';
import { describe, expect, it } from 'vitest';
import type { Drizzle } from '../src/journal/database.ts';
import { tokenEvents, tokens } from '../src/journal/schema.ts';
import { databaseKinds } from './support/databases.ts';
import { openDatabase } from './support/journal.ts';
import { Seeded } from './support/seeded.ts';
import { found, shapedLog } from './support/shaped-log.ts';

/** Of each table on each database. VERIFY_SEED repeats one of them, VERIFY_EDITS makes more. */
const edits = Number(process.env.VERIFY_EDITS ?? 100);
const seeds = process.env.VERIFY_SEED
  ? [Number(process.env.VERIFY_SEED)]
  : Array.from({ length: edits }, (_, index) => index + 1);

const uuid = (chance: Seeded) => `00000000-0000-4000-8000-${String(chance.below(1e9)).padStart(12, '0')}`;
const moved = (column: string) => (chance: Seeded) =>
  sql`coalesce(${sql.raw(column)}, now()) + ${chance.of([-1000, -1, 1, 60_000])} * interval '1 ms'`;
const counted = (column: string) => (chance: Seeded) =>
  sql`coalesce(${sql.raw(column)}, 0) + ${chance.of([-1, 1, 2, 1000])}::int`;
const oneOf =
  (...values: (string | null)[]) =>
  (chance: Seeded) =>
    sql`${chance.of(values)}`;
const metadata = (chance: Seeded) => sql`${chance.of(['{}', '{"job": 10}', '[]', '7'])}::jsonb`;
const id = (chance: Seeded) => sql`${uuid(chance)}::uuid`;
const user = oneOf('ada', 'bob', 'carol', 'Ada', '', null);

type Values = Record<string, (chance: Seeded) => SQL>;

const shared: Values = {
  pool: oneOf('another'),
  user_id: user,
  lease_id: id,
  fence: counted('fence'),
  expires_at: moved('expires_at'),
  metadata,
};
const tables: Record<string, { key: string; values: Values }> = {
  token_events: {
    key: 'seq',
    values: {
      ...shared,
      seq: (chance) => sql`seq + ${chance.of([1000, -1000])}::int`,
      token_id: id,
      type: oneOf('opened', 'activated', 'renewed', 'released', 'expired', 'created', ''),
      reason: oneOf('allocated', 'allocated_after_eviction', 'lru_eviction', 'cleanup', 'ttl_expired', ''),
      at: moved('at'),
      digest: oneOf('', 'AAAAAAAAAAAAAAAAAAAAAA'),
    },
  },
  tokens: {
    key: 'ordinal',
    values: {
      ...shared,
      id,
      ordinal: counted('ordinal'),
      status: oneOf('available', 'active', 'gone'),
      activated_at: moved('activated_at'),
      ttl_ms: counted('ttl_ms'),
      seq: counted('seq'),
    },
  },
};

/** One edit, and what it is, for whoever has to find it. Some leave everything as it was. */
function editOf(table: string, keys: readonly number[], chance: Seeded): { what: string; edit: SQL[] } {
  const { key, values } = tables[table]!;
  const name = sql.raw(table);
  const keyName = sql.raw(key);
  const here = chance.of(keys);
  const column = chance.of(Object.keys(values));
  switch (chance.of(['change', 'change', 'change', 'change', 'delete', 'insert', 'swap', 'cut'])) {
    case 'change': {
      const value = values[column]!(chance);
      return {
        what: `${column} of ${key} ${here}`,
        edit: [sql`update ${name} set ${sql.raw(column)} = ${value} where ${keyName} = ${here}`],
      };
    }
    case 'delete':
      return { what: `${key} ${here} deleted`, edit: [sql`delete from ${name} where ${keyName} = ${here}`] };
    case 'insert': {
      const copied = chance.of([0, -3, Math.max(...keys) + 1, Math.max(...keys) + 50]);
      return { what: `${key} ${here} again, as ${copied}`, edit: insertion(table, here, copied, chance) };
    }
    case 'swap': {
      const there = chance.of(keys);
      const swapped = sql.raw(column === 'seq' || column === 'pool' ? 'user_id' : column);
      const edit = sql`update ${name} as mine set ${swapped} = theirs.${swapped} from ${name} as theirs
        where (mine.${keyName} = ${here} and theirs.${keyName} = ${there})
          or (mine.${keyName} = ${there} and theirs.${keyName} = ${here})`;
      // Until both have changed, two tokens would have the same id.
      const twice = table === 'tokens' && column === 'id' ? [] : [edit];
      return { what: `${column} of ${key} ${here} and ${there} swapped`, edit: twice };
    }
    case 'cut':
      return {
        what: `${key} from ${here} on cut off`,
        edit: [sql`delete from ${name} where ${keyName} >= ${here}`],
      };
  }
  throw new Error('no such edit');
}

function insertion(table: string, here: number, copied: number, chance: Seeded): SQL[] {
  const { key } = tables[table]!;
  const copy = sql.raw(`copy_${chance.below(1e9)}`);
  const name = sql.raw(table);
  return [
    sql`create temp table ${copy} on commit drop as select * from ${name} where ${sql.raw(key)} = ${here}`,
    sql`update ${copy} set ${sql.raw(key)} = ${copied}`,
    ...(table === 'tokens' ? [sql`update ${copy} set id = ${uuid(chance)}::uuid`] : []),
    sql`insert into ${name} select * from ${copy}`,
  ];
}

class Undone extends Error {}

/** What is found after the edit, which is undone; null if it has changed nothing. */
async function foundAfter(db: Drizzle, edit: SQL[]): Promise<string[] | null> {
  let outcome: string[] | null = null;
  const before = await pictureOf(db);
  const undone = db.transaction(async (tx) => {
    // As by somebody whom no trigger stops.
    await tx.execute(sql`set local session_replication_role = replica`);
    for (const statement of edit) await tx.execute(statement);
    if ((await pictureOf(tx)) !== before) outcome = await found({ db: tx });
    throw new Undone();
  });
  await undone.catch((error) => {
    if (!(error instanceof Undone)) throw error;
  });
  return outcome;
}

async function pictureOf(db: Drizzle): Promise<string> {
  const events = await db.select().from(tokenEvents).orderBy(asc(tokenEvents.pool), asc(tokenEvents.seq));
  return JSON.stringify([events, await db.select().from(tokens).orderBy(asc(tokens.id))]);
}

describe.each(databaseKinds)('a database on %s', (kind) => {
  it.each(Object.keys(tables))(
    `whose table %s is edited in ${seeds.length} ways is found out`,
    async (table) => {
      const { db } = await openDatabase(await shapedLog(kind, 7, 30));
      expect(await found({ db })).toEqual([]);
      const count = table === 'tokens' ? await db.$count(tokens) : await db.$count(tokenEvents);
      const keys = Array.from({ length: count }, (_, index) => index + 1);
      let changing = 0;
      for (const seed of seeds) {
        const { what, edit } = editOf(table, keys, new Seeded(seed));
        const violations = await foundAfter(db, edit);
        if (violations === null) continue;
        changing++;
        const again = `VERIFY_SEED=${seed} npm test -- test/verify-edits.test.ts -t '${kind}.*${table}'`;
        expect(violations, `not found: ${what} in ${table}. To repeat: ${again}`).not.toEqual([]);
      }
      if (seeds.length > 1) expect(changing).toBeGreaterThan(seeds.length * 0.7);
      expect(await found({ db })).toEqual([]);
    },
  );
});
