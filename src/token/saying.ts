/** What a token says of what has happened to it, for the host to make a fact of. */
import type { Reason, TokenFactType } from '../lease/fact.ts';

/** What is said of a happening, beside the state that the token is in by then. */
export interface Saying {
  type: TokenFactType;
  reason: Reason;
  /** null: now. */
  at: number | null;
}

interface Timed {
  at: number;
}

export const activated = (reason: Reason<'activated'>, at: number): Saying => ({
  type: 'activated',
  reason,
  at,
});
export const renewed = ({ at }: Timed): Saying => ({ type: 'renewed', reason: 'renewed_by_client', at });
export const released = (reason: Reason<'released'>, at: number): Saying => ({
  type: 'released',
  reason,
  at,
});
export const expired = (reason: Reason<'expired'>, at: number | null): Saying => ({
  type: 'expired',
  reason,
  at,
});
export const rested = (at: number | null): Saying => ({ type: 'rested', reason: 'cool_down_over', at });
export const withdrawn = ({ at }: Timed): Saying => ({ type: 'withdrawn', reason: 'maintenance_begun', at });
export const restored = ({ at }: Timed): Saying => ({ type: 'restored', reason: 'maintenance_over', at });
export const created = (reason: Reason<'created'>, at: number): Saying => ({ type: 'created', reason, at });
export const deleted = (reason: Reason<'deleted'>, at: number | null): Saying => ({
  type: 'deleted',
  reason,
  at,
});
