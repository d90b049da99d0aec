/** What facts left of their tokens, where that is known of them alone or of those before them. */
import type { AuditedState } from '../../src/journal/audited.ts';
import type { LogRow } from './ground.ts';

/** Those of a pool that is closed, or of a token that is deleted. */
export function dropped(states: Map<string, AuditedState>, { type, tokenId }: LogRow): void {
  if (type === 'closed') states.clear();
  if (tokenId !== null) states.delete(tokenId);
}

export function folded(before: AuditedState | undefined, row: LogRow): AuditedState {
  const { tokenId, seq, type } = row;
  const metadata = (row.metadata ?? {}) as Record<string, string>;
  const isUse = type === 'activated' || type === 'renewed';
  const until = (name: string) => (isUse || !metadata[name] ? null : Date.parse(metadata[name]));
  const state = {
    ...(before ?? { ...unknown, id: tokenId! }),
    seq,
    restsUntil: until('rests_until'),
    keptUntil: until('kept_until'),
  };
  if (isUse || type === 'released' || type === 'expired') Object.assign(state, leaseAfter(before, row));
  if (type === 'withdrawn') Object.assign(state, { withdrawn: true, withdrawnNote: metadata.note ?? null });
  if (type === 'restored') Object.assign(state, { withdrawn: false, withdrawnNote: null });
  if (type === 'created')
    Object.assign(state, { name: metadata.name ?? null, labels: metadata.labels ?? {} });
  return state;
}

/** A renewal says only what it changes. */
function leaseAfter(before: AuditedState | undefined, { type, at, ...row }: LogRow): Partial<AuditedState> {
  const { userId, leaseId, fence, expiresAt, metadata } = row;
  if (type === 'released' || type === 'expired') return { ...noLease, status: 'available' };
  const lease = { status: 'active', userId, leaseId, fence, expiresAt };
  if (type === 'activated') return { ...lease, activatedAt: at, ttlMs: expiresAt! - at, metadata };
  const { activatedAt = null, ttlMs = null, metadata: granted = null } = before ?? {};
  return { ...lease, activatedAt, ttlMs, metadata: granted };
}

const noLease = {
  ...{ userId: null, leaseId: null, fence: null, activatedAt: null },
  ...{ expiresAt: null, ttlMs: null, metadata: null },
};

const unknown = {
  ...noLease,
  ...{ status: null, withdrawn: null, withdrawnNote: null, name: null, labels: null },
};
