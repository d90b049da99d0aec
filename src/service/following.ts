/** The log of a pool as it grows, fact by fact: each once, in order, and none that is not committed [I16]. */
import type { PoolJournal } from '../journal/pool-journal.ts';
import type { Outcome } from '../lease/refusal.ts';
import type { FactFilter, FactView } from '../lease/view.ts';
import type { Durable } from './durable.ts';
import type { Feed } from './feed.ts';

/** How many facts are read at a time. */
const portion = 500;

export type Followed =
  | { fact: FactView }
  /** The facts between these two are no longer kept. */
  | { gap: { after: number; next: number } };

export class Following {
  readonly #journal: PoolJournal;
  readonly #durable: Durable;
  readonly #feed: Feed;

  constructor(journal: PoolJournal, durable: Durable, feed: Feed) {
    this.#journal = journal;
    this.#durable = durable;
    this.#feed = feed;
  }

  /**
   * What fits the filter of all that came after the fact `after`; without it, of all that comes from now on. Refuses
   * `invalid_cursor` where there is no such fact yet. It ends when this process no longer serves the pool, or `gone` says so.
   */
  async follow(
    filter: FactFilter,
    after: number | undefined,
    gone: AbortSignal,
  ): Promise<Outcome<AsyncGenerator<Followed[]>>> {
    const unsure = await this.#durable.unconfirmed();
    if (unsure) return unsure;
    const { head } = this.#feed;
    if (after !== undefined && after > head) return { refused: { code: 'cursor_ahead', head } };
    return { ok: this.#portions(filter, after ?? head, gone) };
  }

  async *#portions(filter: FactFilter, after: number, gone: AbortSignal): AsyncGenerator<Followed[]> {
    let wake = () => {};
    const woken = () => wake();
    const unwatch = this.#feed.watch(woken);
    gone.addEventListener('abort', woken);
    try {
      let seq = after;
      while (!gone.aborted) {
        const recent = this.#feed.after(seq);
        if (recent === null) {
          const read = await this.#read(filter, seq);
          if (read === null) return;
          seq = read.upTo;
          if (read.facts.length > 0) yield read.facts;
        } else if (recent.length > 0) {
          seq = recent.at(-1)!.seq;
          const facts = recent.filter((fact) => fits(fact, filter)).map((fact) => ({ fact }));
          if (facts.length > 0) yield facts;
        } else if (this.#feed.hasEnded) return;
        else
          await new Promise<void>((resolve) => {
            wake = resolve;
          });
      }
    } finally {
      unwatch();
      gone.removeEventListener('abort', woken);
    }
  }

  /** The next of them as the log has them, and up to which fact that is all. */
  async #read(filter: FactFilter, after: number): Promise<{ facts: Followed[]; upTo: number } | null> {
    // All of these are in the log by now, and more of them may be by the time it is read.
    const { head } = this.#feed;
    const page = { limit: portion, cursor: after, order: 'asc' as const };
    const read = await this.#durable.ask(async () => ({
      facts: await this.#journal.facts(filter, page),
      // What fits may begin late, or not at all: whether facts are missing is seen by the first of any kind.
      first: await this.#journal.facts({}, { ...page, limit: 1 }),
    }));
    if ('refused' in read) return null;
    const { facts, first } = read.ok;
    // Between the two questions, facts that are told here can have been pruned.
    const next = facts[0] && first[0] ? Math.min(facts[0].seq, first[0].seq) : first[0]?.seq;
    const gap = next !== undefined && next > after + 1 ? [{ gap: { after, next } }] : [];
    const last = facts.at(-1)?.seq ?? after;
    const upTo = facts.length === portion ? last : Math.max(last, head);
    return { facts: [...gap, ...facts.map((fact) => ({ fact }))], upTo };
  }
}

const fits = (fact: FactView, { tokenId, userId, type }: FactFilter): boolean =>
  (tokenId === undefined || fact.tokenId === tokenId) &&
  (userId === undefined || fact.userId === userId) &&
  (type === undefined || fact.type === type);
