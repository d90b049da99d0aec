/** Faults of the wire between processes and Postgres, under load: cut, slow, cut at the worst moment [I1] [I3] [I9] [I14] [I15]. */
import { describe, expect, it } from 'vitest';
import { freshDatabase } from '../support/databases.ts';
import { pause } from '../support/process.ts';
import { Trial } from './trial.ts';

const seed = 20_260_331;

const begin = async (processes: number, env = {}) =>
  Trial.begin({ where: await freshDatabase('postgres'), processes, seed, env });

describe('the wire to Postgres', () => {
  it('that is cut again and again, now of one process and now of the other, loses nothing [I1][I3][I14][I15]', async () => {
    const trial = await begin(2);
    for (let round = 0; round < 6; round++) {
      trial.random.of(trial.cluster.processes).cable!.cutOnce();
      await pause(trial.random.between(0, 600));
    }
    await trial.goesOn();
    expect((await trial.verdict()).violations).toEqual([]);
  });

  it('that is cut when a commit is done and not yet answered lets it be found, once [I3][I9][I14]', async () => {
    const trial = await begin(1);
    const { cable } = trial.cluster.processes[0]!;
    for (const fact of ['activated', 'renewed', 'released', 'cleanup']) {
      await cable!.cutAtAnswerTo(`"${fact}"`);
      await trial.goesOn(20);
    }
    expect((await trial.verdict()).violations).toEqual([]);
  });

  it('that is slow makes answers late, and not wrong, also while another takes over [I5][I6][I15]', async () => {
    // Opening a pool takes many answers of the database, and all of them together no longer than this.
    const trial = await begin(2, { COMMIT_TIMEOUT_MS: '5000' });
    for (const { cable } of trial.cluster.processes) cable!.delay(60);
    await trial.goesOn(30);
    const serving = await trial.cluster.serving();
    await serving.end('SIGKILL');
    await trial.goesOn(30);
    for (const { cable } of trial.cluster.processes) cable!.delay(0);
    await trial.goesOn();
    expect((await trial.verdict()).violations).toEqual([]);
  });
});
