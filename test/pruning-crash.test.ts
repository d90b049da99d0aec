/** Kill -9 while a long log is being pruned: what is left is sound, and the next process goes on [I8][I14]. */
import { expect, it } from 'vitest';
import { freshPostgres } from './support/databases.ts';
import { openDatabase } from './support/journal.ts';
import { writeLongLog } from './support/long-log.ts';
import { startService, until } from './support/process.ts';
import { beginningOf, expectSoundRest } from './support/pruned-log.ts';

const facts = 60_000;

it('leaves a sound log behind wherever it dies', async () => {
  const where = { databaseUrl: await freshPostgres(), dataDir: '' };
  const env = { EVENT_RETENTION: '1m' };
  await (await startService(where)).stop();
  const now = Date.now();
  await writeLongLog(where.databaseUrl, facts, now - 7_200_000, now - 3_700_000);
  const database = await openDatabase(where);
  const prunedSeq = async () => (await beginningOf(database)).prunedSeq;
  for (const least of [1, facts / 3]) {
    const service = await startService(where, env);
    await until('something is pruned', async () => (await prunedSeq()) > least);
    await service.stop('SIGKILL');
    expect(await prunedSeq()).toBeLessThan(facts);
    await expectSoundRest(database);
  }
  const last = await startService(where, env);
  await until('all of it is pruned', async () => (await prunedSeq()) >= facts);
  expect((await last.stop()).code).toBe(0);
  // What is left is of the processes of this test.
  expect((await expectSoundRest(database)).length).toBeLessThan(200);
});
