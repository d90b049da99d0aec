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
}

/** What is deleted from, a batch at a time; each says how many it was. */
export interface Prunable {
  prune(before: number, most: number): Promise<number>;
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
/** After a batch, so many times as long as it took: deleting takes a fifth of the time, whatever the machine. */
const pausesPerBatch = 4;
/** When nothing was left to delete, and when the database did not answer. */
const idleMs = 5000;

export class Housekeeping {
  readonly #options: HousekeepingOptions;
  readonly #clock: Clock;
  readonly #timers: Timers;
  readonly #listener: HousekeepingListener;
  #silent = false;
  #next: unknown;
  /** Counts the times it has begun or ended: what was under way then is not gone on with. */
  #turn = 0;

  constructor(options: HousekeepingOptions, clock: Clock, timers: Timers, listener: HousekeepingListener) {
    this.#options = options;
    this.#clock = clock;
    this.#timers = timers;
    this.#listener = listener;
  }

  /** From now on, while `isServing`, from each of what `all` gives, one after the other. */
  begin(all: () => readonly Prunable[], isServing: () => boolean): void {
    this.end();
    this.#later(idleMs, all, isServing);
  }

  /** Begins no further batch. */
  end(): void {
    this.#turn++;
    this.#timers.clearTimeout(this.#next);
  }

  #later(ms: number, all: () => readonly Prunable[], isServing: () => boolean): void {
    const turn = this.#turn;
    this.#next = this.#timers.setTimeout(async () => {
      // Commits that are being tried again may look for facts by their numbers.
      const goesOn = () => turn === this.#turn && isServing();
      const waitMs = await this.#round(all(), goesOn);
      if (turn === this.#turn) this.#later(waitMs, all, isServing);
    }, ms);
  }

  /** A batch from each, as far as it comes to that. How long to wait then. */
  async #round(all: readonly Prunable[], goesOn: () => boolean): Promise<number> {
    let waitMs = idleMs;
    for (const prunable of all) if (goesOn()) waitMs = Math.min(waitMs, await this.#batch(prunable, goesOn));
    return waitMs;
  }

  /** Deletes what is due, up to a batch, and says how long to wait then. */
  async #batch(prunable: Prunable, goesOn: () => boolean): Promise<number> {
    const at = this.#clock.now();
    try {
      const facts = await this.#pruneFacts(prunable, at);
      const keyed = goesOn() ? await prunable.pruneKeyed(at, this.#options.keysMax, batchMost) : 0;
      this.#silent = false;
      if (facts + keyed > 0) this.#listener.pruned(facts, keyed);
      if (facts < batchMost && keyed < batchMost) return idleMs;
      return pausesPerBatch * Math.max(1, this.#clock.now() - at);
    } catch (error) {
      if (goesOn() && !this.#silent) this.#listener.unanswered(error);
      this.#silent = true;
      return idleMs;
    }
  }

  async #pruneFacts(prunable: Prunable, at: number): Promise<number> {
    const { retentionMs } = this.#options;
    return retentionMs === Number.POSITIVE_INFINITY ? 0 : prunable.prune(at - retentionMs, batchMost);
  }
}
