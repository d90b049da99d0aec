/**
 * Looking back: how long a snapshot and the statistics take at random facts of a log of a thousand facts, and of BENCH_FACTS
 * (a million), on both databases. The logs are busy ones, of a pool that is always full: 100,000 facts an hour.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sql } from 'drizzle-orm';
import type { Database } from '../../src/journal/database.ts';
import { openPGlite } from '../../src/journal/pglite.ts';
import { openPostgres } from '../../src/journal/postgres.ts';
import { newId } from '../../src/random.ts';
import { startPostgres } from '../support/postgres-server.ts';
import { commitTimes } from '../support/world.ts';
import { type Running, type Settings, startService } from './processes.ts';

const times = 50;
const msPerFact = 36;
const few = 1000;
const perStatement = 100_000;

type Print = (line: string) => void;
interface Place {
  settings: Settings;
  open(): Promise<Database>;
}

const questions: [name: string, path: (seq: number, at: number) => string][] = [
  ['snapshot, newest', () => 'snapshot'],
  ['snapshot?seq, at random', (seq) => `snapshot?seq=${seq}`],
  ['snapshot?at, at random', (_, at) => `snapshot?at=${new Date(at).toISOString()}`],
  ['statistics?seq, at random', (seq) => `statistics?seq=${seq}`],
  ['(for comparison: GET /api/tokens)', () => 'tokens?limit=10000'],
];

export async function travel(facts: number, print: Print): Promise<void> {
  print(`milliseconds an answer over HTTP, median (and slowest) of ${times}, one after the other`);
  const server = await startPostgres(['-c', 'fsync=off']);
  const folders: string[] = [];
  try {
    for (const kind of ['Postgres', 'PGlite']) {
      for (const [tokens, count] of [
        [100, few],
        [100, facts],
        [10_000, facts],
      ] as const) {
        const url = new URL(server.url);
        url.pathname = `/travel_${tokens}_${count}`;
        const place = kind === 'PGlite' ? embedded(folders) : await another(server.url, url.href);
        await look(
          `${kind}, ${tokens} tokens, ${count.toLocaleString('en')} facts`,
          place,
          tokens,
          count,
          print,
        );
      }
    }
  } finally {
    await server.stop();
    for (const folder of folders) rmSync(folder, { recursive: true, force: true });
  }
}

function embedded(folders: string[]): Place {
  const folder = mkdtempSync(join(tmpdir(), 'leasehold-bench-'));
  folders.push(folder);
  return { settings: { DATA_DIR: folder }, open: () => openPGlite(folder) };
}

async function another(server: string, url: string): Promise<Place> {
  const database = await openPostgres(server, newId(), commitTimes, { connectionLost() {} });
  await database.db.execute(sql`create database ${sql.identifier(new URL(url).pathname.slice(1))}`);
  await database.close();
  return {
    settings: { DATABASE_URL: url },
    open: () =>
      openPostgres(url, newId(), { ...commitTimes, commitTimeoutMs: 600_000 }, { connectionLost() {} }),
  };
}

async function look(title: string, place: Place, tokens: number, facts: number, print: Print): Promise<void> {
  const settings = { ...place.settings, POOL_SIZE: String(tokens), TTL_MS: '86400000' };
  await (await startService(settings)).stop();
  const end = Date.now() - 60_000;
  const database = await place.open();
  await fill(database, tokens, facts, end);
  await database.close();
  const service = await startService(settings);
  print(title);
  for (const [name, path] of questions) {
    const pathAt = (seq: number) => path(seq, end - (facts - seq) * msPerFact);
    print(`  ${name.padEnd(36)} ${await timed(service, pathAt, facts)}`);
  }
  await service.stop();
}

async function timed(service: Running, path: (seq: number) => string, facts: number): Promise<string> {
  const took: number[] = [];
  for (let time = -3; time < times; time++) {
    const askedAt = performance.now();
    const answer = await fetch(`${service.url}/api/${path(2 + Math.floor(Math.random() * (facts - 2)))}`);
    await answer.arrayBuffer();
    if (answer.status !== 200) throw new Error(`${answer.url}: ${answer.status}`);
    // The first few are for the processor to warm up.
    if (time >= 0) took.push(performance.now() - askedAt);
  }
  took.sort((a, b) => a - b);
  return `${took[Math.floor(times / 2)]!.toFixed(1).padStart(8)} (${took.at(-1)!.toFixed(1)})`;
}

/** Each token is granted once, for a day, and then one after the other is taken from its holder for the next one. */
async function fill({ db }: Database, tokens: number, facts: number, end: number): Promise<void> {
  const size = sql`${tokens}::bigint`;
  const begun = (end - facts * msPerFact) / 1000;
  await db.execute(sql`update token_events set at = to_timestamp(${begun}::float8) where pool = 'default'`);
  for (let first = 2; first <= facts; first += perStatement) {
    const last = Math.min(facts, first + perStatement - 1);
    // `turn`: how often a token had been taken from its holder before.
    await db.execute(sql`
      insert into token_events (pool, seq, token_id, type, reason, user_id, lease_id, fence, at, expires_at)
      select 'default', made.seq, id, case when made.fence = made.seq then 'activated' else 'released' end,
        case when made.fence = made.seq then 'allocated' else 'lru_eviction' end, 'user ' || made.fence % 1000, gen_random_uuid(), made.fence,
        to_timestamp(${begun}::float8 + made.seq * ${msPerFact / 1000}::float8),
        to_timestamp(${begun}::float8 + made.fence * ${msPerFact / 1000}::float8) + interval '1 day'
      from (
        select seq, case
            when turn < 0 then seq - 2 when turn >= 0 then turn % ${size} end as place,
          case when turn < 0 or (seq - ${size}) % 2 = 1 then seq
            when turn < ${size} then 2 + turn else ${size} + 3 + 2 * (turn - ${size}) end as fence
        from (
          select seq, case when seq < ${size} + 2 then -1 else (seq - ${size} - 2) / 2 end as turn
          from generate_series(${first}::bigint, ${last}::bigint) as seq
        ) as numbered
      ) as made join tokens on tokens.pool = 'default' and tokens.ordinal = 1 + place`);
  }
  await db.execute(sql`
    update tokens set status = case when type = 'activated' then 'active' else 'available' end, seq = newest.seq,
      user_id = case when type = 'activated' then newest.user_id end,
      lease_id = case when type = 'activated' then newest.lease_id end,
      fence = case when type = 'activated' then newest.fence end,
      activated_at = case when type = 'activated' then newest.at end,
      expires_at = case when type = 'activated' then newest.expires_at end,
      ttl_ms = case when type = 'activated' then 86400000 end
    from (
      select distinct on (token_id) * from token_events
      where pool = 'default' and seq > ${facts - 2 * tokens - 2}::bigint and token_id is not null order by token_id, seq desc
    ) as newest
    where tokens.pool = 'default' and newest.token_id = tokens.id`);
}
