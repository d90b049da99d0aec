/** What can be asked of a pool. Time and ids come in with the command: machines read no clock and draw no chance. */
import type { Reason } from './fact.ts';
import type { Json } from './lease.ts';

/** What the caller shows to be the holder. What is absent is not checked; what is sent must be the current one. */
export interface Proof {
  leaseId?: string | undefined;
  userId?: string | undefined;
}

export interface Allocate {
  type: 'ALLOCATE';
  at: number;
  userId: string;
  leaseId: string;
  ttlMs: number;
  metadata: Json;
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

export type Command = Allocate | Renew | Release | ReleaseAll;
