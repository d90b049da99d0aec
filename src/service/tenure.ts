/**
 * How this process comes to hold the pool, and how it loses it: opens it when nobody else does, stands by while
 * another process holds it, and begins anew when it has been fenced out. One running pool a tenure.
 */
import type { Clock } from '../clock.ts';
import type { Timers } from '../journal/in-time.ts';
import type { Journal } from '../journal/journal.ts';
import { type Instants, Unfit } from '../journal/store.ts';
import type { Fact } from '../lease/fact.ts';
import type { Stage } from '../lease/refusal.ts';
import { Pool } from '../pool/pool.ts';
import { newId } from '../random.ts';
import { Housekeeping, type HousekeepingListener, type HousekeepingOptions } from './housekeeping.ts';

export interface ServiceOptions extends HousekeepingOptions {
  clock: Clock;
  /** How many tokens the pool has. */
  size: number;
  /** TTL where a caller names none. */
  ttlMs: number;
  proofRequired: boolean;
  /** How often a process on standby asks whether the pool is free, by `timers`. */
  standbyPollMs: number;
  timers: Timers;
}

/** What the service tells of itself, for logs and metrics. */
export interface ServiceListener extends HousekeepingListener {
  stage(stage: Stage, why?: unknown): void;
  committed(facts: readonly Fact[], commitMs: number): void;
  /** The sweep ended leases whose timers had not fired; it never should. */
  swept(leases: number): void;
  /** A bug, or a pool that does not fit: nothing more is answered, and the process had better end. */
  crashed(error: unknown): void;
}

const sweepEveryMs = 1000;

export class Tenure {
  readonly #journal: Journal;
  readonly #options: ServiceOptions;
  readonly #listener: ServiceListener;
  readonly #housekeeping: Housekeeping;
  #pool: Pool;
  #sweep: unknown;
  #stopping = false;

  constructor(journal: Journal, options: ServiceOptions, listener: ServiceListener) {
    this.#journal = journal;
    this.#options = options;
    this.#listener = listener;
    const { clock, timers } = options;
    this.#housekeeping = new Housekeeping(journal, options, clock, timers, listener);
    this.#pool = this.#newPool();
  }

  /** The running pool of this tenure. */
  get pool(): Pool {
    return this.#pool;
  }

  /** Resolves when the pool is open here, or this process stands by. */
  async start(): Promise<void> {
    if (await this.#journal.hold()) await this.#open();
    else {
      await this.#journal.checkSize(this.#options.size);
      this.#signal({ type: 'STAND_BY' });
      this.#keepAsking();
    }
  }

  /** Refuses every command from now on. */
  stop(): void {
    this.#stopping = true;
    this.#housekeeping.end();
    this.#signal({ type: 'STOP' });
  }

  /** No timer of the pool fires after it. */
  end(): void {
    this.#options.clock.clearTimeout(this.#sweep);
    this.#pool.stop();
  }

  #newPool(): Pool {
    const { clock, proofRequired } = this.#options;
    return new Pool(
      clock,
      { proofRequired },
      {
        record: (fact) => this.#journal.append(fact),
        crashed: (error) => {
          // A command half done has been appended by now: nothing of it may reach the log.
          this.#journal.abandon();
          clock.clearTimeout(this.#sweep);
          this.#housekeeping.end();
          this.#listener.crashed(error);
        },
      },
    );
  }

  #signal(event: Parameters<Pool['signal']>[0], why?: unknown): void {
    this.#pool.signal(event);
    this.#listener.stage(this.#pool.stage, why);
  }

  async #open(): Promise<void> {
    const request = {
      size: this.#options.size,
      newTokenId: newId,
      at: (seen: Instants) => this.#beginAt(seen),
    };
    const opening = await this.#journal.openPool(request, {
      lost: (error) => this.#signal({ type: 'JOURNAL_LOST' }, error),
      back: () => this.#signal({ type: 'JOURNAL_BACK' }),
      fenced: () => this.#leave(),
      broken: (error) => this.#listener.crashed(error),
      committed: (facts, commitMs) => this.#listener.committed(facts, commitMs),
    });
    if (this.#stopping) return;
    this.#pool.open(opening);
    this.#listener.stage(this.#pool.stage);
    this.#armSweep();
    this.#housekeeping.begin(() => this.#pool.stage === 'serving');
  }

  /**
   * Time goes on from the database's, so that processes whose own clocks differ neither end nor stretch a lease; and
   * never runs backwards in the log, whatever has been done to the database's clock.
   */
  #beginAt({ database, last }: Instants): number {
    const { clock } = this.#options;
    clock.anchor?.(Math.max(database, last ?? database));
    return clock.now();
  }

  /** Another process has the pool: everything known here is history, and this process stands by anew. */
  #leave(): void {
    this.#options.clock.clearTimeout(this.#sweep);
    this.#housekeeping.end();
    if (this.#stopping) return;
    this.#signal({ type: 'FENCED' });
    this.#pool = this.#newPool();
    this.#signal({ type: 'STAND_BY' });
    this.#keepAsking();
  }

  /** Asks for the pool again and again, until it is had or the process ends. */
  #keepAsking(silent = false): void {
    this.#options.timers.setTimeout(async () => {
      let answered = true;
      if (this.#stopping) return;
      try {
        if ((await this.#journal.hold()) && !this.#stopping) return await this.#open();
      } catch (error) {
        // Asking on would keep the pool from those whom it fits.
        if (error instanceof Unfit) return this.#listener.crashed(error);
        answered = false;
        // Once for each time that the database falls silent, not for each question.
        if (!this.#stopping && !silent) this.#listener.unanswered(error);
      }
      this.#keepAsking(!answered);
    }, this.#options.standbyPollMs);
  }

  #armSweep(): void {
    const { clock } = this.#options;
    const armedAt = clock.now();
    this.#sweep = clock.setTimeout(() => {
      // However late a process runs its timers that was stopped for a while: those that were due when this one was
      // set have had their turn, and of any other it is not known.
      if (this.#pool.isOverdue(armedAt)) this.#listener.swept(this.#pool.pass(clock.now()));
      this.#armSweep();
    }, sweepEveryMs);
  }
}
