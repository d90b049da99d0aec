/**
 * One pool, for those who use it: stamps the time, asks the pool, waits for the commit, answers. Holds no rule of leasing
 * and no SQL. Every answer is given only when each fact it shows is durable.
 */
import type { Clock } from '../clock.ts';
import type { PoolJournal } from '../journal/pool-journal.ts';
import type { Command, Proof, Release, Renew } from '../lease/command.ts';
import type { Fact, LeaseFact } from '../lease/fact.ts';
import type { Labels, Lease } from '../lease/lease.ts';
import type { PoolOptions } from '../lease/pool-options.ts';
import {
  type MachineRefusalCode,
  map,
  type Outcome,
  type Refusal,
  refused,
  type Stage,
} from '../lease/refusal.ts';
import type { Counts, TokenView } from '../lease/view.ts';
import type { Pool } from '../pool/pool.ts';
import { newId } from '../random.ts';
import { type AllocateAsk, Allocating, type Asker, type Grant } from './allocating.ts';
import { Durable } from './durable.ts';
import { ExactlyOnce, type Keep, type Once } from './exactly-once.ts';
import { PoolReads } from './pool-reads.ts';
import { Replies } from './replies.ts';
import type { HeldPool, ServiceListener } from './tenure.ts';

type Timeless<C> = C extends Command ? Omit<C, 'at'> : never;
/** A command that has not been given its time yet. */
type Untimed = Timeless<Command>;

export type RenewAsk = Omit<Renew, 'type' | 'at'>;

export class PoolService {
  readonly name: string;
  readonly #clock: Clock;
  readonly #pool: Pool;
  readonly #journal: PoolJournal;
  readonly #durable: Durable;
  readonly #once: ExactlyOnce;
  readonly #replies: Replies;
  readonly #allocating: Allocating;
  /** What can be asked without changing anything. */
  readonly reads: PoolReads;

  constructor(clock: Clock, held: HeldPool, stage: () => Stage, listener: ServiceListener) {
    this.name = held.name;
    this.#clock = clock;
    this.#pool = held.pool;
    this.#journal = held.journal;
    this.#durable = new Durable(clock, held, stage, listener);
    this.#once = new ExactlyOnce(clock, held.journal, this.#durable);
    this.#replies = new Replies(this.#durable);
    this.#allocating = new Allocating(clock, held, this.#durable);
    this.reads = new PoolReads(clock, held, this.#durable);
  }

  get options(): PoolOptions {
    return this.#pool.options;
  }

  get counts(): Counts {
    return this.#pool.counts;
  }

  now(): number {
    return this.#clock.now();
  }

  // What follows is done once, and answered the same each time, for those who say `once`.

  /**
   * Grants as many tokens as are asked for, or none. Refuses `pool_full`, `no_such_token`, `user_limit_reached`, `queue_full`,
   * `wait_expired`, `unavailable`, `outcome_unknown`, and `too_late` if the commit outlasted the TTL.
   */
  async allocate(ask: AllocateAsk, once?: Once, { gone }: Asker = {}): Promise<Outcome<Grant[]>> {
    const tooLong = this.#tooLong(ask.ttlMs);
    if (tooLong) return tooLong;
    const reply = await this.#once.answer<Grant[]>(once, (keep) =>
      this.#allocating.allocate(ask, once !== undefined, gone, keep),
    );
    if ('refused' in reply) return reply;
    const grants: Grant[] = [];
    for (const each of reply.ok) {
      const seen = await this.#durable.asItIs(reply, each);
      if ('refused' in seen) return seen;
      grants.push(seen.ok);
    }
    return { ...reply, ok: grants };
  }

  /** Moves the deadline to `max(old, now + ttlMs)`. Refuses `lease_ended` with why and when, `lease_mismatch`, `token_withdrawn`, `too_late`. */
  async renew(ask: RenewAsk, once?: Once): Promise<Outcome<Lease>> {
    const tooLong = this.#tooLong(ask.ttlMs);
    if (tooLong) return tooLong;
    const reply = await this.#once.answer<Lease>(once, (keep) =>
      this.#answer({ ...ask, type: 'RENEW', at: this.#clock.now() }, keep),
    );
    if ('refused' in reply) return reply;
    return map(
      await this.#durable.asItIs(reply, { tokenId: ask.tokenId, lease: reply.ok }),
      ({ lease }) => lease,
    );
  }

  /** Each for itself, all in one commit. Refused as a whole, to be repeated, if of any of them it is not known what became of it. */
  renewMany(asks: readonly RenewAsk[], once?: Once): Promise<Outcome<Outcome<Lease>[]>> {
    return this.#once.answer<Outcome<Lease>[]>(once, async () => {
      const outcomes = await Promise.all(asks.map((ask) => this.renew(ask)));
      const unsettled = outcomes.find((each) => 'refused' in each && !isSettled(each.refused));
      if (unsettled && 'refused' in unsettled) return unsettled;
      // Some have waited for the others.
      const now = this.#clock.now();
      return { ok: outcomes.map((each) => ('ok' in each ? liveAt(now, each) : each)) };
    });
  }

  /** Ends the lease of a token. Refuses `token_not_active`, `lease_mismatch`, `lease_ended`. */
  release(ask: Omit<Release, 'type' | 'at' | 'reason'>, once?: Once): Promise<Outcome<Lease>> {
    return this.#once.answer<Lease>(once, (keep) =>
      this.#answer({ ...ask, type: 'RELEASE', at: this.#clock.now(), reason: 'released_by_client' }, keep),
    );
  }

  /** Ends every lease that is live now, and says how many those were. */
  releaseAll(once?: Once): Promise<Outcome<number>> {
    return this.#do({ type: 'RELEASE_ALL', reason: 'cleanup' }, countReleased, once);
  }

  /** Adds a token to an elastic pool. Refuses `pool_not_elastic`, `pool_limit_reached`. */
  create(traits: { name: string | null; labels: Labels }, once?: Once): Promise<Outcome<TokenView>> {
    const token = { tokenId: newId(), ...traits };
    return this.#do({ type: 'CREATE', token }, (facts) => facts[0]!.after!, once);
  }

  /** Takes a token out of an elastic pool, with its lease if it has one. Refuses `not_found`, `pool_not_elastic`. */
  delete(tokenId: string, once?: Once): Promise<Outcome<null>> {
    return this.#do({ type: 'DELETE', tokenId }, () => null, once);
  }

  /** Takes a token out of use; its lease ends now, or runs out. Refuses `not_found`. */
  withdraw(
    tokenId: string,
    how: { note: string | null; endLease: boolean },
    once?: Once,
  ): Promise<Outcome<TokenView>> {
    return this.#do({ type: 'WITHDRAW', tokenId, ...how }, lastState, once);
  }

  /** Brings it back. Refuses `not_found`, `token_not_withdrawn`. */
  restore(tokenId: string, once?: Once): Promise<Outcome<TokenView>> {
    return this.#do({ type: 'RESTORE', tokenId }, (facts) => facts[0]!.after!, once);
  }

  /** Goes by these options from now on. */
  async change(
    options: PoolOptions,
    newTokens: Extract<Command, { type: 'CHANGE' }>['newTokens'],
    once?: Once,
  ) {
    return this.#once.answer<PoolOptions>(once, async (keep) => {
      const answer = this.#pool.command({ type: 'CHANGE', at: this.#clock.now(), options, newTokens });
      if (answer.refusal !== null) return this.#replies.refusal(answer.refusal);
      keep(options);
      return (await this.#durable.unsettled()) ?? { ok: options };
    });
  }

  // For what is answered by way of this pool, and is not of it alone.

  once<T>(once: Once | undefined, perform: (keep: Keep<T>) => Promise<Outcome<T>>): Promise<Outcome<T>> {
    return this.#durable.isServed
      ? this.#once.answer(once, perform)
      : Promise.resolve(this.#durable.unavailable());
  }

  /** The refusal, once it is known that it is not history. */
  async told(refusal: { refused: Refusal }): Promise<{ refused: Refusal }> {
    return (await this.#durable.unconfirmed()) ?? refusal;
  }

  /** The answer, once it is known that it is not history. */
  async confirmed<T>(answer: T): Promise<Outcome<T>> {
    return (await this.#durable.unconfirmed()) ?? { ok: answer };
  }

  /** What the logs say, once all facts so far are durable. */
  read<T>(query: () => Promise<T>): Promise<Outcome<T>> {
    return this.#durable.read(undefined, query);
  }

  /** The answer, once all facts so far are durable. */
  async settled<T>(answer: T): Promise<Outcome<T>> {
    return (await this.#durable.unsettled()) ?? { ok: answer };
  }

  #tooLong(ttlMs: number | undefined): { refused: Refusal } | null {
    const { ttlMsMax } = this.#pool.options;
    if (ttlMs === undefined || ttlMs <= ttlMsMax) return null;
    const message = `must be a whole number from 1 to ${ttlMsMax}`;
    return refused({ code: 'invalid_options', errors: [{ option: 'ttlMs', message }] });
  }

  /** At the time when it is done: to look for what was answered before takes time too. */
  #do<T>(command: Untimed, show: (facts: Fact[]) => T, once: Once | undefined): Promise<Outcome<T>> {
    return this.#once.answer<T>(once, (keep) =>
      this.#replies.reply(this.#pool.command({ ...command, at: this.#clock.now() }), show, keep),
    );
  }

  async #answer(command: Renew | Release, keep: Keep<Lease>): Promise<Outcome<Lease>> {
    const answer = this.#pool.command(command);
    const reply = await this.#replies.reply(answer, (facts) => (facts[0] as LeaseFact).lease, keep);
    return 'refused' in reply ? this.#explain(command, reply) : reply;
  }

  /** Says what became of a lease that is no longer there, where the log knows it. */
  async #explain(command: Renew | Release, reply: { refused: Refusal }): Promise<Outcome<never>> {
    const code = reply.refused.code as MachineRefusalCode;
    const isGone = (code === 'token_not_active' && command.type === 'RENEW') || code === 'not_found';
    const isReplaced =
      (code === 'token_not_active' || code === 'lease_mismatch') && command.leaseId !== undefined;
    if (!isGone && !isReplaced) return reply;
    const proof: Proof = { leaseId: command.leaseId, userId: command.leaseId ? undefined : command.userId };
    const ending = await this.#durable.ask(() => this.#journal.ending(command.tokenId, proof));
    if ('refused' in ending) return ending;
    if (ending.ok) return refused({ code: 'lease_ended', ...ending.ok });
    if (code === 'not_found') return reply;
    const provedAnything = command.leaseId !== undefined || command.userId !== undefined;
    return isGone && provedAnything ? refused({ code: 'lease_mismatch' }) : reply;
  }
}

/** Whether it says what was, and will be said again. */
const isSettled = ({ code }: Refusal): boolean => code !== 'unavailable' && code !== 'outcome_unknown';

function liveAt(now: number, renewed: { ok: Lease }): Outcome<Lease> {
  const { expiresAt } = renewed.ok;
  return expiresAt > now ? renewed : refused({ code: 'too_late', endedAt: expiresAt });
}

const lastState = (facts: Fact[]): TokenView => facts.at(-1)!.after!;

const countReleased = (facts: Fact[]): number => facts.filter(({ type }) => type === 'released').length;
