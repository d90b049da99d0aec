/**
 * Requests that come with a key: the first that is answered for good is answered the same ever after, whoever serves,
 * and no other request gets an answer with its key [I9].
 */
import { keptMs } from '../../src/journal/keyed.ts';
import type { Outcome, RefusalCode } from '../../src/lease/refusal.ts';
import { must } from './broken.ts';
import type { Call, Keyed } from './calls.ts';
import { same, say } from './comparing.ts';

/** Clocks may be hours off: whether a key of an age in between is still kept is for nobody to say. */
export const surelyKeptMs = keptMs - 4 * 3_600_000;
export const surelyForgottenMs = keptMs + 4 * 3_600_000;

/** Refusals after which the same request may still be done. */
const passing: ReadonlySet<RefusalCode> = new Set([
  'unavailable',
  'outcome_unknown',
  'idempotency_key_in_use',
  'idempotency_key_reused',
  'pool_full',
  'user_limit_reached',
  'queue_full',
  'wait_expired',
  'pool_limit_reached',
  'pool_not_found',
]);

/** Whether the call was told for good what became of its request. */
export function isFinal(outcome: Outcome<unknown> | null): outcome is Outcome<unknown> {
  return outcome !== null && !('refused' in outcome && passing.has(outcome.refused.code));
}

export class KeyedJudge {
  /** What was answered for good, by the request. */
  readonly #answered = new Map<Keyed, Outcome<unknown>>();
  /** Which request a key belongs to. */
  readonly #owners = new Map<string, Keyed>();

  /**
   * Whether that is the first answer for good, so that it is to be judged by what is in the log. `isForgotten`: the pool has
   * been deleted meanwhile, and what was answered when it was no more may have gone with it.
   */
  isFirst({ keyed, outcome, number, request, askedAt }: Call, isForgotten: boolean): boolean {
    if (keyed === null || !isFinal(outcome)) return true;
    const before = this.#answered.get(keyed);
    this.#own(keyed, askedAt, number);
    const isOver = 'refused' in outcome && outcome.refused.code === 'lease_ended';
    if (before === undefined) {
      // A renewal that was done can be told of as over before its own answer, that it was done, has arrived.
      if (request.do === 'renew' && isOver && outcome.replayed) return true;
      this.#answered.set(keyed, outcome);
      return true;
    }
    // Of a renewal that was done: the lease is over by now, and how is told instead.
    const wasDone = 'ok' in before || before.refused.code === 'too_late';
    if (request.do === 'renew' && isOver && wasDone) return true;
    const again = { ...outcome, replayed: undefined };
    const isSame = same(again, { ...before, replayed: undefined });
    if (!isSame && isForgotten) {
      this.#answered.set(keyed, outcome);
      return true;
    }
    must(
      isSame,
      'I9',
      () => `call ${number} was answered ${say(again)}, but its request had been answered ${say(before)}`,
    );
    return false;
  }

  /** Whether there was a reason to refuse the call for its key. */
  isKeyTaken({ keyed }: Call, code: RefusalCode, calls: readonly Call[]): boolean {
    if (keyed === null) return false;
    const sharing = calls.filter((each) => each.keyed?.key === keyed.key);
    if (code === 'idempotency_key_reused') return sharing.some((each) => each.keyed !== keyed);
    // Nobody has been told for good, or in this very moment.
    return sharing.filter((each) => each.keyed === keyed).length > 1;
  }

  #own(keyed: Keyed, askedAt: number, number: number): void {
    const owner = this.#owners.get(keyed.key);
    const isKept = owner !== undefined && Math.abs(askedAt - owner.first.askedAt) < surelyKeptMs;
    const isOther = isKept && owner !== keyed;
    must(!isOther, 'I9', () => `call ${number} was answered with the key of another request`);
    if (owner === undefined || owner.first.askedAt < keyed.first.askedAt) this.#owners.set(keyed.key, keyed);
  }
}
