/** What happened: immutable, numbered, one row of the event log each. */
import type { Lease } from './lease.ts';

/** Why, for each type of fact; closed, and stored as it is written here. */
export const reasons = {
  activated: ['allocated', 'allocated_after_eviction'],
  renewed: ['renewed_by_client'],
  released: ['released_by_client', 'lru_eviction', 'cleanup'],
  expired: ['ttl_expired', 'ttl_expired_while_down'],
  opened: ['pool_opened'],
} as const;

export type TokenFactType = 'activated' | 'renewed' | 'released' | 'expired';
export type FactType = TokenFactType | 'opened';
export const factTypes = Object.keys(reasons) as FactType[];

export type Reason<T extends FactType = FactType> = { [K in T]: (typeof reasons)[K][number] }[T];

/** What a token reports: not yet numbered, and without a time where no command gave one. */
export type Happening = {
  [T in TokenFactType]: {
    type: T;
    reason: Reason<T>;
    tokenId: string;
    /** null: when the clock says it is now (a timer fired). */
    at: number | null;
    /** The lease as this left it, or as it was when it ended. */
    lease: Lease;
  };
}[TokenFactType];

export type Fact = Happening & { seq: number; at: number };
