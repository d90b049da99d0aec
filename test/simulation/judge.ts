/**
 * Holds what clients were answered against the log: a change is one fact, written between the call and its answer;
 * every other answer fits a state that there was in between. Together with the order of the log that makes what
 * clients see linearizable [I15].
 */
import type { Refusal } from '../../src/lease/refusal.ts';
import { must } from './broken.ts';
import { type Call, isChange } from './calls.ts';
import { say } from './comparing.ts';
import type { LogRow } from './ground.ts';
import { Changes } from './judge-changes.ts';
import { KeyedJudge } from './judge-keyed.ts';
import { LineJudge } from './judge-line.ts';
import { judgeRead, judgeShown } from './judge-reads.ts';
import { refusalFits } from './judge-refusals.ts';
import { RepeatedJudge } from './judge-repeated.ts';
import type { GrantAsk, SequentialPool } from './sequential-pool.ts';

export class Judge {
  readonly #pool: SequentialPool;
  readonly #calls: readonly Call[];
  readonly #proofRequired: boolean;
  readonly #changes: Changes;
  readonly #keyed = new KeyedJudge();
  readonly #repeated: RepeatedJudge;
  readonly #line: LineJudge;
  /** Each of those that were asked for many in one call, as if it had been asked for by itself. */
  readonly #renewals: Call[] = [];

  constructor(pool: SequentialPool, calls: readonly Call[], proofRequired: boolean) {
    this.#pool = pool;
    this.#calls = calls;
    this.#proofRequired = proofRequired;
    this.#changes = new Changes(pool, proofRequired);
    this.#line = new LineJudge(pool, calls);
    this.#repeated = new RepeatedJudge(pool, (call) => this.#changes.grantsOf(call));
  }

  /** A fact has been written: a grant says which call it is for. */
  written(row: LogRow): void {
    if (row.reason === 'caller_gone') {
      const { metadata } = this.#pool.leases.find(({ fence }) => fence === row.fence)!;
      const { call: number } = metadata as { call: number };
      const hasGone = this.#calls[number]?.goneAt !== null;
      must(hasGone, 'I10', () => `fact ${row.seq} takes a lease from call ${number}, which has not hung up`);
    }
    if (row.type !== 'activated') return;
    const call = this.#callOf(row);
    const { number } = call;
    const isRefused = callsOf(call, this.#calls).every(isRefusedForGood);
    must(!isRefused, 'I17', () => `call ${number} was refused, and then granted by fact ${row.seq}`);
    this.#changes.granted(call, row);
    this.#line.granted(call, row);
  }

  /** What is known of a grant that its fact does not say. */
  askOf(row: LogRow): GrantAsk | null {
    if (row.type !== 'activated') return null;
    const { request } = this.#callOf(row);
    return { labels: request.do === 'allocate' ? request.labels : undefined };
  }

  #callOf(row: LogRow): Call {
    const { call: number } = row.metadata as { call: number };
    const call = this.#calls[number];
    must(call?.request.do === 'allocate', 'I8', () => `fact ${row.seq} is of no call`);
    return call;
  }

  /** The call has just been answered, when its process's clock said `now`. */
  answered(call: Call, now: number): void {
    const { outcome } = call;
    this.#line.answered(call);
    if (call.request.do === 'renew many') {
      for (const each of renewalsOf(call)) {
        this.#renewals.push(each);
        this.answered(each, now);
      }
      return;
    }
    if (this.#repeated.concerns(call)) {
      this.#repeated.answered(call, now);
      return;
    }
    if (outcome === null || !this.#keyed.isFirst(call, this.#wasDeleted(call))) return;
    if (this.#isShown(call)) {
      judgeShown(this.#pool, call, now);
      return;
    }
    const isTooLate = 'refused' in outcome && outcome.refused.code === 'too_late';
    // What was done before this call was for the same request.
    const isOld = outcome.replayed || isTooLate;
    const asked = isOld && call.keyed ? { ...call, since: call.keyed.first.since } : call;
    if (isTooLate || ('ok' in outcome && isChange(call.request))) this.#changes.answered(asked, now);
    else if ('ok' in outcome) judgeRead(this.#pool, call, outcome.ok as never, now);
    else this.#judgeRefusal(asked, outcome.refused);
  }

  /** At the end, when nothing is under way. */
  explainAll(): void {
    const ofPool = this.#calls.filter(({ request }) => request.pool === this.#pool.name);
    const unanswered = ofPool.filter(({ outcome }) => outcome === null);
    this.#changes.explainAll([...ofPool, ...this.#renewals, ...unanswered.flatMap(renewalsOf)]);
  }

  /** Whether the pool was deleted since the call, or the first one for the same, was made. */
  #wasDeleted({ keyed, since }: Call): boolean {
    return this.#pool.log.slice(keyed?.first.since ?? since).some(({ type }) => type === 'closed');
  }

  /** Whether somebody who asked for a token was shown one that they held. */
  #isShown(call: Call): boolean {
    const { request, outcome } = call;
    if (request.do !== 'allocate' || request.onExisting !== 'return' || outcome === null) return false;
    const isShown = 'ok' in outcome || outcome.refused.code === 'too_late';
    return isShown && this.#changes.grantOf(call) === undefined;
  }

  #judgeRefusal(call: Call, refusal: Refusal): void {
    const { number } = call;
    switch (refusal.code) {
      case 'outcome_unknown':
        must(isChange(call.request), 'I17', () => `call ${number} is unsure, and asked for no change`);
        return;
      case 'unavailable': {
        const isAlone = callsOf(call, this.#calls).length === 1;
        const wasGranted = isAlone && this.#changes.grantOf(call) !== undefined;
        must(!wasGranted, 'I17', () => `call ${number} was granted, and told that nothing was done`);
        return;
      }
      case 'idempotency_key_reused':
      case 'idempotency_key_in_use': {
        const isTaken = this.#keyed.isKeyTaken(call, refusal.code, this.#calls);
        must(isTaken, 'I9', () => `nobody else has used the key of call ${number}: ${refusal.code}`);
        return;
      }
      default:
        this.#judgeNo(call, refusal);
    }
  }

  /** Nothing was done, and for the reason that is given. */
  #judgeNo(call: Call, refusal: Refusal): void {
    const { number } = call;
    // What was answered before is gone with the pool that had it.
    const isForgotten = refusal.code === 'pool_not_found' && call.keyed !== null;
    const isGranted = this.#changes.grantOf(call) !== undefined && !isForgotten;
    must(!isGranted, 'I17', () => `call ${number} was granted and refused`);
    const fits = refusalFits(this.#pool, call, refusal, this.#calls, this.#proofRequired);
    must(fits, 'I15', () => `call ${number} was refused without reason: ${say(refusal)}`);
  }
}

/** Which calls there have been for the request. */
const callsOf = (call: Call, calls: readonly Call[]): readonly Call[] =>
  call.keyed === null ? [call] : calls.filter(({ keyed }) => keyed === call.keyed);

/** After these it may yet be done, or has been. */
const isOpen: ReadonlySet<Refusal['code']> = new Set([
  'outcome_unknown',
  'too_late',
  'idempotency_key_in_use',
  'idempotency_key_reused',
]);

const isRefusedForGood = ({ outcome }: Call): boolean =>
  outcome !== null && 'refused' in outcome && !isOpen.has(outcome.refused.code);

/** Of a refusal as a whole it is not known what was done. */
function renewalsOf(call: Call): Call[] {
  const { request, outcome } = call;
  if (request.do !== 'renew many') return [];
  const outcomes = outcome !== null && 'ok' in outcome ? (outcome.ok as Call['outcome'][]) : [];
  return request.asks.map((ask, place) => ({
    ...call,
    request: { ...ask, do: 'renew', pool: request.pool },
    outcome: outcomes[place] ?? null,
  }));
}
