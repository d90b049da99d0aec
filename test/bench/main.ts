/**
 * Speed, always beside something else in the same minute: this machine may be fast now and slow later.
 *   npm run bench                 all of it
 *   npm run bench -- throughput   allocations a second, full pool, beside an empty Hono route and beside plain SQL
 *   npm run bench -- start        from start to first answer
 *   npm run bench -- size         100 tokens beside 100,000
 *   npm run bench -- messages     allocations while nobody looks on at the messages, after somebody has, and while somebody does
 *   npm run bench -- page         from asking for the page to its first live data, beside /docs, and what it weighs
 *   npm run bench -- verify       checking a log of a million facts (VERIFY_FACTS)
 *   npm run bench -- travel       looking back in a log of BENCH_FACTS facts (1,000,000) beside one of a thousand
 *   npm run bench -- growth       a log of BENCH_FACTS facts (1,000,000) beside a new one, and while it is pruned
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import postgres from 'postgres';
import { startPostgres } from '../support/postgres-server.ts';
import { growth } from './growth.ts';
import { load } from './http-load.ts';
import { lookOn } from './looking-on.ts';
import { page } from './page.ts';
import {
  type Running,
  run,
  type Settings,
  startEmptyRoute,
  startPlainSql,
  startService,
} from './processes.ts';
import { travel } from './travel.ts';
import { verify } from './verify.ts';

const rounds = Number(process.env.BENCH_ROUNDS ?? 5);
const seconds = Number(process.env.BENCH_SECONDS ?? 3);
const allocatePath = '/api/tokens/allocate';

const median = (values: number[]): number => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]!;
const whole = (value: number): string => Math.round(value).toLocaleString('en');
const print = (line: string): void => void process.stdout.write(`${line}\n`);

const folders: string[] = [];
function folder(): string {
  const made = mkdtempSync(join(tmpdir(), 'leasehold-bench-'));
  folders.push(made);
  return made;
}

/** Rounds in turn, so that a slow moment of the machine is everybody's. */
async function beside(contestants: Record<string, { running: Running; path: string }>): Promise<void> {
  const names = Object.keys(contestants);
  const rates = new Map(names.map((name) => [name, [] as number[]]));
  const p99 = new Map(names.map((name) => [name, [] as number[]]));
  const cpu = new Map(names.map((name) => [name, [] as number[]]));
  for (const { running, path } of Object.values(contestants)) await load(running.url + path, 'POST', 1);
  for (let round = 0; round < rounds; round++) {
    for (const [name, { running, path }] of Object.entries(contestants)) {
      const before = running.cpuMs();
      const result = await load(running.url + path, 'POST', seconds);
      if (result.failures > 0) throw new Error(`${name}: ${result.failures} requests failed`);
      rates.get(name)!.push(result.requestsPerSecond);
      p99.get(name)!.push(result.p99Ms);
      cpu.get(name)!.push(((running.cpuMs() - before) * 1000) / (result.requestsPerSecond * seconds));
    }
  }
  const first = rates.get(names[0]!)!;
  for (const name of names) {
    const ratio = median(rates.get(name)!.map((rate, round) => rate / first[round]!));
    print(
      `  ${name.padEnd(34)} ${whole(median(rates.get(name)!)).padStart(8)}/s   ratio ${ratio.toFixed(3)}   ` +
        `best ${whole(Math.max(...rates.get(name)!))}/s   p99 ${median(p99.get(name)!)} ms   ` +
        `${whole(median(cpu.get(name)!))} µs of processor each`,
    );
  }
}

async function withPostgres<T>(use: (url: string) => Promise<T>): Promise<T> {
  const server = await startPostgres();
  try {
    return await use(server.url);
  } finally {
    await server.stop();
  }
}

async function anotherDatabase(url: string): Promise<string> {
  const client = postgres(url, { max: 1 });
  await client`create database plain_sql`;
  await client.end();
  return new URL('/plain_sql', url).href;
}

async function throughput(): Promise<void> {
  print(
    `allocations a second: 64 keep-alive connections, 100 tokens all held, ${rounds} × ${seconds} s each`,
  );
  await withPostgres(async (url) => {
    const empty = await startEmptyRoute();
    const postgres = await startService({ DATABASE_URL: url });
    const pglite = await startService({ DATA_DIR: folder() });
    const plainSql = await startPlainSql(await anotherDatabase(url));
    await beside({
      'empty Hono route': { running: empty, path: '/' },
      'allocate on Postgres': { running: postgres, path: allocatePath },
      'allocate on PGlite': { running: pglite, path: allocatePath },
      'plain SQL on the same Postgres': { running: plainSql, path: '/allocate' },
    });
    await Promise.all([empty, postgres, pglite, plainSql].map((running) => running.stop()));
  });
}

async function start(): Promise<void> {
  const settings: Settings = { DATA_DIR: folder() };
  print('from `npm start` to the first answer, embedded, build included');
  for (const which of ['first start ', 'second start']) {
    const running = await run('npm', ['start'], settings, '/readyz');
    print(`  ${which} ${whole(running.startMs)} ms`);
    await running.stop();
  }
}

async function size(): Promise<void> {
  const sizes = { '100 tokens': 100, '100,000 tokens': 100_000 };
  const contestants: Record<string, { running: Running; path: string }> = {};
  for (const [name, tokens] of Object.entries(sizes)) {
    // A TTL of an hour: held until the measuring is over.
    const settings = { POOL_SIZE: String(tokens), DATA_DIR: folder(), TTL_MS: '3600000' };
    const first = await startService(settings);
    await first.stop();
    const second = await startService(settings);
    await fill(second, tokens);
    print(
      `${name.padEnd(15)} first start ${whole(first.startMs)} ms, second ${whole(second.startMs)} ms, ` +
        `${whole(second.megabytes())} MB resident with all held (PGlite)`,
    );
    contestants[`allocate, ${name} all held`] = { running: second, path: allocatePath };
  }
  await beside(contestants);
  for (const { running } of Object.values(contestants)) await running.stop();
}

/** Allocates until every token is held. */
async function fill({ url }: Running, tokens: number): Promise<void> {
  for (;;) {
    await load(url + allocatePath, 'POST', 2);
    const page = (await (await fetch(`${url}/api/tokens?limit=1`)).json()) as {
      counts: { available: number };
    };
    if (page.counts.available === 0) return;
    print(`  … ${whole(tokens - page.counts.available)} held`);
  }
}

const facts = Number(process.env.BENCH_FACTS ?? 1_000_000);

async function messages(): Promise<void> {
  print(
    `allocations a second on Postgres, 100 tokens all held, ${rounds} × ${seconds} s each, and who looks on at the messages`,
  );
  const started = async (url: string) => startService({ DATABASE_URL: url });
  await withPostgres(async (never) =>
    withPostgres(async (before) =>
      withPostgres(async (now) => {
        const [none, gone, watched] = [await started(never), await started(before), await started(now)];
        for (const { url } of [none, gone, watched]) await load(url + allocatePath, 'POST', 1);
        const leave = await lookOn(gone.url);
        await load(gone.url + allocatePath, 'POST', 1);
        print(`  the one who has gone saw ${whole(await leave())} messages in a second`);
        const stop = await lookOn(watched.url);
        await beside({
          'nobody has ever looked on': { running: none, path: allocatePath },
          'somebody has, and has gone': { running: gone, path: allocatePath },
          'somebody does': { running: watched, path: allocatePath },
        });
        print(`  who looked on all the time saw ${whole(await stop())} messages`);
        await Promise.all([none, gone, watched].map((running) => running.stop()));
      }),
    ),
  );
}

async function grown(): Promise<void> {
  print(`a new log beside one of ${whole(facts)} facts, ${rounds} × ${seconds} s each`);
  await withPostgres((url) => growth(url, { facts, rounds, seconds, print }));
}

const parts: Record<string, () => Promise<void>> = {
  throughput,
  start,
  size,
  messages,
  page: () => page(folder, print),
  verify: () => verify(print),
  growth: grown,
  travel: () => travel(facts, print),
};
const asked = process.argv.slice(2);
try {
  for (const name of asked.length > 0 ? asked : Object.keys(parts)) {
    const part = parts[name];
    if (!part) throw new Error(`there is no bench '${name}': ${Object.keys(parts).join(', ')}`);
    await part();
  }
} finally {
  for (const made of folders) rmSync(made, { recursive: true, force: true });
}
process.exit(0);
