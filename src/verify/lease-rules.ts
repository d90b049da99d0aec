/** What each fact of a lease must be, given the state that its token is in and the options that its pool goes by. */
import type { AuditedFact } from '../journal/audited.ts';
import type { Fold } from './fold.ts';
import type { FoldedLease, FoldedToken } from './group.ts';
import { type Say, shown } from './report.ts';

export function checkActivated(fact: AuditedFact, token: FoldedToken, fold: Fold, say: Say): void {
  if (token.lease !== null) say('I1', `grants a token whose lease of fence ${token.lease.fence} is live`);
  if (token.withdrawn !== null) say('I19', 'grants a token that is out of use');
  if (token.restsUntil !== null) say('I19', `grants a token that rests until ${shown(token.restsUntil)}`);
  if (token.keptUntil !== null && token.keptUntil <= fact.at)
    say('I19', `grants a token that was kept until ${shown(token.keptUntil)}`);
  if (fact.fence !== fact.seq) say('I3', `grants with fence ${fact.fence}, which is not its seq`);
  if (fact.userId === null || fact.leaseId === null) say('I8', 'grants a lease without its user or its id');
  if (fact.expiresAt === null || fact.expiresAt <= fact.at)
    say('I5', `grants until ${shown(fact.expiresAt)}, which is no time at all`);
  const most = fold.options?.maxPerUser ?? null;
  if (most !== null && fold.heldBy(fact.userId) >= most) say('I19', `grants a user more than ${most} tokens`);
}

export function checkRenewed(
  fact: AuditedFact,
  { lease, withdrawn }: FoldedToken,
  fold: Fold,
  say: Say,
): void {
  if (lease === null) {
    say('I12', 'renews a lease of a token that has none');
    return;
  }
  checkSameLease(fact, lease, say);
  if (withdrawn !== null) say('I19', 'renews a lease of a token that is out of use');
  if (isOver(lease, fact.at)) say('I12', `renews a lease that was over at ${shown(lease.expiresAt)}`);
  if (fact.expiresAt === null || fact.expiresAt < lease.expiresAt!)
    say('I12', `shortens a lease from ${shown(lease.expiresAt)} to ${shown(fact.expiresAt)}`);
  const most = fold.options?.maxLifetimeMs ?? null;
  const latest = most === null ? Number.POSITIVE_INFINITY : lease.activatedAt! + most;
  if (fact.expiresAt !== null && fact.expiresAt > Math.max(latest, lease.expiresAt!))
    say('I19', `renews a lease until ${shown(fact.expiresAt)}, and it may last until ${shown(latest)}`);
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
  if (isEviction(fact)) checkEviction(fact, token, lease, fold, say);
  if (fact.reason === 'maintenance' && token.withdrawn === null)
    say('I8', 'ends a lease for maintenance of a token that is in use');
}

export const isEviction = ({ reason }: AuditedFact): boolean =>
  reason === 'lru_eviction' || reason === 'oldest_eviction';

function checkEviction(
  fact: AuditedFact,
  token: FoldedToken,
  lease: FoldedLease,
  fold: Fold,
  say: Say,
): void {
  const { options, leaving } = fold;
  if (options === null) return;
  if (options.whenFull !== 'evict') say('I7', `evicts a lease, but a full pool is to ${options.whenFull}`);
  else if (fact.reason !== `${options.eviction}_eviction`)
    say('I7', `evicts a lease by another order than ${options.eviction}`);
  const heldMs = fact.at - (lease.activatedAt ?? 0);
  if (heldMs < options.minHoldMs)
    say('I7', `evicts a lease after ${heldMs} ms that may be held for ${options.minHoldMs} ms`);
  if (token.withdrawn !== null) say('I7', 'evicts a lease of a token that is out of use');
  const { group } = token;
  if (group === null) return;
  if (group.free > 0) say('I7', `evicts a lease while ${group.free} tokens are free`);
  if (group.before(token, options, fact.at, leaving + 1) > leaving)
    say(
      'I7',
      `evicts a lease that is not the ${options.eviction === 'lru' ? 'least recently used' : 'oldest'} one`,
    );
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
}

function checkDeadline(fact: AuditedFact, lease: FoldedLease, say: Say): void {
  if (fact.expiresAt !== lease.expiresAt)
    say('I8', `has the deadline ${shown(fact.expiresAt)}, but it was ${shown(lease.expiresAt)}`);
}
