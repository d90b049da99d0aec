/** A pool as it was at any moment that its log still tells of, and what it did before that. All of it is committed. */
import type { Clock } from '../clock.ts';
import type { PoolJournal } from '../journal/pool-journal.ts';
import type { Moment, Snapshot, Span } from '../lease/picture.ts';
import { type Outcome, type Refusal, refused } from '../lease/refusal.ts';
import type { Statistics } from '../lease/statistics.ts';
import type { Durable } from './durable.ts';

/** How often a look is taken anew because a lease ran out under it. */
const looksMax = 5;

export class LookingBack {
  readonly #clock: Clock;
  readonly #journal: PoolJournal;
  readonly #durable: Durable;

  constructor(clock: Clock, journal: PoolJournal, durable: Durable) {
    this.#clock = clock;
    this.#journal = journal;
    this.#durable = durable;
  }

  /**
   * As the pool was at a moment; at the newest one, as it is: no lease is shown that is over by then. Refuses
   * `cursor_ahead` where there is no such fact yet, and `moment_pruned` where the log does not reach back so far.
   */
  async snapshot(moment: Moment): Promise<Outcome<Snapshot>> {
    for (let looks = 0; looks < looksMax; looks++) {
      const read = await this.#durable.read(undefined, () => this.#journal.snapshot(moment));
      if ('refused' in read) return read;
      const found = read.ok;
      if (found === null) return this.#durable.unavailable();
      if (!('tokens' in found)) return refused(unseen(found, moment));
      if (moment !== 'newest' || this.#isNow(found)) return { ok: found };
    }
    return this.#durable.unavailable();
  }

  /** Of the hour before a fact, or before the newest one. Refuses the same. */
  async statistics(seq: number | null): Promise<Outcome<Statistics>> {
    const read = await this.#durable.read(undefined, () => this.#journal.statistics(seq));
    if ('refused' in read) return read;
    const found = read.ok;
    if (found === null) return this.#durable.unavailable();
    if ('buckets' in found) return { ok: found };
    return refused(unseen(found, seq === null ? 'newest' : { seq }));
  }

  #isNow({ tokens }: Snapshot): boolean {
    const now = this.#clock.now();
    return tokens.every(({ lease }) => lease === null || lease.expiresAt > now);
  }
}

function unseen({ headSeq, oldestSeq }: Span, moment: Moment): Refusal {
  const isAhead = typeof moment === 'object' && 'seq' in moment && moment.seq > headSeq;
  return isAhead ? { code: 'cursor_ahead', head: headSeq } : { code: 'moment_pruned', oldestSeq };
}
