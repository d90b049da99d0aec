/** A service in this process, on a simulated clock and a real journal, with everything it tells written down. */

import { onTestFinished } from 'vitest';
import { completed } from '../../src/declared/options-schema.ts';
import type { Timers } from '../../src/journal/in-time.ts';
import { Journal, type JournalTimes } from '../../src/journal/journal.ts';
import type { PostgresTimes } from '../../src/journal/postgres.ts';
import type { SealedFact } from '../../src/journal/store.ts';
import type { DeclaredPool, PoolOptions } from '../../src/lease/pool-options.ts';
import { map, type Outcome, type Refusal, type Stage } from '../../src/lease/refusal.ts';
import { newId } from '../../src/random.ts';
import type { Grant } from '../../src/service/allocating.ts';
import type { PoolReads } from '../../src/service/pool-reads.ts';
import type { PoolService } from '../../src/service/pool-service.ts';
import { Service, type ServiceOptions } from '../../src/service/service.ts';
import { SimulatedClock } from '../../src/simulated-clock.ts';
import { type DatabaseKind, freshDatabase, type Where } from './databases.ts';

/** 2026-01-31, so that two minutes and a month's end are near. */
export const start = Date.UTC(2026, 0, 31, 12);

export const twoMinutes = 120_000;
export const thirtyDays = 2_592_000_000;

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
  silenceMs: () => 1000,
  now: () => performance.now(),
  timers: realTimers,
};

/** The clock of simulated time, from `start` on unless said. */
export class SteppedClock extends SimulatedClock {
  constructor(now = start) {
    super(now);
  }

  /** Lets time pass without a timer firing, as it does in a process that is busy. */
  stall(ms: number): void {
    this.instant += ms;
  }
}

export interface World {
  where: Where;
  clock: SteppedClock;
  service: Service;
  /** The default pool, as it is served now. */
  pool: DefaultPool;
  journal: Journal;
  stages: Stage[];
  facts: SealedFact[];
  unanswered: unknown[];
  swept: number;
  pruned: { facts: number; keys: number };
  damaged: string[];
  crashes: unknown[];
  /** Ends this service, cleanly. */
  close(): Promise<void>;
}

export interface WorldOptions extends Partial<ServiceOptions> {
  /** Of the default pool, which is the only one unless others are declared. */
  size?: number;
  ttlMs?: number;
  pool?: Partial<PoolOptions>;
  others?: readonly DeclaredPool[];
  kind?: DatabaseKind;
  where?: Where;
  clock?: SteppedClock;
  times?: Partial<JournalTimes>;
}

/** A started service; several worlds can share a database by `where`. */
export async function createWorld(options: WorldOptions = {}): Promise<World> {
  const { kind = 'postgres', times, clock = new SteppedClock(), ...others } = options;
  const { size = 100, ttlMs = twoMinutes, pool = {}, others: declared = [], ...rest } = others;
  const chosen = completed(pool, { size, ttlMs, ttlMsMax: Math.max(thirtyDays, ttlMs) });
  const where = options.where ?? (await freshDatabase(kind));
  const journal = await Journal.open(where, newId(), { ...commitTimes, ...times });
  const world = {
    where,
    journal,
    clock,
    stages: [],
    facts: [],
    unanswered: [],
    swept: 0,
    pruned: { facts: 0, keys: 0 },
    damaged: [],
    crashes: [],
  } as unknown as World;
  world.service = new Service(
    journal,
    {
      declared: [{ name: 'default', options: chosen }, ...declared],
      proofRequired: false,
      standbyPollMs: 20,
      retentionMs: Number.POSITIVE_INFINITY,
      keysMax: 1_000_000,
      tokensMax: 1_000_000,
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
      damaged: (pool) => world.damaged.push(pool),
      crashed: (error) => world.crashes.push(error),
    },
  );
  world.pool = new DefaultPool(world.service);
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

/** The default pool, for tests that know of no other: one token at a time. */
export class DefaultPool {
  readonly #service: Service;

  constructor(service: Service) {
    this.#service = service;
  }

  /** Refused where the service is not serving. */
  #ask<T>(ask: (pool: PoolService) => Promise<Outcome<T>>): Promise<Outcome<T>> {
    const found = this.#service.pool();
    return 'refused' in found ? Promise.resolve(found) : ask(found.ok);
  }

  get counts() {
    return ok(this.#service.pool()).counts;
  }

  async allocate(...args: Parameters<PoolService['allocate']>): Promise<Outcome<Grant>> {
    return map(await this.#ask((pool) => pool.allocate(...args)), ([grant]) => grant!);
  }

  renew(...args: Parameters<PoolService['renew']>) {
    return this.#ask((pool) => pool.renew(...args));
  }

  release(...args: Parameters<PoolService['release']>) {
    return this.#ask((pool) => pool.release(...args));
  }

  releaseAll(...args: Parameters<PoolService['releaseAll']>) {
    return this.#ask((pool) => pool.releaseAll(...args));
  }

  tokens(...args: Parameters<PoolReads['tokens']>) {
    return this.#ask((pool) => pool.reads.tokens(...args));
  }

  token(...args: Parameters<PoolReads['token']>) {
    return this.#ask((pool) => pool.reads.token(...args));
  }

  history(...args: Parameters<PoolReads['history']>) {
    return this.#ask((pool) => pool.reads.history(...args));
  }

  facts(...args: Parameters<PoolReads['facts']>) {
    return this.#ask((pool) => pool.reads.facts(...args));
  }
}

export function ok<T>(outcome: Outcome<T>): T {
  if ('refused' in outcome) throw new Error(`refused: ${JSON.stringify(outcome.refused)}`);
  return outcome.ok;
}

export function refusal(outcome: Outcome<unknown>): Refusal {
  if ('ok' in outcome) throw new Error(`not refused: ${JSON.stringify(outcome.ok)}`);
  return outcome.refused;
}
