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
import { Changes, isCommand } from './judge-changes.ts';
import { isFinal, KeyedJudge } from './judge-keyed.ts';
import { judgeRead } from './judge-reads.ts';
import { refusalFits } from './judge-refusals.ts';
import { RepeatedJudge } from './judge-repeated.ts';
import type { SequentialPool } from './sequential-pool.ts';

export class Judge {
  readonly #pool: SequentialPool;
  readonly #calls: readonly Call[];
  readonly #proofRequired: boolean;
  readonly #changes: Changes;
  readonly #keyed = new KeyedJudge();
  readonly #repeated: RepeatedJudge;

  constructor(pool: SequentialPool, calls: readonly Call[], proofRequired: boolean) {
    this.#pool = pool;
    this.#calls = calls;
    this.#proofRequired = proofRequired;
    this.#changes = new Changes(pool, proofRequired);
    this.#repeated = new RepeatedJudge(pool, (call) => this.#changes.grantOf(call));
  }

  /** A fact has been written: a grant says which call it is for. */
  written(row: LogRow): void {
    if (row.type !== 'activated') return;
    const { call: number } = row.metadata as { call: number };
    const call = this.#calls[number];
    must(call?.request.do === 'allocate', 'I8', () => `fact ${row.seq} is of no call`);
    const isRefused = callsOf(call, this.#calls).every(isRefusedForGood);
    must(!isRefused, 'I17', () => `call ${number} was refused, and then granted by fact ${row.seq}`);
    this.#changes.granted(number, row);
  }

  /** The call has just been answered, when its process's clock said `now`. */
  answered(call: Call, now: number): void {
    const { outcome } = call;
    if (this.#repeated.concerns(call)) {
      this.#repeated.answered(call, now);
      return;
    }
    if (outcome === null || !this.#keyed.isFirst(call)) return;
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
    this.#changes.explainAll(this.#calls);
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
    const { number, request } = call;
    must(this.#changes.grantOf(call) === undefined, 'I17', () => `call ${number} was granted and refused`);
    const fits = isCommand(request) && refusalFits(this.#pool, call, request, refusal, this.#proofRequired);
    const isMissing = 'tokenId' in request && !this.#pool.tokenIds.includes(request.tokenId);
    const notFound = refusal.code === 'not_found' && isMissing;
    must(fits || notFound, 'I15', () => `call ${number} was refused without reason: ${say(refusal)}`);
  }
}

/** Which calls there have been for the request. */
const callsOf = (call: Call, calls: readonly Call[]): readonly Call[] =>
  call.keyed === null ? [call] : calls.filter(({ keyed }) => keyed === call.keyed);

function isRefusedForGood({ outcome }: Call): boolean {
  if (outcome === null || !('refused' in outcome)) return false;
  return outcome.refused.code === 'unavailable' || (isFinal(outcome) && outcome.refused.code !== 'too_late');
}
