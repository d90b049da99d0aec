/** Every expected "no" of the service, as values. The edge gives each code its HTTP status. */
import type { Fact } from './fact.ts';

/** What the service is doing; the states of the pool machine. Only `serving` grants. */
export const stages = ['starting', 'standby', 'serving', 'degraded', 'stopping', 'fenced'] as const;
export type Stage = (typeof stages)[number];

export type Refusal =
  | { code: 'not_found' }
  | { code: 'token_not_active' }
  | { code: 'lease_mismatch' }
  | { code: 'lease_ended'; reason: Fact['reason']; endedAt: number }
  | { code: 'lease_proof_required' }
  /** Nothing was done; the same call may succeed later. */
  | { code: 'unavailable'; stage: Stage }
  /** The log is being checked for somebody else. */
  | { code: 'verify_running' }
  /** It was recorded, but its lease was over by then: nothing is held. */
  | { code: 'too_late'; endedAt: number }
  /** The log did not confirm in time: it may yet be recorded. */
  | { code: 'outcome_unknown' }
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
  | 'unavailable';

/** `replayed`: it is what was answered to the same request before. */
export type Outcome<T> = ({ ok: T } | { refused: Refusal }) & { replayed?: true };

/** What `show` makes of a yes. */
export const map = <T, U>(outcome: Outcome<T>, show: (value: T) => U): Outcome<U> =>
  'refused' in outcome ? outcome : { ...outcome, ok: show(outcome.ok) };

export const refused = (refusal: Refusal): { refused: Refusal } => ({ refused: refusal });
