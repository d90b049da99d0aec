/** What a check of the log reads: rows as they are, whoever wrote them. Nothing here is known to make sense. */
import type { Json } from '../lease/lease.ts';
import type { LoggedFact } from './chain.ts';

/** A row of the log. */
export type AuditedFact = LoggedFact & { digest: string };

/** A row of `pruned_tokens`, and most of one of `tokens`. */
export interface AuditedState {
  id: string;
  /** null in `pruned_tokens` where no fact says it; so are the next ones that say so. */
  status: string | null;
  userId: string | null;
  leaseId: string | null;
  fence: number | null;
  activatedAt: number | null;
  expiresAt: number | null;
  ttlMs: number | null;
  metadata: Json;
  restsUntil: number | null;
  keptUntil: number | null;
  /** The same. */
  withdrawn: boolean | null;
  withdrawnNote: string | null;
  name: string | null;
  /** The same. */
  labels: Json;
  seq: number;
}

export type AuditedToken = AuditedState & { ordinal: number };

/** What is known of a pool beside its log. */
export interface AuditedPool {
  openedSeq: number;
  options: Json;
  closed: boolean;
  tokensDigest: string;
  lastOrdinal: number;
  chainSeq: number;
  chainDigest: string;
  prunedSeq: number;
  /** As the pruned facts left it. */
  prunedSize: number;
  prunedOrdinal: number;
  prunedOptions: Json;
}

/** All of one moment: what the facts up to the head must have led to, and where folding them begins. */
export interface Standing {
  /** The seq of the newest fact; null if there is none. */
  headSeq: number | null;
  /** null before the pool was first opened, and in a log that is older than its digests. */
  pool: AuditedPool | null;
  /** In the order of their ordinals. */
  tokens: AuditedToken[];
  /** As the pruned facts left them. */
  prunedTokens: AuditedState[];
  /** How often the pools have been opened; null before there was anybody who counted. */
  openings: number | null;
}

export interface AuditedLog {
  standing(): Promise<Standing>;
  /**
   * The next facts after `afterSeq` (null: from the very first), in order, at most so many and none beyond
   * `headSeq`; none at all only where there are none.
   */
  portion(afterSeq: number | null, headSeq: number, most: number): Promise<AuditedFact[]>;
}
