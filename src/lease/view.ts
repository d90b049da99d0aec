/** What can be seen of a pool and of its log. Plain data; never a lease id but in the lease itself. */
import type { FactType, Reason } from './fact.ts';
import type { Json, Lease } from './lease.ts';

export interface TokenView {
  tokenId: string;
  lease: Lease | null;
}

export interface Counts {
  available: number;
  active: number;
  total: number;
}

/** A fact as the log shows it: without the lease id, which only the holder knows. */
export interface FactView {
  seq: number;
  tokenId: string | null;
  type: FactType;
  reason: Reason;
  userId: string | null;
  fence: number | null;
  at: number;
  expiresAt: number | null;
  metadata: Json;
}

/** One lease of a token's past, or its current one, whose end is null. */
export interface LeaseView {
  seq: number;
  userId: string;
  activatedAt: number;
  endedAt: number | null;
  endReason: Ending['reason'] | null;
}

/** How and when a lease ended. */
export interface Ending {
  reason: Reason<'released' | 'expired'>;
  endedAt: number;
}

export interface FactFilter {
  tokenId?: string | undefined;
  type?: FactType | undefined;
  userId?: string | undefined;
}

/** At most `limit` entries beyond the cursor, which is the number of the last entry of the page before. */
export interface Page {
  limit: number;
  cursor?: number | undefined;
}

export interface OrderedPage extends Page {
  order: 'asc' | 'desc';
}
