/** A pool whose hold is lost while it is being opened: whoever opened it must learn of it without being asked. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import postgres from 'postgres';
import { expect, inject, it, onTestFinished } from 'vitest';
import type { Database, Drizzle } from '../src/journal/database.ts';
import { projectFolder as project } from './support/build.ts';
import { freshPostgres } from './support/databases.ts';
import { expectSoundLog, openDatabase, openJournal } from './support/journal.ts';

const soon = { timeout: 30_000, interval: 5 };

/** The same database, in which `then` happens between a transaction and the word that it is done. */
function delayed(database: Database, then: () => Promise<void>): Database {
  const transaction: Drizzle['transaction'] = async (...given) => {
    const outcome = await database.db.transaction(...given);
    await then();
    return outcome;
  };
  const db = Object.assign(Object.create(database.db) as Drizzle, { transaction });
  return {
    name: database.name,
    alone: database.alone,
    db,
    opener: db,
    get held() {
      return database.held;
    },
    hold: () => database.hold(),
    renew: () => database.renew(),
    append: (entries, lastSeq) => database.append(entries, lastSeq),
    reset: () => database.reset(),
    resetReaders: () => database.resetReaders(),
    close: () => database.close(),
  };
}

/** Ends the session that has the pool's lock, as a restarted server would. */
async function loseHold(databaseUrl: string): Promise<void> {
  const server = postgres(inject('postgresUrl'), { max: 1 });
  onTestFinished(() => server.end());
  const ended = await server`
    select pg_terminate_backend(pid) from pg_locks join pg_database on pg_database.oid = database
    where locktype = 'advisory' and granted and datname = ${new URL(databaseUrl).pathname.slice(1)}`;
  expect(ended).toHaveLength(1);
}

it('is known to be fenced out, though nobody asks for anything, if a rival has opened it [I1]', async () => {
  const where = { databaseUrl: await freshPostgres(), dataDir: '' };
  const [ours, rivals] = [await openDatabase(where), await openDatabase(where)];
  expect(await ours.hold()).toBe(true);
  const opened = await openJournal(
    delayed(ours, async () => {
      await loseHold(where.databaseUrl);
      await expect.poll(() => ours.held, soon).toBe(false);
      await expect.poll(() => rivals.hold(), soon).toBe(true);
      await openJournal(rivals);
    }),
  );
  expect(opened.opening.seq).toBe(1);
  await expect.poll(() => opened.told.fenced, soon).toBe(1);
  expect(opened.told).toMatchObject({ commits: [], lost: [], broken: [] });
  expect((await expectSoundLog(rivals)).map(({ type }) => type)).toEqual(['opened', 'opened']);
});

it('is had back, though nobody asks for anything, if nobody has opened it meanwhile [I1]', async () => {
  const where = { databaseUrl: await freshPostgres(), dataDir: '' };
  const database = await openDatabase(where);
  expect(await database.hold()).toBe(true);
  const { told } = await openJournal(
    delayed(database, async () => {
      await loseHold(where.databaseUrl);
      await expect.poll(() => database.held, soon).toBe(false);
    }),
  );
  await expect.poll(() => database.held, soon).toBe(true);
  expect(told).toMatchObject({ fenced: 0, broken: [] });
});

const opensAndHangs = `
  import { openPostgres } from './src/journal/postgres.ts';
  import { SqlStore } from './src/journal/sql-store.ts';
  const timers = { setTimeout: (run, ms) => setTimeout(run, ms), clearTimeout: (id) => clearTimeout(id) };
  const times = { commitTimeoutMs: 5000, silenceMs: () => 400, now: () => performance.now(), timers };
  const database = await openPostgres(process.argv[1], crypto.randomUUID(), times, { connectionLost() {} });
  process.stdout.write((await database.hold()) ? 'holds' : 'does not hold');
  // Asked for when the opening has been counted, and before that is committed.
  const at = () => process.kill(process.pid, 'SIGSTOP') && 0;
  await new SqlStore(database).openPools({ declared: [], at });
`;

it('half opened by a process that hangs, is opened by the next one [I1]', async () => {
  const where = { databaseUrl: await freshPostgres(), dataDir: '' };
  const rivals = await openDatabase(where);
  const node = ['--import', 'tsx', '--input-type=module', '-e', opensAndHangs, where.databaseUrl];
  const child = spawn(process.execPath, node, { cwd: project, stdio: ['ignore', 'pipe', 'inherit'] });
  onTestFinished(async () => {
    child.kill('SIGKILL');
    await once(child, 'exit');
  });
  expect(String(await once(child.stdout, 'data'))).toBe('holds');
  await expect.poll(() => isStopped(child.pid!), soon).toBe(true);
  await expect.poll(() => rivals.hold(), soon).toBe(true);
  expect((await openJournal(rivals)).opening.seq).toBe(1);
});

/** Whether the process has been stopped by a signal. */
function isStopped(pid: number): boolean {
  return /^State:\s+T/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
}
