/** What a pool did in the hour before one of its facts, minute by minute. Plain data; times in epoch milliseconds. */

export const windowMs = 3_600_000;
export const bucketMs = 60_000;

/** For how long leases had been held when they ended; one column more has those beyond the last bound. */
export const heldBoundsMs = [
  1000, 10_000, 30_000, 60_000, 120_000, 300_000, 600_000, 1_800_000, 3_600_000, 10_800_000, 86_400_000,
] as const;

export interface Bucket {
  /** Its end; what happened at that instant belongs to it. */
  at: number;
  /** Leases that were live at its end. */
  active: number;
  activated: number;
  evicted: number;
  /** Before their deadlines, and not by an eviction. */
  released: number;
  expired: number;
}

export interface Statistics {
  seq: number;
  /** What is counted came after `from`. */
  from: number;
  to: number;
  /** All facts of the hour have been counted. */
  complete: boolean;
  facts: number;
  /** The minutes up to the fact, oldest first: those of the hour that end after `from`. */
  buckets: Bucket[];
  /** Leases that ended in that time, by how long they had been held: up to this bound, and beyond the one before. null: the last has none. */
  held: { upToMs: number | null; leases: number }[];
}
