/** A pool as it was at any moment that its log still tells of, and what it did before that. All of it is committed. */
import type { Clock } from '../clock.ts';
import type { PoolJournal } from '../journal/pool-journal.ts';
import { apply, type Moment, type Picture, type Snapshot, type Span } from '../lease/picture.ts';
import { type Outcome, type Refusal, refused } from '../lease/refusal.ts';
import type { Statistics } from '../lease/statistics.ts';
import type { Durable } from './durable.ts';

/** How often the facts since then are read because a lease has run out once more. */
const looksMax = 50;
/** How many of them at a time. */
const factsAtOnce = 1000;

export class LookingBack {
  readonly #clock: Clock;
  readonly #journal: PoolJournal;
  readonly #durable: Durable;
  /** The look that was asked for last. */
  #last: Promise<unknown> = Promise.resolve();

  constructor(clock: Clock, journal: PoolJournal, durable: Durable) {
    this.#clock = clock;
    this.#journal = journal;
    this.#durable = durable;
  }

  /**
   * As the pool was at a moment; at the newest one, as it is: no lease is shown that is over by then. Refuses
   * `cursor_ahead` where there is no such fact yet, and `moment_pruned` where the log does not reach back so far.
   */
  snapshot(moment: Moment): Promise<Outcome<Snapshot>> {
    return this.#inTurn(() => this.#snapshot(moment));
  }

  /** Of the hour before a fact, or before the newest one. Refuses the same. */
  statistics(seq: number | null): Promise<Outcome<Statistics>> {
    return this.#inTurn(() => this.#statistics(seq));
  }

  /** One after the other: many looks at a large pool at once would keep everybody else from the database. */
  #inTurn<T>(look: () => Promise<T>): Promise<T> {
    const looked = this.#last.then(look);
    this.#last = looked.catch(() => {});
    return looked;
  }

  async #snapshot(moment: Moment): Promise<Outcome<Snapshot>> {
    const read = await this.#durable.read(undefined, () => this.#journal.snapshot(moment));
    if ('refused' in read) return read;
    const found = read.ok;
    if (found === null) return this.#durable.unavailable();
    if (!('tokens' in found)) return refused(unseen(found, moment));
    return moment === 'newest' ? this.#carriedOn(found) : { ok: found };
  }

  /** Reading a large pool takes time, in which leases run out: the facts since then say so, and are few. */
  async #carriedOn(found: Snapshot): Promise<Outcome<Snapshot>> {
    const tokens = new Map(found.tokens.map((token) => [token.tokenId, token]));
    const picture: Picture = { seq: found.seq, at: found.at, options: found.options, tokens };
    for (let looks = 0; looks < looksMax; looks++) {
      if (this.#isNow(picture)) {
        const { seq, at, options } = picture;
        return { ok: { ...found, seq, at, options, headSeq: seq, tokens: [...tokens.values()] } };
      }
      const page = { cursor: picture.seq, limit: factsAtOnce, order: 'asc' } as const;
      const since = await this.#durable.read(undefined, () => this.#journal.facts({}, page));
      if ('refused' in since) return since;
      if (!since.ok.every((fact) => apply(picture, fact))) break;
    }
    return this.#durable.unavailable();
  }

  async #statistics(seq: number | null): Promise<Outcome<Statistics>> {
    const read = await this.#durable.read(undefined, () => this.#journal.statistics(seq));
    if ('refused' in read) return read;
    const found = read.ok;
    if (found === null) return this.#durable.unavailable();
    if ('buckets' in found) return { ok: found };
    return refused(unseen(found, seq === null ? 'newest' : { seq }));
  }

  #isNow({ tokens }: Picture): boolean {
    const now = this.#clock.now();
    for (const { lease } of tokens.values()) if (lease !== null && lease.expiresAt <= now) return false;
    return true;
  }
}

function unseen({ headSeq, oldestSeq }: Span, moment: Moment): Refusal {
  const isAhead = typeof moment === 'object' && 'seq' in moment && moment.seq > headSeq;
  return isAhead ? { code: 'cursor_ahead', head: headSeq } : { code: 'moment_pruned', oldestSeq };
}
