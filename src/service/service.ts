/**
 * The only place where pool and journal meet: stamps the time, asks the pool, waits for the commit, answers.
 * Holds no rule of leasing and no SQL. Every answer is given only when each fact it shows is durable.
 */
import type { Clock } from '../clock.ts';
import type { Journal } from '../journal/journal.ts';
import type { Proof, Release, Renew } from '../lease/command.ts';
import type { Fact } from '../lease/fact.ts';
import type { Json, Lease } from '../lease/lease.ts';
import {
  type MachineRefusalCode,
  map,
  type Outcome,
  type Refusal,
  refused,
  type Stage,
} from '../lease/refusal.ts';
import type { Counts, FactFilter, FactView, LeaseView, OrderedPage, Page, TokenView } from '../lease/view.ts';
import type { Answer, Pool } from '../pool/pool.ts';
import { newId, newLeaseId } from '../random.ts';
import { Durable, type Held } from './durable.ts';
import { ExactlyOnce, type Keep, type Once } from './exactly-once.ts';
import { type ServiceListener, type ServiceOptions, Tenure } from './tenure.ts';
import { Verifier } from './verifier.ts';

export interface AllocateAsk {
  userId?: string | undefined;
  ttlMs?: number | undefined;
  metadata?: Json | undefined;
}

export interface Grant extends Held {
  /** The lease that was ended to make room. */
  evicted: Lease | null;
}

export interface TokenPage {
  tokens: TokenView[];
  /** Of the whole pool. */
  counts: Counts;
  /** The place of the last token shown, if there are more. */
  next: number | null;
}

export interface TokenWithHistory {
  token: TokenView;
  history: LeaseView[];
}

export class Service {
  readonly #options: ServiceOptions;
  readonly #clock: Clock;
  readonly #journal: Journal;
  readonly #durable: Durable;
  readonly #once: ExactlyOnce;
  readonly #tenure: Tenure;
  readonly #verifier: Verifier;

  constructor(journal: Journal, options: ServiceOptions, listener: ServiceListener) {
    this.#journal = journal;
    this.#options = options;
    this.#clock = options.clock;
    this.#tenure = new Tenure(journal, options, listener);
    this.#durable = new Durable(options.clock, journal, this.#tenure, listener);
    this.#once = new ExactlyOnce(options.clock, journal, this.#durable);
    this.#verifier = new Verifier(journal, this.#durable);
  }

  get counts(): Counts {
    return this.#pool.counts;
  }

  get stage(): Stage {
    return this.#pool.stage;
  }

  /** Milliseconds since 1970, by the clock that leases go by. */
  now(): number {
    return this.#clock.now();
  }

  /** Resolves when the pool is served, or another process is found to serve it; then this one stands by. */
  start(): Promise<void> {
    return this.#tenure.start();
  }

  // What follows is done once, and answered the same each time, for those who say `once`.

  /** Grants a token. Refuses `unavailable`, `outcome_unknown`, and `too_late` if the commit outlasted the TTL. */
  async allocate(ask: AllocateAsk, once?: Once): Promise<Outcome<Grant>> {
    const reply = await this.#once.answer<Grant>(once, (keep) => {
      const at = this.#clock.now();
      const answer = this.#pool.command({
        type: 'ALLOCATE',
        at,
        leaseId: newLeaseId(at),
        userId: ask.userId ?? newId(),
        ttlMs: ask.ttlMs ?? this.#options.ttlMs,
        metadata: ask.metadata ?? null,
      });
      return this.#reply(answer, grantOf, keep);
    });
    return 'ok' in reply ? this.#durable.asItIs(reply, reply.ok) : reply;
  }

  /** Moves the deadline to `max(old, now + ttlMs)`. Refuses `lease_ended` with why and when, `lease_mismatch`, `too_late`. */
  async renew(ask: Omit<Renew, 'type' | 'at'>, once?: Once): Promise<Outcome<Lease>> {
    const reply = await this.#once.answer<Lease>(once, (keep) =>
      this.#answer({ ...ask, type: 'RENEW', at: this.#clock.now() }, keep),
    );
    if ('refused' in reply) return reply;
    return map(
      await this.#durable.asItIs(reply, { tokenId: ask.tokenId, lease: reply.ok }),
      ({ lease }) => lease,
    );
  }

  /** Ends the lease of a token. Refuses `token_not_active`, `lease_mismatch`, `lease_ended`. */
  release(ask: Omit<Release, 'type' | 'at' | 'reason'>, once?: Once): Promise<Outcome<Lease>> {
    return this.#once.answer<Lease>(once, (keep) =>
      this.#answer({ ...ask, type: 'RELEASE', at: this.#clock.now(), reason: 'released_by_client' }, keep),
    );
  }

  /** Ends every lease that is live now, and says how many those were. */
  releaseAll(once?: Once): Promise<Outcome<number>> {
    return this.#once.answer<number>(once, (keep) => {
      const answer = this.#pool.command({ type: 'RELEASE_ALL', at: this.#clock.now(), reason: 'cleanup' });
      return this.#reply(answer, (facts) => facts.length, keep);
    });
  }

  /** A page of the tokens as they are now, in an order that stays as long as this process serves. */
  tokens(status: 'all' | 'available' | 'active', page: Page): Promise<Outcome<TokenPage>> {
    const look = async (): Promise<Outcome<TokenPage>> => {
      const shown = this.#tokenPage(status, page, this.#clock.now());
      return (await this.#durable.unconfirmed()) ?? { ok: shown };
    };
    return this.#durable.look(look, ({ tokens }) => tokens);
  }

  /** One token and its newest leases, both as they are now. Refuses `not_found`. */
  token(tokenId: string, limit: number): Promise<Outcome<TokenWithHistory>> {
    const look = () => this.#durable.read(tokenId, () => this.#journal.token(tokenId, limit));
    return this.#durable.look(look, ({ token }) => [token]);
  }

  /** The leases of a token, newest first. Refuses `not_found`. */
  history(tokenId: string, page: Page): Promise<Outcome<LeaseView[]>> {
    return this.#durable.read(tokenId, () => this.#journal.history(tokenId, page));
  }

  /** The facts that fit the filter. Refuses `not_found` where it names a token that is not of the pool. */
  facts(filter: FactFilter, page: OrderedPage): Promise<Outcome<FactView[]>> {
    return this.#durable.read(filter.tokenId, () => this.#journal.facts(filter, page));
  }

  /** Holds the log and the tokens against their rules, on a standby too. Refuses `verify_running`. */
  verify(task: Parameters<Verifier['verify']>[0]): ReturnType<Verifier['verify']> {
    return this.#verifier.verify(task);
  }

  /** From here on every command is refused; what was begun is still committed. */
  stopServing(): void {
    this.#tenure.stop();
    this.#verifier.stop();
  }

  /** Writes what is left to write, for `timeoutMs` at most, and closes the database. How many facts were lost. */
  async close(timeoutMs: number): Promise<number> {
    const uncommitted = await this.#journal.drained(timeoutMs);
    this.#tenure.end();
    await this.#journal.close();
    return uncommitted;
  }

  get #pool(): Pool {
    return this.#tenure.pool;
  }

  #tokenPage(status: 'all' | 'available' | 'active', { limit, cursor = -1 }: Page, at: number): TokenPage {
    const all = this.#pool.tokens(at);
    const page: TokenPage = { tokens: [], counts: this.#pool.counts, next: null };
    let place = -1;
    let last = -1;
    for (const token of all) {
      place++;
      const wanted = status === 'all' || (status === 'active') === (token.lease !== null);
      if (place <= cursor || !wanted) continue;
      if (page.tokens.length === limit) return { ...page, next: last };
      page.tokens.push(token);
      last = place;
    }
    return page;
  }

  async #answer(command: Renew | Release, keep: Keep<Lease>): Promise<Outcome<Lease>> {
    const answer = this.#pool.command(command);
    const reply = await this.#reply(answer, (facts) => facts[0]!.lease, keep);
    return 'refused' in reply ? this.#explain(command, reply) : reply;
  }

  async #reply<T>(
    { facts, refusal }: Answer,
    show: (facts: Fact[]) => T,
    keep: Keep<T>,
  ): Promise<Outcome<T>> {
    if (refusal === 'unavailable') return this.#durable.unavailable();
    if (facts.length === 0) {
      // Nothing of its own would be refused by the log if this process were history.
      const unsure = await this.#durable.unconfirmed();
      return unsure ?? (refusal === null ? { ok: show(facts) } : refused({ code: refusal }));
    }
    const shown = show(facts);
    keep(shown);
    return (await this.#durable.unsettled()) ?? { ok: shown };
  }

  /** Says what became of a lease that is no longer there, where the log knows it. */
  async #explain(command: Renew | Release, reply: { refused: Refusal }): Promise<Outcome<never>> {
    const code = reply.refused.code as MachineRefusalCode;
    const gone = code === 'token_not_active' && command.type === 'RENEW';
    const replaced =
      (code === 'token_not_active' || code === 'lease_mismatch') && command.leaseId !== undefined;
    if (!gone && !replaced) return reply;
    const proof: Proof = { leaseId: command.leaseId, userId: command.leaseId ? undefined : command.userId };
    const ending = await this.#durable.ask(() => this.#journal.ending(command.tokenId, proof));
    if ('refused' in ending) return ending;
    if (ending.ok) return refused({ code: 'lease_ended', ...ending.ok });
    const provedAnything = command.leaseId !== undefined || command.userId !== undefined;
    return gone && provedAnything ? refused({ code: 'lease_mismatch' }) : reply;
  }
}

function grantOf(facts: Fact[]): Grant {
  const { tokenId, lease } = facts.at(-1)!;
  return { tokenId, lease, evicted: facts.length > 1 ? facts[0]!.lease : null };
}
