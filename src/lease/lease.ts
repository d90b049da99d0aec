/** What a lease is: the time-bounded right of one user to one token. Plain data; times are epoch milliseconds. */

export type Json = string | number | boolean | null | Json[] | { [key: string]: Json };

export interface Lease {
  /** Of this one grant: whoever knows it is the holder. */
  leaseId: string;
  userId: string;
  /** Rises with every grant of the pool and is never reused: the seq of the grant's fact. */
  fence: number;
  activatedAt: number;
  /** The deadline: at this instant the lease is over. */
  expiresAt: number;
  /** The TTL it was granted with, which a renewal without one of its own uses again. */
  ttlMs: number;
  metadata: Json;
}

/** The state of one token as the log knows it: its lease, if any, and the seq of the fact that made it so. */
export interface TokenState {
  tokenId: string;
  lease: Lease | null;
  seq: number;
}
