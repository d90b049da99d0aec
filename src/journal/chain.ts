/**
 * The chain of digests through a pool's log: each fact's digest covers all its members and the digest before it,
 * so that no row can be edited, added or taken away without a digest being wrong. A guard against mistakes and
 * edits by hand, not against those who make the digests anew. That the newest facts are gone shows elsewhere.
 */
import { hash } from 'node:crypto';
import { canonical } from '../lease/canonical.ts';
import { type Fact, type FactType, metadataOf, type Reason } from '../lease/fact.ts';
import type { Json } from '../lease/lease.ts';

/** A fact as a row of the log has it. */
export interface LoggedFact {
  seq: number;
  tokenId: string | null;
  type: FactType;
  reason: Reason;
  userId: string | null;
  leaseId: string | null;
  fence: number | null;
  at: number;
  expiresAt: number | null;
  metadata: Json;
}

/** What follows the facts before the first one. */
export const chainStart = '';

/** 128 bits: nobody meets a second log with the same one by accident. */
const digestLength = 22;

/** The digest of `fact` where `before` is the one of the fact before it. */
export function digestOf(before: string, fact: LoggedFact): string {
  const { seq, tokenId, type, reason, leaseId, fence, at, expiresAt } = fact;
  // What users write comes last and quoted: it can be taken for no other member.
  const text = `${before}|${seq}|${tokenId}|${type}|${reason}|${leaseId}|${fence}|${at}|${expiresAt}|${JSON.stringify(fact.userId)}|${canonical(fact.metadata)}`;
  return hash('sha256', text, 'base64').slice(0, digestLength);
}

/** The row that a fact of a token becomes. */
export function loggedFact(fact: Fact): LoggedFact {
  const { seq, tokenId, type, reason, at, lease } = fact;
  return {
    seq,
    tokenId,
    type,
    reason,
    userId: lease === null ? null : lease.userId,
    leaseId: lease === null ? null : lease.leaseId,
    fence: lease === null ? null : lease.fence,
    at,
    expiresAt: lease === null ? null : lease.expiresAt,
    metadata: metadataOf(fact),
  };
}

/** The row of a fact of the pool itself. */
export const loggedPoolFact = (
  type: 'opened' | 'changed' | 'closed',
  reason: Reason,
  seq: number,
  at: number,
  metadata: Json,
): LoggedFact => ({
  seq,
  tokenId: null,
  type,
  reason,
  userId: null,
  leaseId: null,
  fence: null,
  at,
  expiresAt: null,
  metadata,
});
