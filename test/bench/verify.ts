/**
 * How fast a log is checked, and in how much memory: the command, on a Postgres with VERIFY_FACTS facts (a million
 * by default), and before that on a tenth of them. What has happened in it is what a full pool does all day.
 */
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Database } from '../../src/journal/database.ts';
import { Journal } from '../../src/journal/journal.ts';
import { openPostgres } from '../../src/journal/postgres.ts';
import { SqlStore } from '../../src/journal/sql-store.ts';
import { Pool } from '../../src/pool/pool.ts';
import { newId, newLeaseId } from '../../src/random.ts';
import { requestOf } from '../../src/service/making.ts';
import { optionsOf } from '../support/options.ts';
import { startPostgres } from '../support/postgres-server.ts';
import { commitTimes, SteppedClock, start, twoMinutes } from '../support/world.ts';

const factsMax = Number(process.env.VERIFY_FACTS ?? 1_000_000);
const portionFacts = 5000;
const size = 100;

const whole = (value: number): string => Math.round(value).toLocaleString('en');

export async function verify(print: (line: string) => void): Promise<void> {
  print(`checking a log on Postgres, ${size} tokens: \`leasehold verify\` as a process of its own`);
  const server = await startPostgres(['-c', 'fsync=off']);
  try {
    const database = await openPostgres(server.url, newId(), commitTimes, { connectionLost() {} });
    const log = new FilledLog(database);
    for (const facts of [factsMax / 10, factsMax]) {
      await log.fill(facts);
      const { seconds, megabytes, found } = await check(server.url);
      if (!found.sound) throw new Error(`not sound: ${JSON.stringify(found.violations[0])}`);
      print(
        `  ${whole(found.facts).padStart(10)} facts: ${whole(found.facts / (found.elapsed_ms / 1000)).padStart(7)} a second, ` +
          `${(found.elapsed_ms / 1000).toFixed(1)} s (${seconds.toFixed(1)} s with the start), ${whole(megabytes)} MB resident at most`,
      );
    }
    await database.close();
  } finally {
    await server.stop();
  }
}

/** Written by a pool of its own, as the service would, but for the waiting. */
class FilledLog {
  readonly #journal: Journal;
  readonly #clock = new SteppedClock();
  #pool: Pool | undefined;
  #facts = 0;
  #grants = 0;

  constructor(database: Database) {
    this.#journal = new Journal(new SqlStore(database), commitTimes);
  }

  async fill(facts: number): Promise<void> {
    this.#pool ??= await this.#open();
    while (this.#facts < facts) {
      for (const until = this.#facts + portionFacts; this.#facts < until; ) this.#use(this.#pool);
      await this.#journal.pool('default').committed();
    }
  }

  async #open(): Promise<Pool> {
    const options = optionsOf({ size });
    const declared = [requestOf({ name: 'default', options })];
    const die = (error: unknown) => {
      throw error;
    };
    const listener = { lost: die, back() {}, fenced() {}, broken: die, committed() {} };
    const [opened] = await this.#journal.openPools({ declared, at: () => start }, listener);
    const journal = this.#journal.pool('default');
    const pool = new Pool(
      this.#clock,
      { options, proofRequired: false },
      {
        record: (fact) => {
          journal.append(fact);
          this.#facts++;
        },
        recordChange: () => 0,
        recordClosing() {},
        served() {},
        crashed: die,
      },
    );
    pool.open(opened!);
    return pool;
  }

  /** Mostly evictions; every tenth lease is renewed, every seventh released, and now and then all run out. */
  #use(pool: Pool): void {
    const grant = ++this.#grants;
    this.#clock.stall(1);
    const at = this.#clock.now();
    const metadata = grant % 3 === 0 ? { job: `build ${grant}`, of: ['ada', grant] } : null;
    const ids = { userId: newId(), leaseIds: [newLeaseId(at)] };
    const { facts } = pool.command({ type: 'ALLOCATE', at, ...ids, ttlMs: twoMinutes, metadata });
    const { tokenId } = facts.at(-1)!;
    if (grant % 10 === 0) pool.command({ type: 'RENEW', at, tokenId });
    if (grant % 7 === 0) pool.command({ type: 'RELEASE', at, tokenId, reason: 'released_by_client' });
    if (grant % 10_000 === 0) this.#clock.stall(twoMinutes);
    if (grant % 25_000 === 0) pool.command({ type: 'RELEASE_ALL', at: this.#clock.now(), reason: 'cleanup' });
  }
}

interface Checked {
  seconds: number;
  megabytes: number;
  found: { sound: boolean; facts: number; elapsed_ms: number; violations: unknown[] };
}

/** Runs the built command, and looks at its memory while it runs. */
async function check(databaseUrl: string): Promise<Checked> {
  const startedAt = performance.now();
  const child = spawn('node', ['dist/main.js', 'verify', '--json'], {
    cwd: join(import.meta.dirname, '../..'),
    env: { ...process.env, DATABASE_URL: databaseUrl },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let said = '';
  child.stdout.setEncoding('utf8').on('data', (text) => {
    said += text;
  });
  let kilobytes = 0;
  const look = setInterval(() => {
    try {
      const status = readFileSync(`/proc/${child.pid}/status`, 'utf8');
      kilobytes = Math.max(kilobytes, Number(/VmHWM:\s+(\d+)/.exec(status)?.[1] ?? 0));
    } catch {
      // It has just ended.
    }
  }, 50);
  const code = await new Promise((resolve) => child.once('close', resolve));
  clearInterval(look);
  if (code === 2) throw new Error('the log could not be checked');
  return {
    seconds: (performance.now() - startedAt) / 1000,
    megabytes: kilobytes / 1024,
    found: (JSON.parse(said) as { pools: [Checked['found']] }).pools[0],
  };
}
