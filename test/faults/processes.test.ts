/** Faults of the serving process itself, under load: killed, stopped, replaced [I1] [I3] [I5] [I9] [I14] [I15] [I17]. */
import { describe, expect, it } from 'vitest';
import { databaseKinds, freshDatabase } from '../support/databases.ts';
import { pause } from '../support/process.ts';
import { Trial } from './trial.ts';

const seed = 20_260_131;

describe.each(databaseKinds)('a process alone on %s', (kind) => {
  it('that is killed and started again keeps every invariant [I1][I3][I8][I9][I14][I15][I17]', async () => {
    const trial = await Trial.begin({ where: await freshDatabase(kind), processes: 1, seed });
    const [member] = trial.cluster.processes;
    await trial.goesOn();
    await member!.end('SIGKILL');
    await pause(200);
    await (await member!.start()).ready();
    await trial.goesOn();
    expect((await trial.verdict()).violations).toEqual([]);
    expect(trial.counts.unanswered).toBeGreaterThan(0);
    expect(trial.counts.replayed).toBeGreaterThan(0);
  });

  it('that is stopped for longer than its leases last goes on where time is [I5][I6]', async () => {
    const trial = await Trial.begin({ where: await freshDatabase(kind), processes: 1, seed: seed + 1 });
    const [member] = trial.cluster.processes;
    await trial.goesOn();
    member!.service.signal('SIGSTOP');
    await pause(2000);
    member!.service.signal('SIGCONT');
    await trial.goesOn();
    expect((await trial.verdict()).violations).toEqual([]);
  });
});

describe('three processes on one Postgres', () => {
  it('replace one that is killed, and one that hangs, which says nothing untrue when it wakes up [I1][I3][I6][I14][I15]', async () => {
    const trial = await Trial.begin({ where: await freshDatabase('postgres'), processes: 3, seed: seed + 2 });
    await trial.goesOn();
    const first = await trial.cluster.serving();
    await first.end('SIGKILL');
    const second = await trial.cluster.serving();
    await trial.goesOn();
    await (await first.start()).ready();
    second.service.signal('SIGSTOP');
    const third = await trial.cluster.serving();
    expect(third).not.toBe(second);
    await trial.goesOn();
    second.service.signal('SIGCONT');
    await trial.goesOn();
    expect((await trial.verdict()).violations).toEqual([]);
  });

  it('are restarted one after the other, and nobody loses anything [I1][I3][I9][I14][I15]', async () => {
    const trial = await Trial.begin({ where: await freshDatabase('postgres'), processes: 2, seed: seed + 3 });
    for (const member of trial.cluster.processes) {
      await trial.goesOn();
      expect(await member.end('SIGTERM')).toEqual({ code: 0, signal: null });
      await (await member.start()).ready();
    }
    await trial.goesOn();
    expect((await trial.verdict()).violations).toEqual([]);
  });
});
