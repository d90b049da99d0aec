/** What can be asked of a pool. Time and ids come in with the command: machines read no clock and draw no chance. */
import type { Reason } from './fact.ts';
import type { Json, Labels, TokenTraits } from './lease.ts';
import type { PoolOptions } from './pool-options.ts';

/** What the caller shows to be the holder. What is absent is not checked; what is sent must be the current one. */
export interface Proof {
  leaseId?: string | undefined;
  userId?: string | undefined;
}

/** What happens when the user holds a token of the pool already: another one, that one, or that one, renewed. */
export const onExistingChoices = ['new', 'return', 'renew'] as const;

export interface Allocate {
  type: 'ALLOCATE';
  at: number;
  userId: string;
  /** Of each lease that is asked for: all of them are granted, or none. */
  leaseIds: readonly string[];
  ttlMs: number;
  metadata: Json;
  /** The token must have all of these; absent: any token will do. */
  labels?: Labels | undefined;
  onExisting?: (typeof onExistingChoices)[number] | undefined;
  /** To stand in line where no token is free, and before whom and how long; null: not to; absent: what the pool does when it is full. */
  wait?: { priority: number; until?: number | undefined } | null | undefined;
}

/** Leaves the line. */
export interface Leave {
  type: 'LEAVE';
  at: number;
  /** The one that would have been granted. */
  leaseId: string;
}

/** Moves the deadline to `max(old, at + ttlMs)`; without ttlMs, by the TTL the lease was granted with. */
export interface Renew extends Proof {
  type: 'RENEW';
  at: number;
  tokenId: string;
  ttlMs?: number | undefined;
}

export interface Release extends Proof {
  type: 'RELEASE';
  at: number;
  tokenId: string;
  reason: Reason<'released'>;
}

/** Ends every lease that is live when it is handled. */
export interface ReleaseAll {
  type: 'RELEASE_ALL';
  at: number;
  reason: Reason<'released'>;
}

/** Ends the pool: sends away who waits in line, and ends every lease. */
export interface Close {
  type: 'CLOSE';
  at: number;
}

/** Adds a token to an elastic pool. */
export interface Create {
  type: 'CREATE';
  at: number;
  token: TokenTraits;
}

/** Takes a token out of an elastic pool, its lease too if it has one. */
export interface Delete {
  type: 'DELETE';
  at: number;
  tokenId: string;
}

/** Takes a token out of use: its lease is ended, or runs out. */
export interface Withdraw {
  type: 'WITHDRAW';
  at: number;
  tokenId: string;
  note: string | null;
  endLease: boolean;
}

export interface Restore {
  type: 'RESTORE';
  at: number;
  tokenId: string;
}

/** From now on the pool goes by these. `newTokens`: those that it is short of by then. */
export interface Change {
  type: 'CHANGE';
  at: number;
  options: PoolOptions;
  newTokens: readonly TokenTraits[];
}

export type Command =
  | Allocate
  | Leave
  | Renew
  | Release
  | ReleaseAll
  | Close
  | Create
  | Delete
  | Withdraw
  | Restore
  | Change;
