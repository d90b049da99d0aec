/**
 * Moves simulated time, where there is any: from deadline to deadline in all pools, each at its own instant, one who moves it
 * after the other. Whoever does is answered when all that it led to is durable.
 */
import { type Clock, elapsedMs } from '../clock.ts';
import { type Outcome, type Refusal, refused, type Stage } from '../lease/refusal.ts';
import { nextDeadline } from '../pool/pool-view.ts';
import { SimulatedClock } from '../simulated-clock.ts';
import type { Once } from './exactly-once.ts';
import type { PoolService } from './pool-service.ts';
import type { HeldPool } from './tenure.ts';

/** What time it is, and when something ends by itself next: a lease, a rest, the keeping of a token, or waiting in line. */
export interface Moment {
  now: number;
  nextDeadline: number | null;
}

export interface Moved extends Moment {
  /** How many facts came of it. */
  facts: number;
}

export interface MovingOptions {
  clock: Clock;
  /** Before time goes on from an instant at which something was due, this has come about. null: there is nothing to wait for. */
  settled?: () => Promise<void> | null;
}

/** The part of a tenure that time is moved in. */
interface Seen {
  readonly stage: Stage;
  readonly pools: ReadonlyMap<string, HeldPool>;
}

type AtDefault = <T>(ask: (home: PoolService) => Promise<Outcome<T>>) => Promise<Outcome<T>>;

/** For so long nothing else is done, but for what is due at one instant. */
const portionMs = 10;

const nextTurn = () => new Promise<void>((resolve) => setImmediate(resolve));

export class Moving {
  readonly #clock: SimulatedClock | null;
  readonly #settled: () => Promise<void> | null;
  readonly #tenure: Seen;
  readonly #atDefault: AtDefault;
  /** Of those who move it, the one who came last. */
  #last: Promise<unknown> = Promise.resolve();

  constructor({ clock, settled = () => null }: MovingOptions, tenure: Seen, atDefault: AtDefault) {
    this.#clock = clock instanceof SimulatedClock ? clock : null;
    this.#settled = settled;
    this.#tenure = tenure;
    this.#atDefault = atDefault;
  }

  /** Refuses `clock_not_simulated`. */
  async moment(): Promise<Outcome<Moment>> {
    const clock = this.#clock;
    return clock ? this.#atDefault((home) => home.confirmed(this.#seenBy(clock))) : notSimulated;
  }

  /**
   * Lets so many milliseconds pass. Refuses `clock_not_simulated`, and `unavailable`, with which no time has passed.
   * `outcome_unknown`: the pools were lost on the way; time stands where it had come to by then.
   */
  async advance(ms: number, once?: Once): Promise<Outcome<Moved>> {
    const clock = this.#clock;
    if (clock === null) return notSimulated;
    return this.#atDefault((home) =>
      home.once<Moved>(once, (keep) =>
        this.#inTurn(async () => {
          const unsure = await home.confirmed(null);
          if ('refused' in unsure) return unsure;
          const facts = await this.#move(clock, clock.now() + ms);
          if (facts === null) return refused({ code: 'outcome_unknown' });
          const moved = { ...this.#seenBy(clock), facts };
          keep(moved);
          return facts > 0 ? home.settled(moved) : home.confirmed(moved);
        }),
      ),
    );
  }

  #inTurn<T>(take: () => Promise<T>): Promise<T> {
    const taken = this.#last.then(take);
    this.#last = taken.catch(() => {});
    return taken;
  }

  /** How many facts came of it; null if the pools were lost before the end. */
  async #move(clock: SimulatedClock, end: number): Promise<number | null> {
    let facts = 0;
    let since = elapsedMs();
    for (let isMore = true; isMore; ) {
      const settled = this.#settled();
      if (settled) await settled;
      if (this.#tenure.stage !== 'serving') return null;
      const before = this.#seq;
      isMore = clock.step(end);
      // Those of requests that come meanwhile do not count.
      facts += this.#seq - before;
      if (isMore && elapsedMs() - since > portionMs) {
        await nextTurn();
        since = elapsedMs();
      }
    }
    return facts;
  }

  /** It rises by one with every fact of any pool. */
  get #seq(): number {
    let seq = 0;
    for (const { pool } of this.#tenure.pools.values()) seq += pool.seq;
    return seq;
  }

  #seenBy(clock: SimulatedClock): Moment {
    const now = clock.now();
    let next = Number.POSITIVE_INFINITY;
    for (const { pool, line } of this.#tenure.pools.values()) {
      pool.pass(now);
      next = Math.min(next, pool.see(nextDeadline), line.next);
    }
    return { now, nextDeadline: Number.isFinite(next) ? next : null };
  }
}

const notSimulated: { refused: Refusal } = refused({
  code: 'clock_not_simulated',
  detail: 'time here is real: start the service with CLOCK=simulated for one that can be moved',
});
