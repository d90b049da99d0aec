/** The state of a token as a row has it. */
import type { TokenState } from '../lease/lease.ts';
import type { tokens } from './schema.ts';

export const tokenState = (row: Omit<typeof tokens.$inferSelect, 'ordinal' | 'madeSeq'>): TokenState => ({
  tokenId: row.id,
  name: row.name,
  labels: row.labels,
  seq: row.seq,
  restsUntil: row.restsUntil,
  keptUntil: row.keptUntil,
  withdrawn: row.withdrawn ? { note: row.withdrawnNote } : null,
  lease:
    row.status === 'active'
      ? {
          leaseId: row.leaseId!,
          userId: row.userId!,
          fence: row.fence!,
          activatedAt: row.activatedAt!,
          expiresAt: row.expiresAt!,
          ttlMs: row.ttlMs!,
          metadata: row.metadata,
        }
      : null,
});
