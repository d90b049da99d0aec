/** What each fact of a token must be, given the lease that the token has. */
import type { AuditedFact } from '../journal/audited.ts';
import type { Invariant } from '../lease/violation.ts';
import type { Fold, FoldedLease, FoldedToken } from './fold.ts';
import { shown } from './report.ts';

type Say = (invariant: Invariant, message: string) => void;

export function checkActivated(fact: AuditedFact, token: FoldedToken, say: Say): void {
  if (token.lease !== null) say('I1', `grants a token whose lease of fence ${token.lease.fence} is live`);
  if (fact.fence !== fact.seq) say('I3', `grants with fence ${fact.fence}, which is not its seq`);
  if (fact.userId === null || fact.leaseId === null) say('I8', 'grants a lease without its user or its id');
  if (fact.expiresAt === null || fact.expiresAt <= fact.at)
    say('I5', `grants until ${shown(fact.expiresAt)}, which is no time at all`);
}

export function checkRenewed(fact: AuditedFact, { lease }: FoldedToken, say: Say): void {
  if (lease === null) {
    say('I12', 'renews a lease of a token that has none');
    return;
  }
  checkSameLease(fact, lease, say);
  if (isOver(lease, fact.at)) say('I12', `renews a lease that was over at ${shown(lease.expiresAt)}`);
  if (fact.expiresAt === null || fact.expiresAt < lease.expiresAt!)
    say('I12', `shortens a lease from ${shown(lease.expiresAt)} to ${shown(fact.expiresAt)}`);
}

export function checkReleased(fact: AuditedFact, token: FoldedToken, fold: Fold, say: Say): void {
  const { lease } = token;
  if (lease === null) {
    say('I11', 'releases a lease of a token that has none');
    return;
  }
  checkSameLease(fact, lease, say);
  checkDeadline(fact, lease, say);
  if (isOver(lease, fact.at)) say('I12', `releases a lease that was over at ${shown(lease.expiresAt)}`);
  if (fact.reason !== 'lru_eviction') return;
  if (fold.active < fold.size) say('I7', `evicts a lease while ${fold.size - fold.active} tokens are free`);
  if (!fold.isLeastRecentlyUsed(token)) say('I7', 'evicts a lease that is not the least recently used one');
}

export function checkExpired(fact: AuditedFact, { lease }: FoldedToken, say: Say): void {
  if (lease === null) {
    say('I11', 'expires a lease of a token that has none');
    return;
  }
  checkSameLease(fact, lease, say);
  checkDeadline(fact, lease, say);
  if (!isOver(lease, fact.at)) say('I5', `expires a lease that lasts until ${shown(lease.expiresAt)}`);
}

const isOver = ({ expiresAt }: FoldedLease, at: number): boolean => expiresAt !== null && expiresAt <= at;

/** Only the grant says what the lease was given along, and all that follows it is of the same lease. */
function checkSameLease(fact: AuditedFact, lease: FoldedLease, say: Say): void {
  const wrong: string[] = [];
  if (fact.leaseId !== lease.leaseId) wrong.push('lease_id');
  if (fact.userId !== lease.userId) wrong.push('user_id');
  if (fact.fence !== lease.fence) wrong.push('fence');
  if (wrong.length > 0) say('I4', `is not of the lease that the token has: ${wrong.join(', ')}`);
  if (fact.metadata !== null) say('I8', 'has metadata, which only a grant has');
}

function checkDeadline(fact: AuditedFact, lease: FoldedLease, say: Say): void {
  if (fact.expiresAt !== lease.expiresAt)
    say('I8', `has the deadline ${shown(fact.expiresAt)}, but it was ${shown(lease.expiresAt)}`);
}
