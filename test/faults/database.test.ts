/** Faults of the database under load: killed, full, read-only; nothing acknowledged is lost, and it heals by itself [I3] [I8] [I14] [I15] [I17]. */
import { describe, expect, it } from 'vitest';
import { pause, until } from '../support/process.ts';
import { startFillablePostgres } from './full-disk.ts';
import { setReadOnly } from './injections.ts';
import { Trial } from './trial.ts';

const seed = 20_260_228;

async function begin(processes: number) {
  const server = await startFillablePostgres();
  const trial = await Trial.begin({ where: { databaseUrl: server.url, dataDir: '' }, processes, seed });
  await trial.goesOn();
  return { server, trial };
}

async function says(trial: Trial, error: string): Promise<void> {
  const from = trial.calls.length;
  await until(`somebody is told ${error}`, () =>
    trial.calls.slice(from).some(({ answer }) => answer?.error === error),
  );
}

describe('Postgres under two processes', () => {
  it('that is killed, all its processes at once, and started again has every acknowledged fact [I8][I14][I17]', async () => {
    const { server, trial } = await begin(2);
    await server.kill();
    await says(trial, 'unavailable');
    await pause(1500);
    await server.resume();
    await trial.goesOn();
    expect((await trial.verdict()).violations).toEqual([]);
  });

  it('whose disk is full costs refusals, and nothing else, until there is room again [I3][I14][I17]', async () => {
    const { server, trial } = await begin(2);
    server.fill();
    await says(trial, 'unavailable');
    await pause(1500);
    await server.free();
    await trial.goesOn();
    expect((await trial.verdict()).violations).toEqual([]);
  });

  it('that takes no more writes costs refusals, and nothing else, until it does again [I14][I17]', async () => {
    const { server, trial } = await begin(2);
    await setReadOnly(server.url, 'on');
    await says(trial, 'unavailable');
    await pause(1500);
    await setReadOnly(server.url, 'off');
    await trial.goesOn();
    expect((await trial.verdict()).violations).toEqual([]);
  });
});
