/** Takes the steps of a plan, one after the other, and says which promise was not kept, if one was not. */

import { verifyLog } from '../../src/verify/verify-log.ts';
import type { Broken } from './broken.ts';
import { must } from './broken.ts';
import { emptyRows } from './pglite-ground.ts';
import type { Plan } from './plan.ts';
import { Random } from './random.ts';
import { play } from './scenes.ts';
import { settled } from './settled.ts';
import type { Event, Step } from './steps.ts';
import { isServing, World } from './world.ts';

const hour = 3_600_000;
/** When nothing is wrong any more, everything has to be well again within so long. */
const recoveryMsMax = 15_000;
/** How soon another process takes the pool over, if nothing else is wrong. */
const takeOverMsMax = 2000;

export interface Result {
  broken: Broken | null;
  /** How many steps were taken. */
  steps: number;
  trace: readonly string[];
}

export async function simulate(plan: Plan): Promise<Result> {
  if (plan.isReal) await emptyRows();
  const simulation = new Simulation(plan);
  return simulation.run();
}

class Simulation {
  readonly #plan: Plan;
  readonly #world: World;
  #random = new Random(0);
  /** Until when somebody has to serve, because nothing else is wrong. */
  #takeOverBy = Number.POSITIVE_INFINITY;

  constructor(plan: Plan) {
    this.#plan = plan;
    this.#world = new World(plan, () => this.#random);
  }

  async run(): Promise<Result> {
    const world = this.#world;
    let steps = 0;
    await this.#take({ do: 'start', clockOffMs: 0, draw: 1 });
    for (const step of this.#plan.steps) {
      steps++;
      await this.#take(step);
      if (world.witness.broken) break;
    }
    if (!world.witness.broken) await this.#take({ do: 'calm down', draw: 2 });
    if (!world.witness.broken) world.witness.finish();
    await this.#verify();
    for (const process of [...world.processes]) process.crash(false);
    await settled();
    return { broken: world.witness.broken, steps, trace: world.witness.trace };
  }

  /** What checks the logs of real services has nothing to say of this one. */
  async #verify(): Promise<void> {
    const { witness, server } = this.#world;
    for (const { name } of witness.pools) {
      const { violations } = await verifyLog({
        standing: () => server.ground.standing(name),
        portion: (afterSeq, headSeq, most) => server.ground.portion(name, afterSeq, headSeq, most),
      });
      witness.guarded(() => {
        for (const { invariant, seq, message } of violations)
          must(false, invariant, () => `fact ${seq} of ${name}: ${message}`);
      });
    }
  }

  async #take(step: Step): Promise<void> {
    const world = this.#world;
    this.#random = new Random(step.draw);
    if ('together' in step) {
      const process = step.process === null ? world.serving : this.#process(step.process);
      if (step.do === 'ask again') world.clients.askAgain(step, process);
      else {
        const { process: _, keyed, together: __, draw: ___, ...ask } = step;
        world.clients.ask(ask, process, keyed);
      }
      if (step.together) return;
    } else {
      if (!step.do.startsWith('pass')) world.witness.note(() => JSON.stringify(step));
      this.#watchTakeOver(step);
      await this.#happen(step);
    }
    await settled();
    await world.audit();
    world.witness.guarded(() => this.#mustBeTakenOver());
  }

  async #happen(event: Event): Promise<void> {
    const world = this.#world;
    switch (event.do) {
      case 'pass':
        return this.#pass(event.ms);
      case 'pass to what comes next':
        return this.#pass((world.timeline.next ?? world.timeline.now) - world.timeline.now);
      case 'start':
        return world.startProcess(event.clockOffMs);
      case 'roll':
        return this.#roll();
      case 'hang':
        return this.#hang();
      case 'sleep':
        return this.#sleep(event.ms);
      case 'restart the database':
        return world.server.restart(event.forMs);
      case 'set the database clock':
        // Within bounds, or nobody could say how old a key is.
        if (Math.abs(world.server.clockOffMs + event.byMs) < 3 * hour) world.server.clockOffMs += event.byMs;
        return;
      case 'hang up':
        return world.clients.hangUp(event.back);
      case 'calm down':
        return this.#calmDown();
      case 'end a pool with a line':
      case 'shrink and grow':
      case 'sleep past the end of waiting':
      case 'come to a line':
        return play(event, {
          world,
          pass: (ms) => this.#pass(ms),
          wake: (process, callsFirst) => this.#wake(process, callsFirst),
        });
      default:
        return this.#happenTo(event);
    }
  }

  #happenTo(event: Extract<Event, { process: number }>): Promise<void> | void {
    const process = this.#process(event.process);
    if (!process) return;
    switch (event.do) {
      case 'weather':
        process.network.weather = event.weather;
        return;
      case 'fail the next commit':
        return process.network.plan(event.fate);
      case 'crash':
        return process.crash(event.withHost);
      case 'stop':
        return process.stop(event.afterMs);
      case 'pause':
        return process.pause();
      case 'wake':
        return this.#wake(process, event.callsFirst);
      default:
        return event satisfies never;
    }
  }

  #process(number: number) {
    const { processes } = this.#world;
    return processes[number % Math.max(1, processes.length)];
  }

  async #pass(ms: number): Promise<void> {
    const { timeline } = this.#world;
    const until = timeline.now + ms;
    await settled();
    while (timeline.step(until)) await settled();
    timeline.now = Math.max(timeline.now, until);
  }

  async #wake(process: World['processes'][number], callsFirst: boolean): Promise<void> {
    process.wake();
    if (callsFirst) this.#world.clients.deliverTo(process);
    await this.#pass(0);
    this.#world.clients.deliverTo(process);
  }

  /** Nobody runs for so long, as on a machine that sleeps. */
  async #sleep(ms: number): Promise<void> {
    const { processes } = this.#world;
    for (const process of processes) process.pause();
    await this.#pass(ms);
    for (const process of [...processes]) await this.#wake(process, false);
  }

  async #roll(): Promise<void> {
    const old = this.#world.serving;
    this.#world.startProcess(0);
    await this.#pass(200);
    old?.stop(0);
    await this.#pass(500);
  }

  async #hang(): Promise<void> {
    const { serving } = this.#world;
    this.#world.startProcess(0);
    await this.#pass(100);
    serving?.pause();
    await this.#pass(2500);
  }

  /** Nothing goes wrong any more: soon somebody serves, everybody is answered, and no lease is there that is over. */
  async #calmDown(): Promise<void> {
    const world = this.#world;
    world.server.downUntil = Number.NEGATIVE_INFINITY;
    if (world.processes.every(({ state }) => state !== 'up')) world.startProcess(0);
    for (const process of [...world.processes]) {
      process.network.heal();
      await this.#wake(process, false);
    }
    const end = world.timeline.now + recoveryMsMax;
    while (world.timeline.now < end && !this.#isWell() && !world.witness.broken) {
      await this.#pass(50);
      if (world.processes.length === 0) world.startProcess(0);
    }
    const stages = () => world.processes.map(({ name, service }) => `${name} ${service.stage}`).join();
    const late = () => world.clients.outstanding.map(({ number }) => number).join();
    world.witness.guarded(() => must(this.#isWell(), 'recovery', () => `${stages()}; unanswered: ${late()}`));
    await this.#serveOnce();
  }

  #isWell(): boolean {
    return this.#world.processes.some(isServing) && this.#world.clients.areServed;
  }

  /** The first attempts may meet connections that have died in silence. */
  async #serveOnce(): Promise<void> {
    const world = this.#world;
    for (let attempt = 1; attempt <= 5 && !world.witness.broken; attempt++) {
      const process = world.serving!;
      world.clients.ask({ do: 'allocate', pool: 0, user: 0, ttlMs: 60_000 }, process);
      const seen = world.clients.ask({ do: 'list', pool: 0, status: 'all', limit: 100 }, process);
      await this.#pass(3000);
      if (seen?.outcome == null || 'refused' in seen.outcome) continue;
      // What has just run out may be on its way into the log, over a connection that has died in silence.
      const before = process.time.now() - recoveryMsMax / 5;
      const [over] = world.witness.pools.flatMap((pool) => pool.overdue(before));
      world.witness.guarded(() =>
        must(over === undefined, 'I6', () => `what ${over?.tokenId} is in is over, and not ended`),
      );
      return;
    }
    world.witness.guarded(() => must(false, 'recovery', () => 'a calm pool does not serve'));
  }

  /** A crash that everybody hears of, with nothing else wrong and a process standing by: it takes over. */
  #watchTakeOver(event: Event): void {
    const { timeline, processes, server } = this.#world;
    if (event.do.startsWith('pass') || event.do === 'calm down') return;
    const isCalm = processes.every(({ network, isPaused }) => network.isCalm && !isPaused) && !server.isDown;
    const isHeard = event.do === 'crash' && !event.withHost;
    const standsBy = (each: World['processes'][number]) =>
      each.state === 'up' && each.service.stage === 'standby';
    const others = processes.filter((each) => isHeard && each !== this.#process(event.process));
    const isAwaited = isHeard && isCalm && others.length > 0 && others.every(standsBy);
    this.#takeOverBy = isAwaited ? timeline.now + takeOverMsMax : Number.POSITIVE_INFINITY;
  }

  #mustBeTakenOver(): void {
    const { timeline, processes } = this.#world;
    if (timeline.now <= this.#takeOverBy) return;
    this.#takeOverBy = Number.POSITIVE_INFINITY;
    must(processes.some(isServing), 'I6', () => 'nobody has taken the pool over in time');
  }
}
