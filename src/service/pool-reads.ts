/** What a pool and its log can be asked without changing anything. Every answer is true when it is given. */
import type { Clock } from '../clock.ts';
import type { PoolJournal } from '../journal/pool-journal.ts';
import { type Status, statusOf } from '../lease/lease.ts';
import type { Told } from '../lease/message.ts';
import { type Outcome, refused } from '../lease/refusal.ts';
import type {
  Counts,
  FactFilter,
  FactView,
  LeaseView,
  OrderedPage,
  Page,
  TokenView,
  WaiterView,
} from '../lease/view.ts';
import type { Pool } from '../pool/pool.ts';
import { tokensAfter, waiterViews } from '../pool/pool-view.ts';
import type { Durable } from './durable.ts';
import { Following } from './following.ts';
import { LookingBack } from './looking-back.ts';
import type { Messages } from './messages.ts';
import type { HeldPool } from './tenure.ts';
import type { Line } from './waiting.ts';

export interface TokenPage {
  tokens: TokenView[];
  /** Of the whole pool. */
  counts: Counts;
  /** The ordinal of the last token shown, if there are more. */
  next: number | null;
}

export interface TokenWithHistory {
  token: TokenView;
  history: LeaseView[];
}

/** One who stands in line, from 1 on, and when they give up. */
export type WaiterInLine = Omit<WaiterView, 'leaseId'> & { position: number; until: number };

export class PoolReads {
  readonly #clock: Clock;
  readonly #pool: Pool;
  readonly #journal: PoolJournal;
  readonly #line: Line;
  readonly #durable: Durable;
  readonly #messages: Messages;
  /** The log as it grows. */
  readonly following: Following;
  /** The pool as it was. */
  readonly back: LookingBack;
  /** Aborted when this process no longer serves the pool: nothing more follows. */
  readonly over: AbortSignal;

  constructor(clock: Clock, { pool, journal, line, feed, messages }: HeldPool, durable: Durable) {
    this.#clock = clock;
    this.#pool = pool;
    this.#journal = journal;
    this.#line = line;
    this.#durable = durable;
    this.#messages = messages;
    this.following = new Following(journal, durable, feed);
    this.over = feed.ended;
    this.back = new LookingBack(clock, journal, durable);
  }

  /**
   * A page of the tokens as they are now, in an order that stays as long as this process serves: whatever comes and goes
   * between two pages, none that stays is passed over or shown twice.
   */
  tokens(status: 'all' | Status, page: Page): Promise<Outcome<TokenPage>> {
    const look = async (): Promise<Outcome<TokenPage>> => {
      const shown = this.#tokenPage(status, page, this.#clock.now());
      return (await this.#durable.unconfirmed()) ?? { ok: shown };
    };
    return this.#durable.look(look, ({ tokens }) => tokens);
  }

  /** One token and its newest leases, both as they are now. Refuses `not_found`. */
  token(tokenId: string, limit: number): Promise<Outcome<TokenWithHistory>> {
    const look = async (): Promise<Outcome<TokenWithHistory>> => {
      const seen = await this.#durable.read(tokenId, () => this.#journal.token(tokenId, limit));
      if ('refused' in seen) return seen;
      // Between the look at the pool and that at the log it can have been deleted.
      return seen.ok === null ? refused({ code: 'not_found' }) : { ok: seen.ok };
    };
    return this.#durable.look(look, ({ token }) => [token]);
  }

  /** Those who stand in line, in the order of being served, at most so many. */
  async queue(limit: number): Promise<Outcome<{ waiting: WaiterInLine[]; total: number }>> {
    const waiting: WaiterInLine[] = [];
    for (const { leaseId, ...waiter } of this.#pool.see(waiterViews)) {
      if (waiting.length === limit) break;
      const until = this.#line.until(leaseId);
      if (until !== undefined) waiting.push({ ...waiter, position: waiting.length + 1, until });
    }
    const shown = { waiting, total: this.#pool.counts.waiting };
    return (await this.#durable.unconfirmed()) ?? { ok: shown };
  }

  /** The leases of a token, newest first. Refuses `not_found`. */
  history(tokenId: string, page: Page): Promise<Outcome<LeaseView[]>> {
    return this.#durable.read(tokenId, () => this.#journal.history(tokenId, page));
  }

  /** The facts that fit the filter. Refuses `not_found` where it names a token that is not of the pool. */
  facts(filter: FactFilter, page: OrderedPage): Promise<Outcome<FactView[]>> {
    return this.#durable.read(filter.tokenId, () => this.#journal.facts(filter, page));
  }

  /**
   * What passes between the routes, the pool, its tokens and its journal, from now on. Refuses `unavailable`. It ends when this
   * process no longer serves the pool, or `gone` says so.
   */
  messages(gone: AbortSignal): Outcome<AsyncGenerator<Told[]>> {
    return this.#durable.isServed ? { ok: this.#messages.watch(gone) } : this.#durable.unavailable();
  }

  #tokenPage(status: 'all' | Status, { limit, cursor = -1 }: Page, at: number): TokenPage {
    this.#pool.pass(at);
    const page: TokenPage = { tokens: [], counts: this.#pool.counts, next: null };
    let last = cursor;
    for (const { ordinal, token } of this.#pool.see((context) => tokensAfter(context, cursor))) {
      if (status !== 'all' && status !== statusOf(token)) continue;
      if (page.tokens.length === limit) return { ...page, next: last };
      page.tokens.push(token);
      last = ordinal;
    }
    return page;
  }
}
