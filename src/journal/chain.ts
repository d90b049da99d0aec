/**
 * The chain of digests through a pool's log: each fact's digest covers all its members and the digest before it,
 * so that no row can be edited, added or taken away without a digest being wrong. A guard against mistakes and
 * edits by hand, not against those who make the digests anew. That the newest facts are gone shows elsewhere.
 */
import { hash } from 'node:crypto';
import { canonical } from '../lease/canonical.ts';
import type { Fact, FactType, Reason } from '../lease/fact.ts';
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
  return digest(text);
}

/** Over the ids of a pool's tokens, in their order. */
export const digestOfTokens = (ids: readonly string[]): string => digest(ids.join('\n'));

/** The row that a fact becomes. */
export function loggedFact({ seq, tokenId, type, reason, at, lease }: Fact): LoggedFact {
  return {
    seq,
    tokenId,
    type,
    reason,
    userId: lease.userId,
    leaseId: lease.leaseId,
    fence: lease.fence,
    at,
    expiresAt: lease.expiresAt,
    // Of the grant alone: what follows is of the same lease.
    metadata: type === 'activated' ? lease.metadata : null,
  };
}

const digest = (text: string): string => hash('sha256', text, 'base64').slice(0, digestLength);
