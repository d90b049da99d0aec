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

/** What a token is like; asked for by equality. */
export type Labels = Readonly<Record<string, string>>;

/** What a token is: settled when it is made, and never changed. */
export interface TokenTraits {
  tokenId: string;
  /** No other token of its pool has the same; null: it has none. */
  name: string | null;
  labels: Labels;
}

/** The state of one token as the log knows it, and the seq of the fact that made it so. */
export interface TokenState extends TokenTraits {
  lease: Lease | null;
  /** Until when it rests after a lease; null where it does not. */
  restsUntil: number | null;
  /** When it is deleted unless somebody asks for it; null where it is kept. */
  keptUntil: number | null;
  /** Out of use: a lease that it has runs out, and nobody gets another. */
  withdrawn: { note: string | null } | null;
  seq: number;
}

export const statuses = ['available', 'active', 'resting', 'withdrawn'] as const;
export type Status = (typeof statuses)[number];

export function statusOf({
  lease,
  withdrawn,
  restsUntil,
}: {
  lease: object | null;
  withdrawn: object | null;
  restsUntil: number | null;
}): Status {
  if (lease !== null) return 'active';
  if (withdrawn !== null) return 'withdrawn';
  return restsUntil === null ? 'available' : 'resting';
}
