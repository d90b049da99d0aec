/** Looks every second for leases that are over though no timer has said so. It finds none, unless timers are lost. */
import type { Clock, Timers } from '../clock.ts';
import type { Pool } from '../pool/pool.ts';

const everyMs = 1000;

export interface SweepOptions {
  /** By which it looks every second; the clock's unless said. A month of simulated time has 2.6 million seconds. */
  sweepTimers?: Timers;
}

export class Sweep {
  readonly #clock: Clock;
  readonly #timers: Timers;
  readonly #swept: (leases: number) => void;
  #timer: unknown;

  /** `swept` is told of leases that were ended so. */
  constructor(clock: Clock, { sweepTimers = clock }: SweepOptions, swept: (leases: number) => void) {
    this.#clock = clock;
    this.#timers = sweepTimers;
    this.#swept = swept;
  }

  begin(pools: () => Iterable<{ pool: Pool }>): void {
    const armedAt = this.#clock.now();
    this.#timer = this.#timers.setTimeout(() => {
      for (const { pool } of pools()) {
        // However late a process runs its timers that was stopped for a while: those that were due when this one was
        // set have had their turn, and of any other it is not known.
        if (pool.isOverdue(armedAt)) this.#swept(pool.pass(this.#clock.now()));
      }
      this.begin(pools);
    }, everyMs);
  }

  end(): void {
    this.#timers.clearTimeout(this.#timer);
  }
}
