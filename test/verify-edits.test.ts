/** Edits by hand: whatever is changed in the log or in its tokens, in whichever database, is found (fault 15). */
import { type SQL, sql } from 'drizzle-orm';
import { describe, expect, it } from 'vitest';
import type { Drizzle } from '../src/journal/database.ts';
import { databaseKinds } from './support/databases.ts';
import { openDatabase } from './support/journal.ts';
import { Seeded } from './support/seeded.ts';
import { foundInAll, shapedLog } from './support/shaped-log.ts';

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

const json =
  (...values: string[]) =>
  (chance: Seeded) =>
    sql`${chance.of(values)}::jsonb`;

const shared: Values = {
  pool: oneOf('another'),
  user_id: user,
  lease_id: id,
  fence: counted('fence'),
  expires_at: moved('expires_at'),
  metadata,
};
const tables: Record<string, Values> = {
  token_events: {
    ...shared,
    seq: (chance) => sql`seq + ${chance.of([1000, -1000])}::int`,
    token_id: id,
    type: oneOf('opened', 'activated', 'renewed', 'released', 'expired', 'created', 'deleted', 'closed', ''),
    reason: oneOf('allocated', 'allocated_after_eviction', 'lru_eviction', 'cleanup', 'ttl_expired', ''),
    at: moved('at'),
    digest: oneOf('', 'AAAAAAAAAAAAAAAAAAAAAA'),
  },
  tokens: {
    ...shared,
    id,
    name: oneOf('one', 'another', null),
    labels: json('{}', '{"os": "linux"}', '{"os": "bsd"}'),
    ordinal: counted('ordinal'),
    status: oneOf('available', 'active', 'resting', 'gone'),
    activated_at: moved('activated_at'),
    ttl_ms: counted('ttl_ms'),
    rests_until: moved('rests_until'),
    kept_until: moved('kept_until'),
    withdrawn: () => sql`not withdrawn`,
    withdrawn_note: oneOf('a new battery', 'another', null),
    seq: counted('seq'),
  },
  pools: {
    pool: oneOf('another'),
    opened_seq: counted('opened_seq'),
    options: (chance) =>
      sql`options || ${chance.of(['{"size": 9}', '{"when_full": "reject"}', '{"eviction": null}'])}::jsonb`,
    closed: () => sql`not closed`,
    tokens_digest: oneOf('', '0'.repeat(32), 'AAAAAAAAAAAAAAAAAAAAAA'),
    last_ordinal: counted('last_ordinal'),
    chain_seq: counted('chain_seq'),
    chain_digest: oneOf('AAAAAAAAAAAAAAAAAAAAAA'),
    pruned_seq: counted('pruned_seq'),
    pruned_size: counted('pruned_size'),
    pruned_ordinal: counted('pruned_ordinal'),
    pruned_options: json('{"membership": "elastic", "size": 9}', '7'),
  },
};

/** Columns that no two rows may have the same of, even for a moment. */
const unique = new Set(['pool', 'seq', 'id']);

/** Rows are told from each other by where they lie: the name that a database itself has for them. */
const row = (place: string) => sql`ctid = ${place}::tid`;

/** One edit, and what it is, for whoever has to find it. Some leave everything as it was. */
function editOf(table: string, places: readonly string[], chance: Seeded): { what: string; edit: SQL[] } {
  const values = tables[table]!;
  const name = sql.raw(table);
  const here = chance.of(places);
  const column = chance.of(Object.keys(values));
  switch (chance.of(['change', 'change', 'change', 'change', 'delete', 'insert', 'swap', 'cut'])) {
    case 'change': {
      const value = values[column]!(chance);
      return {
        what: `${column} of row ${here}`,
        edit: [sql`update ${name} set ${sql.raw(column)} = ${value} where ${row(here)}`],
      };
    }
    case 'delete':
      return { what: `row ${here} deleted`, edit: [sql`delete from ${name} where ${row(here)}`] };
    case 'insert':
      return { what: `row ${here} again`, edit: insertion(table, here, chance) };
    case 'swap': {
      const there = chance.of(places);
      const swapped = sql.raw(unique.has(column) ? 'pool' : column);
      const edit = sql`update ${name} as mine set ${swapped} = theirs.${swapped} from ${name} as theirs
        where (mine.${row(here)} and theirs.${row(there)}) or (mine.${row(there)} and theirs.${row(here)})`;
      return {
        what: `${column} of rows ${here} and ${there} swapped`,
        edit: unique.has(column) ? [] : [edit],
      };
    }
    case 'cut':
      return {
        what: `all from row ${here} on cut off`,
        edit: [sql`delete from ${name} where ctid >= ${here}::tid`],
      };
  }
  throw new Error('no such edit');
}

/** A row that there is already, with something in it that makes it another one. */
function insertion(table: string, here: string, chance: Seeded): SQL[] {
  const copy = sql.raw(`copy_${chance.below(1e9)}`);
  const name = sql.raw(table);
  const other: Record<string, SQL> = {
    token_events: sql`seq = seq + ${chance.of([-1000, 1000, 5000])}::int`,
    tokens: sql`id = ${uuid(chance)}::uuid, ordinal = ordinal + ${chance.of([0, -3, 1, 50])}::int`,
    pools: sql`pool = 'another'`,
  };
  return [
    sql`create temp table ${copy} on commit drop as select * from ${name} where ${row(here)}`,
    sql`update ${copy} set ${other[table]!}`,
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
    if ((await pictureOf(tx)) !== before) outcome = await foundInAll({ db: tx });
    throw new Undone();
  });
  await undone.catch((error) => {
    if (!(error instanceof Undone)) throw error;
  });
  return outcome;
}

async function pictureOf(db: Drizzle): Promise<string> {
  const picture: unknown[] = [];
  for (const table of Object.keys(tables)) {
    const order = sql.raw(table === 'token_events' ? 'pool, seq' : table === 'tokens' ? 'pool, id' : 'pool');
    picture.push(
      await db
        .select({ row: sql`it::text` })
        .from(sql`(select * from ${sql.raw(table)} order by ${order}) as it`),
    );
  }
  return JSON.stringify(picture);
}

async function placesOf(db: Drizzle, table: string): Promise<string[]> {
  const rows = await db.select({ place: sql<string>`ctid::text` }).from(sql`${sql.raw(table)} order by ctid`);
  return rows.map(({ place }) => place);
}

describe.each(databaseKinds)('a database on %s', (kind) => {
  it.each(Object.keys(tables))(
    `whose table %s is edited in ${seeds.length} ways is found out`,
    async (table) => {
      const { db } = await openDatabase(await shapedLog(kind, 7, 30));
      expect(await foundInAll({ db })).toEqual([]);
      const places = await placesOf(db, table);
      let changing = 0;
      for (const seed of seeds) {
        const { what, edit } = editOf(table, places, new Seeded(seed));
        const violations = await foundAfter(db, edit);
        if (violations === null) continue;
        changing++;
        const again = `VERIFY_SEED=${seed} npm test -- test/verify-edits.test.ts -t '${kind}.*${table}'`;
        expect(violations, `not found: ${what} in ${table}. To repeat: ${again}`).not.toEqual([]);
      }
      if (seeds.length > 1) expect(changing).toBeGreaterThan(seeds.length * 0.7);
      expect(await foundInAll({ db })).toEqual([]);
    },
  );
});
