/**
 * Housekeeping: facts and answers that are no longer kept are deleted while the pool is served, a few at a time.
 * Decides when and how much; what is deleted, and how, is the journal's.
 */
import type { Clock } from '../clock.ts';
import type { Timers } from '../journal/in-time.ts';

export interface HousekeepingOptions {
  /** How long a fact is kept; `Infinity` for ever. */
  retentionMs: number;
  /** How many answers to requests with an Idempotency-Key are kept at most. */
  keysMax: number;
  /** Elapsed time, for measuring only; the clock's, where that is real. */
  elapsed?: () => number;
}

/** What is deleted from, a batch at a time; each says how many it was. */
export interface Prunable {
  /** The pools with facts to prune. */
  due(before: number): Promise<readonly string[]>;
  prune(pool: string, before: number, most: number): Promise<number>;
  /** Of all pools. */
  pruneKeyed(at: number, keysMax: number, most: number): Promise<number>;
}

export interface HousekeepingListener {
  /** So many facts and answers are no longer kept. */
  pruned(facts: number, keys: number): void;
  /** The database did not answer a question, told once for each time that it falls silent. No fact depended on it, and it will be asked again. */
  unanswered(error: unknown): void;
}

/** So few that nobody waits long for a batch, so many that the pauses after them do not count. */
const batchMost = 1000;
/** After each batch, so many times as long as it took: deleting takes a fifth of the time, whatever the machine. */
const pausesPerBatch = 4;
/** When nothing was left to delete, and when the database did not answer. */
const idleMs = 5000;

export class Housekeeping {
  readonly #options: HousekeepingOptions;
  readonly #clock: Clock;
  readonly #timers: Timers;
  readonly #elapsed: () => number;
  readonly #listener: HousekeepingListener;
  #silent = false;
  #next: unknown;
  /** Counts the times it has begun or ended: what was under way then is not gone on with. */
  #turn = 0;

  constructor(options: HousekeepingOptions, clock: Clock, timers: Timers, listener: HousekeepingListener) {
    this.#options = options;
    this.#clock = clock;
    this.#timers = timers;
    this.#elapsed = options.elapsed ?? (() => clock.now());
    this.#listener = listener;
  }

  /** From now on, while `isServing`. */
  begin(from: Prunable, isServing: () => boolean): void {
    this.end();
    const turn = this.#turn;
    void this.#run(from, () => turn === this.#turn, isServing);
  }

  /** Begins no further batch. */
  end(): void {
    this.#turn++;
    this.#timers.clearTimeout(this.#next);
  }

  async #run(from: Prunable, isOn: () => boolean, isServing: () => boolean): Promise<void> {
    // Commits that are being tried again may look for facts by their numbers.
    const goesOn = () => isOn() && isServing();
    for (let waitMs = idleMs; isOn(); waitMs = await this.#round(from, goesOn)) await this.#wait(waitMs);
  }

  /** A batch from each, as far as it comes to that, and a pause between them. How long to wait then. */
  async #round(from: Prunable, goesOn: () => boolean): Promise<number> {
    let pauseMs = 0;
    let isMore = false;
    const batch = async (take: (at: number) => Promise<number>) => {
      await this.#wait(pauseMs);
      if (!goesOn()) return 0;
      const since = this.#elapsed();
      const rows = await take(this.#clock.now());
      pauseMs = rows === 0 ? 0 : pausesPerBatch * Math.max(1, this.#elapsed() - since);
      isMore ||= rows === batchMost;
      return rows;
    };
    try {
      const keys = await batch((at) => from.pruneKeyed(at, this.#options.keysMax, batchMost));
      if (keys > 0) this.#listener.pruned(0, keys);
      for (const pool of goesOn() ? await this.#due(from) : []) {
        const facts = await batch((at) => from.prune(pool, at - this.#options.retentionMs, batchMost));
        if (facts > 0) this.#listener.pruned(facts, 0);
      }
      this.#silent = false;
      return isMore ? pauseMs : Math.max(idleMs, pauseMs);
    } catch (error) {
      if (goesOn() && !this.#silent) this.#listener.unanswered(error);
      this.#silent = true;
      return idleMs;
    }
  }

  async #due(from: Prunable): Promise<readonly string[]> {
    const { retentionMs } = this.#options;
    return retentionMs === Number.POSITIVE_INFINITY ? [] : from.due(this.#clock.now() - retentionMs);
  }

  /** For ever, where it ends meanwhile. */
  #wait(ms: number): Promise<void> {
    if (ms === 0) return Promise.resolve();
    return new Promise((resolve) => {
      this.#next = this.#timers.setTimeout(resolve, ms);
    });
  }
}
