/** What is shown is durable, and true when it is shown: the waiting before each answer, and what keeps one from being given. */
import type { Clock } from '../clock.ts';
import { Fenced, Unconfirmed } from '../journal/group-commit.ts';
import type { PoolJournal } from '../journal/pool-journal.ts';
import type { Lease } from '../lease/lease.ts';
import { type Outcome, type Refusal, refused, type Stage } from '../lease/refusal.ts';
import type { TokenView } from '../lease/view.ts';
import type { Pool } from '../pool/pool.ts';
import type { HeldPool, ServiceListener } from './tenure.ts';

/** How often a look is taken anew because a lease ran out under it. */
const looksMax = 5;

type Refused = { refused: Refusal };

/** A token with a lease. */
export interface Held {
  tokenId: string;
  lease: Lease;
}

export class Durable {
  readonly #clock: Clock;
  readonly #journal: PoolJournal;
  readonly #pool: Pool;
  readonly #stage: () => Stage;
  readonly #listener: Pick<ServiceListener, 'unanswered'>;

  /** `stage`: what the process is doing. */
  constructor(
    clock: Clock,
    { journal, pool }: Pick<HeldPool, 'journal' | 'pool'>,
    stage: () => Stage,
    listener: Pick<ServiceListener, 'unanswered'>,
  ) {
    this.#clock = clock;
    this.#journal = journal;
    this.#pool = pool;
    this.#stage = stage;
    this.#listener = listener;
  }

  unavailable(): Refused {
    return refused({ code: 'unavailable', stage: this.#stage() });
  }

  /** Whether this process serves the pool, and has done so since it opened it. */
  get isServed(): boolean {
    return this.#pool.stage === 'serving';
  }

  /** Waits for every fact so far, some of them the caller's own; says why not, if they are not durable then. */
  unsettled(): Promise<Refused | null> {
    return this.#unless(this.#journal.committed(), () => refused({ code: 'outcome_unknown' }));
  }

  /** The same, where nothing was done, and what is known here may be history because another process has the pool. */
  unconfirmed(): Promise<Refused | null> {
    return this.#unless(this.#journal.confirmed(), () => this.unavailable());
  }

  /**
   * Nobody is told of a lease that is over as if it were still theirs: a commit can take longer than a TTL, and what
   * was answered before may be history by now.
   */
  async asItIs<T extends Held>({ replayed }: Outcome<unknown>, held: T): Promise<Outcome<T>> {
    const { tokenId, lease } = held;
    if (!replayed) {
      const isLive = lease.expiresAt > this.#clock.now();
      return isLive ? { ok: held } : refused({ code: 'too_late', endedAt: lease.expiresAt });
    }
    const look = async (): Promise<Outcome<TokenView | undefined>> => {
      const seen = this.#pool.token(tokenId, this.#clock.now());
      return (await this.unconfirmed()) ?? { ok: seen };
    };
    const seen = await this.look(look, (token) => (token ? [token] : []));
    if ('refused' in seen) return seen;
    const current = seen.ok?.lease;
    if (current?.leaseId === lease.leaseId) return { ok: { ...held, lease: current }, replayed };
    const ending = await this.ask(() => this.#journal.ending(tokenId, { leaseId: lease.leaseId }));
    if ('refused' in ending) return ending;
    const over: Refusal = ending.ok
      ? { code: 'lease_ended', ...ending.ok }
      : // It is so long ago that the log has forgotten it.
        { code: 'too_late', endedAt: lease.expiresAt };
    return { ...refused(over), replayed };
  }

  async #unless(settled: Promise<void>, unknown: () => Refused): Promise<Refused | null> {
    try {
      await settled;
      return null;
    } catch (error) {
      if (error instanceof Unconfirmed) return unknown();
      if (error instanceof Fenced) return refused({ code: 'unavailable', stage: 'standby' });
      throw error;
    }
  }

  /** Asks the log. Whoever gives `signal` does not want the answer any more when it says so. */
  async ask<T>(query: () => Promise<T>, signal?: AbortSignal): Promise<{ ok: T } | Refused> {
    try {
      return { ok: await query() };
    } catch (error) {
      if (!signal?.aborted) this.#listener.unanswered(error);
      return this.unavailable();
    }
  }

  /** Asks the log, up to the facts of this moment. Refuses `not_found` where a token is named that is not there. */
  async read<T>(tokenId: string | undefined, query: () => Promise<T>): Promise<Outcome<T>> {
    if (!this.isServed) return this.unavailable();
    const at = this.#clock.now();
    this.#pool.pass(at);
    // It may have gone just now, or have come to another process that serves the pool.
    if (tokenId !== undefined && !this.#pool.token(tokenId, at))
      return (await this.unconfirmed()) ?? refused({ code: 'not_found' });
    const unsure = await this.#unless(this.#journal.committed(), () => this.unavailable());
    return unsure ?? this.ask(query);
  }

  /** Looking takes time: what shows a lease that is over by the end of it is out of date, and it looks again. */
  async look<T>(
    look: () => Promise<Outcome<T>>,
    tokensOf: (seen: T) => readonly TokenView[],
  ): Promise<Outcome<T>> {
    for (let looks = 0; looks < looksMax && this.isServed; looks++) {
      const seen = await look();
      if ('refused' in seen) return seen;
      const now = this.#clock.now();
      if (tokensOf(seen.ok).every(({ lease }) => lease === null || lease.expiresAt > now)) return seen;
    }
    return this.unavailable();
  }
}
