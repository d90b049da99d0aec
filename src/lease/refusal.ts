/** Every expected "no" of the service, as values. The edge gives each code its HTTP status. */
import type { Reason } from './fact.ts';
import type { Step } from './message.ts';
import type { OptionName } from './pool-options.ts';

/** What the service is doing; the states of the pool machine. Only `serving` grants. */
export const stages = ['starting', 'standby', 'serving', 'degraded', 'stopping', 'fenced'] as const;
export type Stage = (typeof stages)[number];

export type Refusal =
  | { code: 'not_found' }
  | { code: 'token_not_active' }
  | { code: 'lease_mismatch' }
  | { code: 'lease_ended'; reason: Reason<'released' | 'expired'>; endedAt: number }
  | { code: 'lease_proof_required' }
  /** The token is being taken out of use: its lease runs out. */
  | { code: 'token_withdrawn' }
  | { code: 'token_not_withdrawn' }
  /** No token is free, and none may be taken from its holder. */
  | { code: 'pool_full' }
  /** No token could ever fit, however long one waited. */
  | { code: 'no_such_token' }
  /** The user holds as many tokens as one user may. */
  | { code: 'user_limit_reached' }
  | { code: 'queue_full' }
  /** No token came free in time. */
  | { code: 'wait_expired' }
  /** The elastic pool has as many tokens as it may. */
  | { code: 'pool_limit_reached' }
  /** Tokens of a fixed pool neither come nor go. */
  | { code: 'pool_not_elastic' }
  /** Another token of the pool has the name. */
  | { code: 'name_taken' }
  | { code: 'lease_not_found' }
  | { code: 'pool_not_found' }
  | { code: 'pool_exists' }
  /** The service is not without this pool. */
  | { code: 'pool_permanent' }
  /** Options that contradict each other, or that are not known. */
  | { code: 'invalid_options'; errors: readonly { option: OptionName; message: string }[] }
  /** The log does not reach so far yet: its newest fact is `head`. */
  | { code: 'cursor_ahead'; head: number }
  /** As many watch as may. */
  | { code: 'too_many_viewers' }
  /** Whoever comes back to the stream names no fact as the last one seen. */
  | { code: 'invalid_event_id' }
  /** The log does not reach back to that moment any more, or never did: it begins with the fact `oldestSeq`. */
  | { code: 'moment_pruned'; oldestSeq: number }
  /** Nothing was done; the same call may succeed later. */
  | { code: 'unavailable'; stage: Stage; detail?: string }
  /** The log is being checked for somebody else. */
  | { code: 'verify_running' }
  /** It was recorded, but its lease was over by then: nothing is held. */
  | { code: 'too_late'; endedAt: number }
  /** The log did not confirm in time: it may yet be recorded. */
  | { code: 'outcome_unknown' }
  /** Time goes by itself, and nobody moves it. */
  | { code: 'clock_not_simulated'; detail: string }
  /** The key of the request was that of another one. */
  | { code: 'idempotency_key_reused' }
  /** The same request is still being answered. */
  | { code: 'idempotency_key_in_use' };

export type RefusalCode = Refusal['code'];

/** The refusals a machine gives by itself; the others need the log. */
export type MachineRefusalCode =
  | 'not_found'
  | 'token_not_active'
  | 'lease_mismatch'
  | 'lease_proof_required'
  | 'token_withdrawn'
  | 'token_not_withdrawn'
  | 'pool_full'
  | 'no_such_token'
  | 'user_limit_reached'
  | 'queue_full'
  | 'wait_expired'
  | 'pool_limit_reached'
  | 'pool_not_elastic'
  | 'name_taken'
  | 'pool_not_found'
  | 'unavailable';

/** `replayed`: it is what was answered to the same request before. `step`: what it came of, where somebody looks on. */
export type Outcome<T> = ({ ok: T } | { refused: Refusal }) & { replayed?: true; step?: Step };

/** What `show` makes of a yes. */
export const map = <T, U>(outcome: Outcome<T>, show: (value: T) => U): Outcome<U> =>
  'refused' in outcome ? outcome : { ...outcome, ok: show(outcome.ok) };

/** The same, and what it came of. */
export const cameOf = <T>(step: Step | undefined, outcome: Outcome<T>): Outcome<T> =>
  step === undefined ? outcome : { ...outcome, step };

export const refused = (refusal: Refusal): { refused: Refusal } => ({ refused: refusal });
