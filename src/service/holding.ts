/** What is asked of a lease by its id, its token or its user: to renew it, or to end it; and what became of it where it is over. */
import type { Clock } from '../clock.ts';
import type { PoolJournal } from '../journal/pool-journal.ts';
import type { Proof, Release, Renew } from '../lease/command.ts';
import type { LeaseFact } from '../lease/fact.ts';
import type { Lease } from '../lease/lease.ts';
import type { Step } from '../lease/message.ts';
import {
  cameOf,
  type MachineRefusalCode,
  map,
  type Outcome,
  type Refusal,
  refused,
} from '../lease/refusal.ts';
import type { Pool } from '../pool/pool.ts';
import type { Durable } from './durable.ts';
import type { ExactlyOnce, Keep, Once } from './exactly-once.ts';
import { Replies } from './replies.ts';
import type { HeldPool } from './tenure.ts';

export type RenewAsk = Omit<Renew, 'type' | 'at'>;
export type ReleaseAsk = Omit<Release, 'type' | 'at' | 'reason'>;

export class Holding {
  readonly #clock: Clock;
  readonly #pool: Pool;
  readonly #journal: PoolJournal;
  readonly #durable: Durable;
  readonly #once: ExactlyOnce;
  readonly #replies: Replies;

  constructor(clock: Clock, { pool, journal }: HeldPool, durable: Durable, once: ExactlyOnce) {
    this.#clock = clock;
    this.#pool = pool;
    this.#journal = journal;
    this.#durable = durable;
    this.#once = once;
    this.#replies = new Replies(durable);
  }

  async renew(ask: RenewAsk, once?: Once): Promise<Outcome<Lease>> {
    const reply = await this.#once.answer<Lease>(
      once,
      async (keep) => this.tooLong(ask.ttlMs) ?? this.#answer(this.#asked(ask), keep),
    );
    const asItIs = 'refused' in reply ? reply : await this.#asItIs(reply, ask.tokenId, reply.ok);
    return cameOf(reply.step, asItIs);
  }

  /** Each for itself, all in one commit. Refused as a whole, to be repeated, if of any of them it is not known what became of it. */
  async renewMany(asks: readonly RenewAsk[], once?: Once): Promise<Outcome<Outcome<Lease>[]>> {
    const steps: (Step | undefined)[] = [];
    const reply = await this.#once.answer<Outcome<Lease>[]>(once, (keep) =>
      this.#renewAll(asks, keep, steps),
    );
    if ('refused' in reply) return reply;
    const results = await Promise.all(
      reply.ok.map((each, index) => {
        const ask = asks[index]!;
        if ('ok' in each) return this.#asItIs(reply, ask.tokenId, each.ok);
        return this.#explain(this.#asked(ask), each);
      }),
    );
    const unsettled = results.find((each) => 'refused' in each && !isSettled(each.refused));
    if (unsettled && 'refused' in unsettled) return unsettled;
    // Some have waited for the others.
    const now = this.#clock.now();
    const live = results.map((each) => ('ok' in each ? liveAt(now, each) : each));
    return { ...reply, ok: live.map((each, index) => cameOf(steps[index], each)) };
  }

  release(ask: ReleaseAsk, once?: Once): Promise<Outcome<Lease>> {
    return this.#once.answer<Lease>(once, (keep) =>
      this.#answer({ ...ask, type: 'RELEASE', at: this.#clock.now(), reason: 'released_by_client' }, keep),
    );
  }

  /** A TTL beyond what the pool allows by now. */
  tooLong(ttlMs: number | undefined): { refused: Refusal } | null {
    const { ttlMsMax } = this.#pool.options;
    if (ttlMs === undefined || ttlMs <= ttlMsMax) return null;
    const message = `must be a whole number from 1 to ${ttlMsMax}`;
    return refused({ code: 'invalid_options', errors: [{ option: 'ttlMs', message }] });
  }

  #asked = (ask: RenewAsk): Renew => ({ ...ask, type: 'RENEW', at: this.#clock.now() });

  /** What is done is kept in the breath in which it is done; why something was not is looked up afterwards. */
  async #renewAll(
    asks: readonly RenewAsk[],
    keep: Keep<Outcome<Lease>[]>,
    steps: (Step | undefined)[],
  ): Promise<Outcome<Outcome<Lease>[]>> {
    const results = asks.map((ask, index): Outcome<Lease> => {
      const wrong = this.tooLong(ask.ttlMs);
      if (wrong) return wrong;
      const { refusal, facts, step } = this.#pool.command(this.#asked(ask));
      steps[index] = step;
      if (refusal === 'unavailable') return this.#durable.unavailable();
      return refusal === null ? { ok: (facts[0] as LeaseFact).lease } : refused({ code: refusal });
    });
    if (results.some((each) => 'refused' in each && each.refused.code === 'unavailable'))
      return this.#durable.unavailable();
    if (results.every((each) => 'refused' in each))
      return (await this.#durable.unconfirmed()) ?? { ok: results };
    keep(results);
    return (await this.#durable.unsettled()) ?? { ok: results };
  }

  async #asItIs(reply: Outcome<unknown>, tokenId: string, lease: Lease): Promise<Outcome<Lease>> {
    return map(await this.#durable.asItIs(reply, { tokenId, lease }), ({ lease }) => lease);
  }

  async #answer(command: Renew | Release, keep: Keep<Lease>): Promise<Outcome<Lease>> {
    const answer = this.#pool.command(command);
    const reply = await this.#replies.reply(answer, (facts) => (facts[0] as LeaseFact).lease, keep);
    return 'refused' in reply ? cameOf(reply.step, await this.#explain(command, reply)) : reply;
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
