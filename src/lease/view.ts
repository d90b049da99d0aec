/** What can be seen of a pool and of its log. Plain data; never a lease id but in the lease itself. */
import type { FactType, Reason } from './fact.ts';
import type { Json, Labels, TokenState } from './lease.ts';

export type TokenView = Omit<TokenState, 'seq'>;

export interface Counts {
  available: number;
  active: number;
  /** All tokens, those that rest or are withdrawn too. */
  total: number;
  /** Users who stand in line. */
  waiting: number;
}

/** One who stands in line. The lease id is for whoever serves the line: it is shown to nobody. */
export interface WaiterView {
  leaseId: string;
  userId: string;
  since: number;
  priority: number;
  labels: Labels;
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

/** A lease that is over, as the log knows it, and who was granted its token next. */
export interface PastLease {
  pool: string;
  tokenId: string;
  userId: string;
  fence: number;
  /** null where the fact of the grant is no longer kept. */
  activatedAt: number | null;
  /** Its deadline. */
  expiresAt: number;
  endedAt: number;
  endReason: Ending['reason'];
  next: { userId: string; fence: number; activatedAt: number } | null;
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
