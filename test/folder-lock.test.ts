/** The folder of the embedded database belongs to one process at a time, and to nobody once that one is gone. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it, onTestFinished } from 'vitest';
import { Journal } from '../src/journal/journal.ts';
import { newId } from '../src/random.ts';
import { freshFolder } from './support/databases.ts';
import { listening, openDatabase, openJournal, preparedDatabase } from './support/journal.ts';
import { commitTimes } from './support/world.ts';

const project = dirname(dirname(fileURLToPath(import.meta.url)));

const opens = `
  import { Journal } from './src/journal/journal.ts';
  const times = { commitTimeoutMs: 5000, patienceMs: 5000, retryMs: 10, retryMsMax: 50, now: () => 0, silenceMs: () => 1000, timers: { setTimeout, clearTimeout } };
  try {
    await Journal.open({ dataDir: process.argv[1] }, 'a process', times);
    process.stdout.write('open');
    setInterval(() => {}, 60_000);
  } catch (error) {
    process.stdout.write('refused: ' + error.message);
  }
`;

/** Another process that opens the folder, and stays if it may; `said` is what came of it. */
async function otherProcess(dataDir: string): Promise<{ child: ChildProcess; said: string }> {
  const node = ['--import', 'tsx', '--input-type=module', '-e', opens, dataDir];
  const child = spawn(process.execPath, node, { cwd: project, stdio: ['ignore', 'pipe', 'inherit'] });
  onTestFinished(() => kill(child));
  const [said] = await once(child.stdout!.setEncoding('utf8'), 'data');
  return { child, said };
}

async function kill(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill('SIGKILL');
  await once(child, 'exit');
}

async function open(dataDir: string): Promise<Journal> {
  const journal = await Journal.open({ dataDir }, newId(), commitTimes);
  onTestFinished(() => journal.close());
  return journal;
}

it('refuses a second process, and says which folder and which variable', async () => {
  const { dataDir } = await preparedDatabase('pglite');
  await open(dataDir);
  const { said } = await otherProcess(dataDir);
  expect(said).toBe(
    `refused: another Leasehold process uses the folder ${dataDir}: stop it, set another DATA_DIR, ` +
      'or share a Postgres server between them with DATABASE_URL',
  );
});

it('is free again when its process was killed, with everything in it [I14]', async () => {
  const { dataDir } = await preparedDatabase('pglite');
  const database = await openDatabase({ dataDir });
  const { opening } = await openJournal(database);
  await database.close();
  const { child, said } = await otherProcess(dataDir);
  expect(said).toBe('open');
  await expect(open(dataDir)).rejects.toThrow(/another Leasehold process.*DATA_DIR/);
  await kill(child);
  expect((await openJournal(await openDatabase({ dataDir }))).opening).toMatchObject({
    tokens: opening.tokens,
    seq: 2,
  });
});

// The lock is one of open file descriptions (OFD on Linux, flock elsewhere), not of processes as fcntl's older kind
// is: it holds within a process, and closing another descriptor of the file does not let go of it.
it('refuses a second journal within the process, and a refusal does not let go of the lock', async () => {
  const { dataDir } = await preparedDatabase('pglite');
  const first = await Journal.open({ dataDir }, newId(), commitTimes);
  await expect(open(dataDir)).rejects.toThrow(/another Leasehold process/);
  await expect(open(dataDir)).rejects.toThrow(/another Leasehold process/);
  expect((await otherProcess(dataDir)).said).toMatch(/^refused: another Leasehold process/);
  await first.close();
  await expect(open(dataDir)).resolves.toBeInstanceOf(Journal);
});

it('makes the folder and those above it where there is none, and fills it', async () => {
  const dataDir = join(freshFolder(), 'deep', 'down');
  const journal = await open(dataDir);
  expect(journal.name).toBe(`PGlite in ${dataDir}`);
  const nothing = { declared: [], at: () => 0 };
  expect(await journal.openPools(nothing, listening().listener)).toEqual([]);
});

it('lets go of the lock when the database in it cannot be opened', async () => {
  const { dataDir } = await preparedDatabase('pglite');
  const inside = join(dataDir, 'pglite');
  rmSync(inside, { recursive: true });
  writeFileSync(inside, 'not a folder');
  await expect(open(dataDir)).rejects.toThrow(/cannot open the embedded database in .*\(DATA_DIR\)/);
  rmSync(inside);
  await expect(open(dataDir)).resolves.toBeInstanceOf(Journal);
});

it('says which folder and which variable when it cannot be a folder at all', async () => {
  const parent = freshFolder();
  const dataDir = join(parent, 'file', 'data');
  writeFileSync(join(parent, 'file'), '');
  await expect(open(dataDir)).rejects.toThrow(`cannot use the folder ${dataDir} (DATA_DIR)`);
});
