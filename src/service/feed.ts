/**
 * What is committed to the log of a pool, handed on as it is committed to those who watch. While nobody does, it keeps
 * nothing; while somebody does, the newest facts, so that all who keep up are served from memory and not by the database.
 */
import type { SealedFact } from '../journal/store.ts';

/** Who is further behind than so many facts reads the log. */
const recentMax = 2000;

export class Feed {
  /** Of the newest committed fact. */
  #head: number;
  /** The facts up to the newest one, without a gap. */
  #recent: SealedFact[] = [];
  #watchers = new Set<() => void>();
  #listeners = new Set<() => void>();
  readonly #ended = new AbortController();
  /** How long the commit of the newest one took. */
  commitMs = 0;

  /** `head`: the seq of the newest fact there is. */
  constructor(head: number) {
    this.#head = head;
  }

  get head(): number {
    return this.#head;
  }

  get hasEnded(): boolean {
    return this.ended.aborted;
  }

  /** Aborted when it has ended. */
  get ended(): AbortSignal {
    return this.#ended.signal;
  }

  /** It has been committed, after all that were before it. */
  push(fact: SealedFact): void {
    // The first one of a new pool was there when this began.
    if (fact.seq <= this.#head) return;
    this.#head = fact.seq;
    if (this.#watchers.size === 0) return;
    this.#recent.push(fact);
    if (this.#recent.length > 2 * recentMax) this.#recent = this.#recent.slice(-recentMax);
  }

  /** Another process serves the pool, or nobody does: whoever watches has to ask anew. */
  end(): void {
    this.#ended.abort();
    this.wake();
  }

  /** Calls `wake` whenever something has been committed, and when it has ended, until what is returned is called. */
  watch(wake: () => void): () => void {
    this.#watchers.add(wake);
    return () => {
      this.#watchers.delete(wake);
      if (this.#watchers.size === 0) this.#recent = [];
    };
  }

  /** The same, for whoever does not ask for the facts: for them none is kept. */
  listen(wake: () => void): () => void {
    this.#listeners.add(wake);
    return () => this.#listeners.delete(wake);
  }

  /** The facts after this one; null if they are too many to be kept here, or were committed while nobody watched. */
  after(seq: number): readonly SealedFact[] | null {
    if (seq >= this.#head) return [];
    const first = this.#recent[0]?.seq ?? Number.POSITIVE_INFINITY;
    return seq >= first - 1 ? this.#recent.slice(seq + 1 - first) : null;
  }

  /** There may be something new. */
  wake(): void {
    for (const wake of this.#watchers) wake();
    for (const wake of this.#listeners) wake();
  }
}

/** Those of all pools that are served, and of deleted ones until that is committed. */
export class Feeds {
  readonly #feeds = new Map<string, Feed>();

  /** `head`: the seq of the newest fact of the pool. */
  begin(pool: string, head: number): Feed {
    const feed = new Feed(head);
    this.#feeds.set(pool, feed);
    return feed;
  }

  /** These have been committed, those of each pool in their order, in so many milliseconds. */
  push(facts: readonly SealedFact[], commitMs: number): void {
    const told = new Set<Feed>();
    for (const fact of facts) {
      const feed = this.#feeds.get(fact.pool);
      if (feed === undefined) continue;
      feed.push(fact);
      feed.commitMs = commitMs;
      told.add(feed);
      if (fact.type !== 'closed') continue;
      feed.end();
      this.#feeds.delete(fact.pool);
    }
    for (const feed of told) feed.wake();
  }

  end(): void {
    for (const feed of this.#feeds.values()) feed.end();
    this.#feeds.clear();
  }
}
