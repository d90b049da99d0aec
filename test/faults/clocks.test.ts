/** Clocks that are wrong, and wrong by different amounts: leases last as long as was promised, by their holders' clocks [I5] [I6]. */
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import postgres from 'postgres';
import { describe, expect, it } from 'vitest';
import { databaseKinds, freshDatabase } from '../support/databases.ts';
import { atEnd } from '../support/lifetime.ts';
import { startPostgres } from '../support/postgres-server.ts';
import { pause } from '../support/process.ts';
import { DatabaseClock, hourMs, libfaketime, WallClock } from './clocks.ts';
import type { Member } from './cluster.ts';
import { Trial } from './trial.ts';

const seed = 20_260_430;

/** By how much the service's own log lines are off: its wall clock is really shifted. */
const shiftOf = ({ service }: Member): number => Date.parse(String(service.log.at(-1)!.time)) - Date.now();

describe.each(databaseKinds)('a process on %s whose wall clock is stepped while it serves', (kind) => {
  it('neither ends nor stretches a lease [I5][I6]', async () => {
    const clock = new WallClock();
    const trial = await Trial.begin({ where: await freshDatabase(kind), processes: 1, seed, env: clock.env });
    const [member] = trial.cluster.processes;
    for (const shiftMs of [hourMs, -hourMs, 0]) {
      clock.step(shiftMs, member!);
      await trial.goesOn(40);
      await pause(500);
    }
    expect((await trial.verdict()).violations).toEqual([]);
  });
});

describe('processes on one Postgres', () => {
  it('whose wall clocks are an hour apart take over with every deadline where it was [I5][I6]', async () => {
    const [ahead, behind] = [new WallClock(hourMs), new WallClock(-hourMs)];
    const trial = await Trial.begin({
      where: await freshDatabase('postgres'),
      processes: 1,
      seed,
      env: ahead.env,
    });
    const [member] = trial.cluster.processes;
    expect(shiftOf(member!)).toBeGreaterThan(hourMs - 60_000);
    await trial.goesOn();
    for (const clock of [behind, ahead, behind]) {
      await member!.end('SIGKILL');
      await (await member!.start(clock.env)).ready();
      await trial.goesOn();
    }
    expect(shiftOf(member!)).toBeLessThan(60_000 - hourMs);
    expect((await trial.verdict()).violations).toEqual([]);
  });
});

/** Where libfaketime is not installed, the clocks of processes are all that can be stepped. */
describe.skipIf(libfaketime === undefined)('Postgres whose clock is stepped', () => {
  it('neither ends nor stretches a lease while the same process serves [I5][I6]', async () => {
    const clock = new DatabaseClock();
    const folder = mkdtempSync(join(tmpdir(), 'leasehold-clock-'));
    const server = await startPostgres([], { folder, env: clock.env });
    atEnd(() => server.stop());
    const trial = await Trial.begin({ where: { databaseUrl: server.url, dataDir: '' }, processes: 2, seed });
    const serving = await trial.cluster.serving();
    for (const seconds of [3600, -3600, 0]) {
      clock.step(seconds);
      expect(Math.abs((await secondsOf(server.url)) - seconds)).toBeLessThan(60);
      await trial.goesOn(40);
      await pause(1000);
    }
    expect(await trial.cluster.serving()).toBe(serving);
    expect((await trial.verdict()).violations).toEqual([]);
  });
});

/** By how much the server's clock is off. */
async function secondsOf(url: string): Promise<number> {
  const client = postgres(url, { max: 1 });
  try {
    const [row] = await client<{ at: Date }[]>`select clock_timestamp() as at`;
    return (row!.at.getTime() - Date.now()) / 1000;
  } finally {
    await client.end();
  }
}
