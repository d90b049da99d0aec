/** A service in this process, on a simulated clock and a real journal, with everything it tells written down. */

import { onTestFinished } from 'vitest';
import { SimulatedClock } from 'xstate';
import type { Clock } from '../../src/clock.ts';
import type { Timers } from '../../src/journal/in-time.ts';
import { Journal, type JournalTimes } from '../../src/journal/journal.ts';
import type { PostgresTimes } from '../../src/journal/postgres.ts';
import type { Fact } from '../../src/lease/fact.ts';
import type { Outcome, Refusal, Stage } from '../../src/lease/refusal.ts';
import { newId } from '../../src/random.ts';
import { Service } from '../../src/service/service.ts';
import type { ServiceOptions } from '../../src/service/tenure.ts';
import { type DatabaseKind, freshDatabase, type Where } from './databases.ts';

/** 2026-01-31, so that two minutes and a month's end are near. */
export const start = Date.UTC(2026, 0, 31, 12);

export const twoMinutes = 120_000;

/** How long a service of a test may take to write what is left. */
export const shutdownMs = 10_000;

/** The waits of the journal, which talks to a real database, are real. */
export const realTimers: Timers = {
  setTimeout: (run, ms) => setTimeout(run, ms),
  clearTimeout: (timer) => clearTimeout(timer as NodeJS.Timeout),
};

export const commitTimes: JournalTimes & PostgresTimes = {
  commitTimeoutMs: 5000,
  holdTimeoutMs: 5000,
  patienceMs: 5000,
  retryMs: 10,
  retryMsMax: 50,
  silenceMs: 1000,
  now: () => performance.now(),
  timers: realTimers,
};

/**
 * XState's simulated clock, moved from timer to timer: the original jumps to the end before it fires, so that
 * everything on the way would happen at the same, wrong, instant.
 */
export class SteppedClock extends SimulatedClock implements Clock {
  readonly #due = new Map<number, number>();

  constructor(now = start) {
    super();
    this.set(now);
  }

  override setTimeout(run: () => void, delayMs: number): number {
    const id = super.setTimeout(() => {
      this.#due.delete(id);
      run();
    }, delayMs);
    this.#due.set(id, this.now() + Math.max(0, delayMs));
    return id;
  }

  override clearTimeout(id: unknown): void {
    this.#due.delete(id as number);
    super.clearTimeout(id as number);
  }

  /** Lets time pass without a timer firing, as it does in a process that is busy. */
  stall(ms: number): void {
    (this as unknown as { _now: number })._now += ms;
  }

  /** Lets time pass, each timer at its own instant. */
  advance(ms: number): void {
    const end = this.now() + ms;
    for (;;) {
      const next = Math.min(...this.#due.values());
      if (next > end) break;
      this.set(Math.max(next, this.now()));
    }
    this.set(end);
  }
}

export interface World {
  where: Where;
  clock: SteppedClock;
  service: Service;
  journal: Journal;
  stages: Stage[];
  facts: Fact[];
  unanswered: unknown[];
  swept: number;
  pruned: { facts: number; keys: number };
  crashes: unknown[];
  /** Ends this service, cleanly. */
  close(): Promise<void>;
}

export interface WorldOptions extends Partial<ServiceOptions> {
  kind?: DatabaseKind;
  where?: Where;
  clock?: SteppedClock;
  times?: Partial<JournalTimes>;
}

/** A started service; several worlds can share a database by `where`. */
export async function createWorld(options: WorldOptions = {}): Promise<World> {
  const { kind = 'postgres', times, clock = new SteppedClock(), ...rest } = options;
  const where = options.where ?? (await freshDatabase(kind));
  const journal = await Journal.open(where, 'default', newId(), { ...commitTimes, ...times });
  const world = {
    where,
    journal,
    clock,
    stages: [],
    facts: [],
    unanswered: [],
    swept: 0,
    pruned: { facts: 0, keys: 0 },
    crashes: [],
  } as unknown as World;
  world.service = new Service(
    journal,
    {
      size: 100,
      ttlMs: twoMinutes,
      proofRequired: false,
      standbyPollMs: 20,
      retentionMs: Number.POSITIVE_INFINITY,
      keysMax: 1_000_000,
      timers: realTimers,
      ...rest,
      clock,
    },
    {
      stage: (stage) => world.stages.push(stage),
      committed: (facts) => world.facts.push(...facts),
      unanswered: (error) => world.unanswered.push(error),
      swept: (leases) => {
        world.swept += leases;
      },
      pruned: (facts, keys) => {
        world.pruned.facts += facts;
        world.pruned.keys += keys;
      },
      crashed: (error) => world.crashes.push(error),
    },
  );
  let closed = false;
  world.close = async () => {
    if (closed) return;
    closed = true;
    world.service.stopServing();
    await world.service.close(shutdownMs);
  };
  onTestFinished(world.close);
  await world.service.start();
  return world;
}

export function ok<T>(outcome: Outcome<T>): T {
  if ('refused' in outcome) throw new Error(`refused: ${JSON.stringify(outcome.refused)}`);
  return outcome.ok;
}

export function refusal(outcome: Outcome<unknown>): Refusal {
  if ('ok' in outcome) throw new Error(`not refused: ${JSON.stringify(outcome.ok)}`);
  return outcome.refused;
}
