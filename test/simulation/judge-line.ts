/**
 * Those who wait for a token [I10]: they are served in their turn, nobody is who has left, nobody waits while a token is
 * free that fits, and nobody longer than they said. Judged where it is known when somebody joined the line: at
 * once, where they came without a key.
 */
import { must } from './broken.ts';
import type { Call, Request } from './calls.ts';
import type { LogRow } from './ground.ts';
import { fits, free, heldBy, type PoolState } from './pool-state.ts';
import type { SequentialPool } from './sequential-pool.ts';

type Asked = Extract<Request, { do: 'allocate' }>;

export class LineJudge {
  readonly #pool: SequentialPool;
  readonly #calls: readonly Call[];
  /** Those who have waited, and until when. */
  readonly #served: { call: Call; at: number }[] = [];

  constructor(pool: SequentialPool, calls: readonly Call[]) {
    this.#pool = pool;
    this.#calls = calls;
  }

  /** A token has been granted, to one who waited or not. */
  granted(call: Call, row: LogRow): void {
    const { number, goneAt } = call;
    const hasLeft = goneAt !== null && goneAt < row.at && call.keyed === null;
    must(!hasLeft, 'I10', () => `call ${number} had hung up before grant ${row.seq}`);
    if (call.keyed || !call.arrived) return;
    // By an eviction one is served at once, or after waiting until that can be.
    const hasWaited = row.reason === 'allocated_after_eviction' && row.at > call.arrived.at;
    if (row.reason !== 'allocated_after_waiting' && !hasWaited) return;
    const until = call.arrived.at + this.#patienceOf(call);
    must(row.at <= until, 'I10', () => `call ${number} had waited for long enough before grant ${row.seq}`);
    this.#mustHaveHadItsTurn(call, row.at, row.seq);
    this.#mustBeWithinLimit(call, row.at);
    this.#served.push({ call, at: row.at });
  }

  /** Where a user may hold one token, they may stand in line once. */
  #mustBeWithinLimit(call: Call, at: number): void {
    const { since, number } = call;
    const other = this.#served.find(
      (each) => isOfSame(each.call, call) && each.call.arrived!.at < at && each.at > call.arrived!.at,
    );
    const from = Math.min(since, other?.call.since ?? since);
    const isOne = this.#pool.states.slice(from).every(({ options }) => options?.maxPerUser === 1);
    must(
      !other || !isOne,
      'limit',
      () => `call ${number} waited beside call ${other?.call.number} of its user`,
    );
  }

  answered(call: Call): void {
    const { outcome, request, arrived, number, keyed } = call;
    if (request.do !== 'allocate' || !arrived || keyed || !outcome || !('refused' in outcome)) return;
    if (outcome.refused.code !== 'wait_expired') return;
    const until = arrived.at + this.#patienceOf(call);
    const now = call.process.time.now();
    must(
      now >= arrived.at + this.#leastOf(call),
      'I10',
      () => `call ${number} has not waited for long enough`,
    );
    this.#mustHaveHadItsTurn(call, until, this.#pool.seq + 1);
  }

  /** Nobody who came later was served before, and no token was free for it, until it was served, or left. */
  #mustHaveHadItsTurn(call: Call, left: number, seq: number): void {
    const { number, since } = call;
    const joined = call.arrived!.at;
    const { labels } = call.request as Asked;
    // In the instant in which one gives up, others may come after that.
    const last = call.outcome === null ? left : left - 1;
    for (const row of this.#pool.log.slice(since, seq - 1)) {
      if (row.at > last || row.at < joined) continue;
      const other = row.type === 'activated' ? this.#calls[(row.metadata as { call: number }).call]! : null;
      const isBehind = other !== null && comesAfter(other, call);
      // Before the lease that was evicted for it, if one was.
      const before = this.#pool.states[row.seq - (row.reason === 'allocated_after_eviction' ? 2 : 1)]!;
      const token = before.tokens.find(({ tokenId }) => tokenId === row.tokenId);
      const isOvertaken =
        isBehind &&
        token !== undefined &&
        fits(token, labels) &&
        // In the instant of its grant a lease is evicted for newcomers alone.
        (token.lease === null || token.lease.activatedAt < row.at) &&
        !hasEnough(before, call);
      must(
        !isOvertaken,
        'I10',
        () => `call ${other?.number} was served by ${row.seq}, before call ${number}`,
      );
    }
    if (!call.process.hasLapsed(joined, left)) this.#mustHaveBeenBusy(call, joined, left, seq);
  }

  #mustHaveBeenBusy(call: Call, joined: number, left: number, seq: number): void {
    const { number, request, since } = call;
    const { labels } = request as Asked;
    const { log, states } = this.#pool;
    for (let before = Math.max(1, since); before < seq; before++) {
      const from = Math.max(joined, log[before - 1]!.at);
      const to = Math.min(left, log[before]?.at ?? left);
      const isServed = from < to && !hasEnough(states[before]!, call);
      const idle = isServed ? free(states[before]!, labels)[0] : undefined;
      must(
        idle === undefined,
        'I10',
        () => `call ${number} waited after fact ${before}, though a token was free`,
      );
    }
  }

  #waits({ since, request }: Call): number[] {
    const { waitMs } = request as Asked;
    const byDefault = this.#pool.states.slice(since).map(({ options }) => options?.waitMs ?? 0);
    return waitMs === undefined ? byDefault : [waitMs];
  }

  #patienceOf(call: Call): number {
    return Math.max(...this.#waits(call));
  }

  #leastOf(call: Call): number {
    return Math.min(...this.#waits(call));
  }
}

const isOfSame = (one: Call, other: Call): boolean =>
  one.process === other.process && (one.request as Asked).userId === (other.request as Asked).userId;

/** Fewer may be allowed than when somebody joined the line. */
const hasEnough = (state: PoolState, { request }: Call): boolean =>
  heldBy(state, (request as Asked).userId!).length >= (state.options?.maxPerUser ?? Number.POSITIVE_INFINITY);

/** Whether it stands behind the other one, if both wait, or would have to. */
function comesAfter(one: Call, other: Call): boolean {
  if (one === other || one.process !== other.process || !one.arrived || one.number < other.number)
    return false;
  return one.arrived.place > other.arrived!.place && priorityOf(one) <= priorityOf(other);
}

/** Who does not say that they wait are as any other. */
function priorityOf({ request }: Call): number {
  const { waitMs, priority = 0 } = request as Asked;
  return waitMs === 0 ? 0 : priority;
}
