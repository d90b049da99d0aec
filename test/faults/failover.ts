/** How long nobody serves when the process that did is killed or hangs. */
import { pause } from '../support/process.ts';
import type { Member } from './cluster.ts';
import type { Call } from './history.ts';
import * as questions from './questions.ts';
import type { Trial } from './trial.ts';

export interface Bereavement {
  at: number;
  victim: string;
}

/** From each moment to the first grant that another process answered; where there was one before the next moment. */
export function failoverTimes(calls: readonly Call[], bereavements: readonly Bereavement[]): number[] {
  const grants = calls
    .filter(({ kind, answer }) => kind === 'allocate' && answer?.status === 200)
    .toSorted((a, b) => a.answeredAt! - b.answeredAt!);
  return bereavements.flatMap(({ at, victim }, index) => {
    const next = bereavements[index + 1]?.at ?? Number.POSITIVE_INFINITY;
    const first = grants.find((call) => call.answeredAt! > at && call.process !== victim);
    return first && first.answeredAt! < next ? [first.answeredAt! - at] : [];
  });
}

/** Kills the serving process, or stops it, so many times; how long each failover took. */
export async function measureFailovers(
  trial: Trial,
  kills: number,
): Promise<{ killed: number[]; stopped: number[] }> {
  const times = { killed: [] as number[], stopped: [] as number[] };
  for (let round = 0; round < kills; round++) {
    await trial.goesOn(30);
    const victim = await trial.cluster.serving();
    const others = trial.cluster.processes.filter((member) => member !== victim);
    const at = performance.now();
    const isKill = round % 2 === 0;
    victim.service.signal(isKill ? 'SIGKILL' : 'SIGSTOP');
    times[isKill ? 'killed' : 'stopped'].push((await firstGrant(trial, others, `probe${round}`)) - at);
    await pause(trial.random.between(0, 500));
    if (isKill) {
      await victim.end('SIGKILL');
      await victim.start();
    } else victim.service.signal('SIGCONT');
    await victim.ready();
    // What has just come back must have settled: a second blow before that is another experiment.
    await pause(500);
  }
  return times;
}

/** When one of them first granted a token. */
async function firstGrant({ recorder }: Trial, members: readonly Member[], name: string): Promise<number> {
  const manner = { patienceMs: 1000, hangsUp: false };
  for (let probe = 0; ; probe++) {
    const asked = members.map((member, index) => {
      const question = questions.allocate(`${name}.${probe}.${index}`, 1000, null);
      return recorder.ask(member, question, manner);
    });
    const granted = (await Promise.all(asked)).find((call) => call?.answer?.status === 200);
    if (granted) return granted.answeredAt!;
    await pause(5);
  }
}
