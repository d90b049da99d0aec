/** Allocating: what is asked for as a command, and the waiting until the pool has a token to give. */
import type { Clock } from '../clock.ts';
import type { Allocate } from '../lease/command.ts';
import { type Fact, isOfLease } from '../lease/fact.ts';
import type { Json, Labels, Lease } from '../lease/lease.ts';
import { cameOf, type Outcome } from '../lease/refusal.ts';
import type { Answer, Pool } from '../pool/pool.ts';
import { newId, newLeaseId } from '../random.ts';
import type { Durable, Held } from './durable.ts';
import type { Keep } from './exactly-once.ts';
import { Replies } from './replies.ts';
import type { HeldPool } from './tenure.ts';
import type { Line, Waited } from './waiting.ts';

export interface AllocateAsk {
  userId?: string | undefined;
  ttlMs?: number | undefined;
  metadata?: Json | undefined;
  labels?: Labels | undefined;
  onExisting?: Allocate['onExisting'];
  /** How many, all or none. */
  count?: number | undefined;
  /** How long to stand in line where no token is free; 0: not at all. */
  waitMs?: number | undefined;
  priority?: number | undefined;
}

/** Who asks: whoever waits for an answer that takes long. */
export interface Asker {
  /** Aborted when nobody waits for the answer any more. Asked for only where waiting takes long: having it made has its price. */
  gone?: (() => AbortSignal) | undefined;
}

export interface Grant extends Held {
  /** The lease that was ended to make room. */
  evicted: Lease | null;
}

export class Allocating {
  readonly #clock: Clock;
  readonly #pool: Pool;
  readonly #line: Line;
  readonly #durable: Durable;
  readonly #replies: Replies;

  constructor(clock: Clock, { pool, line }: HeldPool, durable: Durable) {
    this.#clock = clock;
    this.#pool = pool;
    this.#line = line;
    this.#durable = durable;
    this.#replies = new Replies(durable);
  }

  /** `comesAgain`: whoever goes away meanwhile can ask for the answer again. */
  async allocate(
    ask: AllocateAsk,
    comesAgain: boolean,
    asker: Asker,
    keep: Keep<Grant[]>,
  ): Promise<Outcome<Grant[]>> {
    const { command, waitMs } = this.#asked(ask);
    const answer = this.#pool.command(command);
    if (answer.held !== null) return cameOf(answer.step, await this.#showHeld(answer.held));
    if (!answer.waits) return this.#replies.reply(answer, grantsOf, keep);
    return this.#waited(command, waitMs, asker, comesAgain, keep);
  }

  #asked(ask: AllocateAsk): { command: Allocate; waitMs: number } {
    const at = this.#clock.now();
    const { options } = this.#pool;
    const waitMs = ask.waitMs ?? (options.whenFull === 'wait' ? options.waitMs : 0);
    const leaseIds = Array.from({ length: ask.count ?? 1 }, () => newLeaseId(at));
    const command: Allocate = {
      type: 'ALLOCATE',
      at,
      leaseIds,
      userId: ask.userId ?? newId(),
      ttlMs: ask.ttlMs ?? options.ttlMs,
      metadata: ask.metadata ?? null,
      labels: ask.labels,
      onExisting: ask.onExisting,
      wait:
        ask.waitMs === 0
          ? null
          : waitMs > 0 && leaseIds.length === 1
            ? { priority: ask.priority ?? 0, until: at + waitMs }
            : undefined,
    };
    return { command, waitMs };
  }

  /** What the user holds already. Between asking and confirming it may have ended. */
  async #showHeld(held: Held): Promise<Outcome<Grant[]>> {
    const unsure = await this.#durable.unconfirmed();
    return unsure ?? { ok: [{ ...held, evicted: null }] };
  }

  async #waited(
    command: Allocate,
    waitMs: number,
    asker: Asker,
    comesAgain: boolean,
    keep: Keep<Grant[]>,
  ): Promise<Outcome<Grant[]>> {
    const [leaseId] = command.leaseIds as [string];
    let left: Answer | undefined;
    const leave = () => {
      left = this.#pool.command({ type: 'LEAVE', at: this.#clock.now(), leaseId });
    };
    const atOnce = this.#line.answeredAtOnce(leaseId);
    if (atOnce === undefined && this.#line.isClosed) {
      leave();
      return cameOf(left?.step, await this.#replies.refusal('queue_full'));
    }
    const ended = (waited: Waited) => {
      if (waited.end !== 'answered') leave();
      else if (waited.answer.facts.length > 0) keep(grantsOf(waited.answer.facts));
    };
    if (atOnce) ended({ end: 'answered', answer: atOnce });
    const gone = asker.gone?.();
    const waited: Waited = atOnce
      ? { end: 'answered', answer: atOnce }
      : await this.#line.wait(leaseId, waitMs, this.#clock, gone, ended);
    if (waited.end !== 'answered') return cameOf(left?.step, await this.#replies.refusal('wait_expired'));
    const { facts, refusal, held, step } = waited.answer;
    if (held !== null) return cameOf(step, await this.#showHeld(held));
    if (refusal !== null) return cameOf(step, await this.#replies.refusal(refusal));
    const unsettled = await this.#durable.unsettled();
    const grants = grantsOf(facts);
    const { tokenId } = grants[0]!;
    // Nobody hears of it, and nobody will ask again: it would be held in vain until its deadline.
    if (gone?.aborted && !comesAgain && this.#durable.isServed)
      this.#pool.command({ type: 'RELEASE', at: this.#clock.now(), tokenId, leaseId, reason: 'caller_gone' });
    return cameOf(step, unsettled ?? { ok: grants });
  }
}

/** Each grant with the lease that was ended for it. */
function grantsOf(facts: readonly Fact[]): Grant[] {
  return facts.filter(isOfLease).flatMap(({ type, reason, tokenId, lease }, index, all) => {
    if (type !== 'activated' && type !== 'renewed') return [];
    const evicted = reason === 'allocated_after_eviction' ? all[index - 1]!.lease : null;
    return [{ tokenId, lease, evicted }];
  });
}
