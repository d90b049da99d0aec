/**
 * How this process comes to hold the pools, and how it loses them: opens them all when nobody else does, stands by while
 * another process holds them, and begins anew when it has been fenced out.
 */
import type { Clock } from '../clock.ts';
import type { Timers } from '../journal/in-time.ts';
import type { Journal } from '../journal/journal.ts';
import type { OpenedPool } from '../journal/opening.ts';
import type { PoolJournal } from '../journal/pool-journal.ts';
import { type Instants, type PoolRequest, type SealedFact, Unfit } from '../journal/store.ts';
import type { Stage } from '../lease/refusal.ts';
import { Pool } from '../pool/pool.ts';
import { type Feed, Feeds } from './feed.ts';
import { Housekeeping, type HousekeepingListener, type HousekeepingOptions } from './housekeeping.ts';
import { asFarAsFree, missing } from './making.ts';
import { Messages } from './messages.ts';
import { Sweep, type SweepOptions } from './sweep.ts';
import { Line, Seats } from './waiting.ts';

export interface TenureOptions extends HousekeepingOptions, SweepOptions {
  clock: Clock;
  /** The pools that there are in any case; the first one is the default pool. */
  declared: readonly [PoolRequest, ...PoolRequest[]];
  proofRequired: boolean;
  /** The pool of which that does not hold: its clients are never told a lease id. */
  unproven?: string;
  /** Shows somebody the default pool, whenever this process has opened it. */
  inspect?: (pool: Pool) => void;
  /** For all who wait; any number of them unless said. */
  seats?: Seats;
  /** How often a process on standby asks whether the pools are free, by `timers`. */
  standbyPollMs: number;
  timers: Timers;
}

/** What the service tells of itself, for logs and metrics. */
export interface ServiceListener extends HousekeepingListener {
  stage(stage: Stage, why?: unknown): void;
  committed(facts: readonly SealedFact[], commitMs: number): void;
  /** The sweep ended leases whose timers had not fired; it never should. */
  swept(leases: number): void;
  /** A pool is not served, and others are: its tables do not go together. */
  damaged(pool: string, why: string): void;
  /** A bug, or a log that does not fit: nothing more is answered, and the process had better end. */
  crashed(error: unknown): void;
}

/** A pool that this process serves, and what goes with it. */
export interface HeldPool {
  name: string;
  pool: Pool;
  journal: PoolJournal;
  /** Those who wait for one of its tokens. */
  line: Line;
  /** Those who watch its log. */
  feed: Feed;
  /** Those who look on at what passes in it. */
  messages: Messages;
}

export class Tenure {
  readonly #journal: Journal;
  readonly #options: TenureOptions;
  readonly #listener: ServiceListener;
  readonly #housekeeping: Housekeeping;
  #stage: Stage = 'starting';
  #pools = new Map<string, HeldPool>();
  readonly #feeds = new Feeds();
  readonly #sweep: Sweep;

  constructor(journal: Journal, options: TenureOptions, listener: ServiceListener) {
    this.#journal = journal;
    this.#options = options;
    this.#listener = listener;
    const { clock, timers } = options;
    this.#housekeeping = new Housekeeping(options, clock, timers, listener);
    this.#sweep = new Sweep(clock, options, (leases) => listener.swept(leases));
  }

  get stage(): Stage {
    return this.#stage;
  }

  /** Of the pools that are served here; none on standby. */
  get pools(): ReadonlyMap<string, HeldPool> {
    return this.#pools;
  }

  /** Resolves when the pools are open here, or this process stands by. */
  async start(): Promise<void> {
    if (await this.#journal.hold()) await this.#open();
    else {
      await this.#journal.check(this.#options.declared);
      this.#enter('standby');
      this.#keepAsking();
    }
  }

  /** Refuses every command from now on. */
  stop(): void {
    this.#housekeeping.end();
    this.#signal({ type: 'STOP' });
    this.#feeds.end();
    this.#enter('stopping');
  }

  /** No timer of the pools fires after it. */
  end(): void {
    this.#sweep.end();
    for (const { pool } of this.#pools.values()) pool.stop();
  }

  /** Serves a pool from what the log says of it. */
  serve(opened: OpenedPool): HeldPool {
    const journal = this.#journal.pool(opened.pool);
    const held = this.#hold(opened, journal);
    this.#pools.set(opened.pool, held);
    held.pool.open(opened);
    return held;
  }

  /** The pool is no more. */
  drop({ name, pool }: HeldPool): void {
    pool.signal({ type: 'STOP' });
    pool.stop();
    this.#pools.delete(name);
    this.#journal.drop(name);
  }

  get #isStopping(): boolean {
    return this.#stage === 'stopping';
  }

  #hold({ pool: name, options, seq }: OpenedPool, journal: PoolJournal): HeldPool {
    const { clock, timers, unproven, seats = new Seats(Number.POSITIVE_INFINITY) } = this.#options;
    const proofRequired = this.#options.proofRequired && name !== unproven;
    const line = new Line(seats);
    const pool = new Pool(
      clock,
      { options, proofRequired },
      {
        record: (fact) => journal.append(fact),
        recordChange: ({ at, options }) => journal.appendOfPool({ type: 'changed', at, options }),
        recordClosing: (at) => void journal.appendOfPool({ type: 'closed', at }),
        served: (leaseId, answer) => line.served(leaseId, answer),
        crashed: (error) => {
          // A command half done has been appended by now: nothing of it may reach the log.
          this.#journal.abandon();
          this.#sweep.end();
          this.#housekeeping.end();
          this.#listener.crashed(error);
        },
      },
    );
    if (name === this.#options.declared[0].pool) this.#options.inspect?.(pool);
    const feed = this.#feeds.begin(name, seq);
    return { name, pool, journal, line, feed, messages: new Messages(clock, timers, pool, feed) };
  }

  #enter(stage: Stage, why?: unknown): void {
    this.#stage = stage;
    this.#listener.stage(stage, why);
  }

  #signal(event: Parameters<Pool['signal']>[0]): void {
    for (const { pool } of this.#pools.values()) pool.signal(event);
  }

  async #open(): Promise<void> {
    const request = { declared: this.#options.declared, at: (seen: Instants) => this.#beginAt(seen) };
    const opened = await this.#journal.openPools(request, {
      lost: (error) => {
        this.#signal({ type: 'JOURNAL_LOST' });
        if (!this.#isStopping) this.#enter('degraded', error);
      },
      back: () => {
        this.#signal({ type: 'JOURNAL_BACK' });
        if (!this.#isStopping) this.#enter('serving');
      },
      fenced: () => this.#leave(),
      broken: (error) => this.#listener.crashed(error),
      committed: (facts, commitMs) => {
        this.#feeds.push(facts, commitMs);
        this.#listener.committed(facts, commitMs);
      },
    });
    if (this.#isStopping) return;
    for (const [pool, why] of this.#journal.damaged) this.#listener.damaged(pool, why);
    for (const each of opened) this.#goByDeclared(this.serve(each));
    this.#enter('serving');
    this.#sweep.begin(() => this.#pools.values());
    this.#housekeeping.begin(this.#journal.upkeep, () => this.#stage === 'serving');
  }

  /** A pool goes by what it is declared to be, unless it has done so before and has been changed since. */
  #goByDeclared({ name, pool }: HeldPool): void {
    const declared = this.#options.declared.find((each) => each.pool === name);
    if (declared === undefined || pool.options.declaration === declared.options.declaration) return;
    const at = this.#options.clock.now();
    pool.pass(at);
    const options = asFarAsFree(pool, declared.options);
    pool.command({ type: 'CHANGE', at, options, newTokens: missing(pool, options) });
  }

  /**
   * Time goes on from the database's, so that processes whose own clocks differ neither end nor stretch a lease; and
   * never runs backwards in a log, whatever has been done to the database's clock.
   */
  #beginAt({ database, last }: Instants): number {
    const { clock } = this.#options;
    clock.anchor?.(Math.max(database, last ?? database), last);
    return clock.now();
  }

  /** Another process has the pools: everything known here is history, and this process stands by anew. */
  #leave(): void {
    this.#sweep.end();
    this.#housekeeping.end();
    this.#signal({ type: 'FENCED' });
    this.#feeds.end();
    this.#pools = new Map();
    if (this.#isStopping) return;
    this.#enter('fenced');
    this.#enter('standby');
    this.#keepAsking();
  }

  /** Asks for the pools again and again, until they are had or the process ends. */
  #keepAsking(silent = false): void {
    this.#options.timers.setTimeout(async () => {
      let answered = true;
      if (this.#isStopping) return;
      try {
        if ((await this.#journal.hold()) && !this.#isStopping) return await this.#open();
      } catch (error) {
        // Asking on would keep the pools from those whom they fit.
        if (error instanceof Unfit) return this.#listener.crashed(error);
        answered = false;
        // Once for each time that the database falls silent, not for each question.
        if (!this.#isStopping && !silent) this.#listener.unanswered(error);
      }
      this.#keepAsking(!answered);
    }, this.#options.standbyPollMs);
  }
}
