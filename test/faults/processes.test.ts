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
    for (let round = 0; round < 2; round++) {
      await trial.goesOn();
      await member!.service.stop('SIGKILL');
      await pause(200);
      await (await member!.start()).ready();
    }
    await trial.goesOn();
    const { violations, lateness } = await trial.verdict();
    expect(violations).toEqual([]);
    expect(lateness.served.length).toBeGreaterThan(0);
  });
});
