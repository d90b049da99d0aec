/**
 * One pool, for those who use it: stamps the time, asks the pool, waits for the commit, answers. Holds no rule of leasing
 * and no SQL. Every answer is given only when each fact it shows is durable.
 */
import type { Clock } from '../clock.ts';
import type { Command } from '../lease/command.ts';
import type { Fact } from '../lease/fact.ts';
import type { Labels, Lease, TokenTraits } from '../lease/lease.ts';
import { type Contradiction, contradictions, type PoolOptions } from '../lease/pool-options.ts';
import { cameOf, map, type Outcome, type Refusal, refused, type Stage } from '../lease/refusal.ts';
import type { Counts, TokenView } from '../lease/view.ts';
import type { Pool } from '../pool/pool.ts';
import { traitsOfOne } from '../pool/pool-view.ts';
import { newId } from '../random.ts';
import { type AllocateAsk, Allocating, type Asker, type Grant } from './allocating.ts';
import { Durable } from './durable.ts';
import { ExactlyOnce, type Keep, type Once } from './exactly-once.ts';
import { Holding, type ReleaseAsk, type RenewAsk } from './holding.ts';
import { missing, namesHeld } from './making.ts';
import type { Messages } from './messages.ts';
import { PoolReads } from './pool-reads.ts';
import { Replies } from './replies.ts';
import type { HeldPool, ServiceListener } from './tenure.ts';

type Timeless<C> = C extends Command ? Omit<C, 'at'> : never;
/** A command that has not been given its time yet. */
type Untimed = Timeless<Command>;

/** A pool as it is: what it goes by, and how full it is. */
export interface PoolView {
  name: string;
  options: PoolOptions;
  counts: Counts;
}

export class PoolService {
  readonly name: string;
  readonly #clock: Clock;
  readonly #pool: Pool;
  readonly #durable: Durable;
  readonly #once: ExactlyOnce;
  readonly #replies: Replies;
  readonly #allocating: Allocating;
  readonly #holding: Holding;
  readonly #messages: Messages;
  /** What can be asked without changing anything. */
  readonly reads: PoolReads;

  constructor(clock: Clock, held: HeldPool, stage: () => Stage, listener: ServiceListener) {
    this.name = held.name;
    this.#clock = clock;
    this.#pool = held.pool;
    this.#messages = held.messages;
    this.#durable = new Durable(clock, held, stage, listener);
    this.#once = new ExactlyOnce(clock, held.journal, this.#durable);
    this.#replies = new Replies(this.#durable);
    this.#allocating = new Allocating(clock, held, this.#durable);
    this.#holding = new Holding(clock, held, this.#durable, this.#once);
    this.reads = new PoolReads(clock, held, this.#durable);
  }

  get options(): PoolOptions {
    return this.#pool.options;
  }

  get counts(): Counts {
    return this.#pool.counts;
  }

  /** What a token is like; undefined where it is no more. */
  like(tokenId: string): TokenTraits | undefined {
    return this.#pool.see((context) => traitsOfOne(context, tokenId));
  }

  now(): number {
    return this.#clock.now();
  }

  // What follows is done once, and answered the same each time, for those who say `once`.

  /**
   * Grants as many tokens as are asked for, or none. Refuses `pool_full`, `no_such_token`, `user_limit_reached`, `queue_full`,
   * `wait_expired`, `unavailable`, `outcome_unknown`, and `too_late` if the commit outlasted the TTL.
   */
  async allocate(ask: AllocateAsk, once?: Once, asker: Asker = {}): Promise<Outcome<Grant[]>> {
    const reply = await this.#once.answer<Grant[]>(
      once,
      async (keep) =>
        this.#holding.tooLong(ask.ttlMs) ?? this.#allocating.allocate(ask, once !== undefined, asker, keep),
    );
    if ('refused' in reply) return this.#told('granted', reply);
    // Before there were batches, a single grant was kept by itself.
    const grants = Array.isArray(reply.ok) ? reply.ok : [reply.ok as Grant];
    const seen = await Promise.all(grants.map((each) => this.#durable.asItIs(reply, each)));
    const live = seen.flatMap((each) => ('ok' in each ? [each.ok] : []));
    // Of a batch that is asked for again, those are shown that are still live.
    const over = seen.find((each) => 'refused' in each);
    const isOver = over !== undefined && (live.length === 0 || !reply.replayed);
    return this.#told('granted', isOver ? cameOf(reply.step, over) : { ...reply, ok: live });
  }

  /** Moves the deadline to `max(old, now + ttlMs)`. Refuses `lease_ended` with why and when, `lease_mismatch`, `token_withdrawn`, `too_late`. */
  async renew(ask: RenewAsk, once?: Once): Promise<Outcome<Lease>> {
    return this.#told('renewed', await this.#holding.renew(ask, once));
  }

  /** Each for itself, all in one commit. Refused as a whole, to be repeated, if of any of them it is not known what became of it. */
  async renewMany(asks: readonly RenewAsk[], once?: Once): Promise<Outcome<Outcome<Lease>[]>> {
    return map(await this.#holding.renewMany(asks, once), (each) =>
      each.map((outcome) => this.#told('renewed', outcome)),
    );
  }

  /** Ends the lease of a token. Refuses `token_not_active`, `lease_mismatch`, `lease_ended`. */
  async release(ask: ReleaseAsk, once?: Once): Promise<Outcome<Lease>> {
    return this.#told('released', await this.#holding.release(ask, once));
  }

  /** Ends every lease that is live now, and says how many those were. */
  releaseAll(once?: Once): Promise<Outcome<number>> {
    return this.#do({ type: 'RELEASE_ALL', reason: 'cleanup' }, countReleased, once);
  }

  /** Adds a token to an elastic pool. Refuses `pool_not_elastic`, `name_taken`, `pool_limit_reached`. */
  create(traits: { name: string | null; labels: Labels }, once?: Once): Promise<Outcome<TokenView>> {
    const token = { tokenId: newId(), ...traits };
    return this.#shown(this.#do({ type: 'CREATE', token }, (facts) => facts[0]!.after!, once));
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
    return this.#shown(this.#do({ type: 'WITHDRAW', tokenId, ...how }, lastState, once));
  }

  /** Brings it back. Refuses `not_found`, `token_not_withdrawn`. */
  restore(tokenId: string, once?: Once): Promise<Outcome<TokenView>> {
    return this.#shown(this.#do({ type: 'RESTORE', tokenId }, (facts) => facts[0]!.after!, once));
  }

  /** Goes by other options from now on. Refuses `invalid_options`; `unfit` says what else is wrong with them. */
  async change(
    changed: (options: PoolOptions) => PoolOptions,
    unfit: (options: PoolOptions) => Contradiction[],
    once?: Once,
  ): Promise<Outcome<PoolView>> {
    const outcome = await this.#once.answer<PoolView>(once, async (keep) => {
      const at = this.#clock.now();
      // Who is to leave by then is not there any more.
      this.#pool.pass(at);
      const options = changed(this.#pool.options);
      const wrong = [...contradictions(options), ...namesHeld(this.#pool, options), ...unfit(options)];
      if (wrong.length > 0) return this.told(refused({ code: 'invalid_options', errors: wrong }));
      const newTokens = missing(this.#pool, options);
      const answer = this.#pool.command({ type: 'CHANGE', at, options, newTokens });
      if (answer.refusal !== null) return cameOf(answer.step, await this.#replies.refusal(answer.refusal));
      const view = { name: this.name, options, counts: this.counts };
      keep(view);
      return cameOf(answer.step, await this.settled(view));
    });
    return this.#told('changed', outcome);
  }

  /** What it is like now. */
  async view(): Promise<Outcome<PoolView>> {
    this.#pool.pass(this.#clock.now());
    const { name, options, counts } = this;
    return this.confirmed({ name, options, counts });
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

  /** At the time when it is done: to look for what was answered before takes time too. */
  async #do<T>(command: Untimed, show: (facts: Fact[]) => T, once: Once | undefined): Promise<Outcome<T>> {
    const outcome = await this.#once.answer<T>(once, (keep) =>
      this.#replies.reply(this.#pool.command({ ...command, at: this.#clock.now() }), show, keep),
    );
    return this.#told('done', outcome);
  }

  /** The same, told to those who look on, and not carried further. */
  #told<T>(answer: string, outcome: Outcome<T>): Outcome<T> {
    if (outcome.step === undefined) return outcome;
    this.#messages.answered(answer, outcome);
    const { step, ...told } = outcome;
    return told;
  }

  /** A token as it is when that is told: it can have moved on while its facts were committed, and has when it is asked for again. */
  async #shown(done: Promise<Outcome<TokenView>>): Promise<Outcome<TokenView>> {
    const reply = await done;
    if ('refused' in reply) return reply;
    const { tokenId, lease } = reply.ok;
    if (!reply.replayed && (lease === null || lease.expiresAt > this.#clock.now())) return reply;
    const look = async (): Promise<Outcome<TokenView>> => {
      const seen = this.#pool.token(tokenId, this.#clock.now()) ?? { ...reply.ok, lease: null };
      return this.confirmed(seen);
    };
    const seen = await this.#durable.look(look, (token) => [token]);
    if ('ok' in seen) return { ...reply, ...seen };
    // It was done all the same.
    return reply.replayed ? seen : refused({ code: 'outcome_unknown' });
  }
}

/** The token as it was last: one that was only waiting to leave is gone then. */
const lastState = (facts: Fact[]): TokenView => facts.findLast(({ after }) => after !== null)!.after!;

const countReleased = (facts: Fact[]): number => facts.filter(({ type }) => type === 'released').length;
