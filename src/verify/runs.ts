/** What must be next to what: facts of one step stand together, and are whole. */
import type { AuditedFact } from '../journal/audited.ts';
import { isEviction } from './lease-rules.ts';
import type { Report } from './report.ts';

/** `isTakingUp`: a process has just taken the pool, or what came after that is of the same step. */
export function checkBeginning(
  before: AuditedFact | null,
  fact: AuditedFact,
  isTakingUp: boolean,
  report: Report,
): void {
  if (fact.reason === 'allocated_after_eviction' && (before === null || !isEviction(before)))
    report.add('I7', fact, 'grants after an eviction, but there was none');
  if (fact.reason === 'ttl_expired_while_down' && !isTakingUp)
    report.add('I8', fact, 'expired while no process had the pool, but none has just opened it');
}

/** A token that was to leave is gone with its lease, in the midst of what belongs together. */
export const leavesWith = (before: AuditedFact | null, fact: AuditedFact | null): boolean =>
  before !== null && fact?.reason === 'pool_shrunk' && fact.tokenId === before.tokenId;

/** The fact before is one of several that go together, and `fact` shows whether they are whole. */
export function checkEndOfRun(
  before: AuditedFact | null,
  fact: AuditedFact | null,
  active: number,
  report: Report,
): void {
  if (before === null) return;
  const isNext = (reason: string) => fact?.reason === reason && fact.at === before.at;
  const isOfSame = fact?.tokenId === before.tokenId;
  if (isEviction(before) && !(isNext('allocated_after_eviction') && isOfSame))
    report.add('I7', before, 'evicts a lease, and nobody is granted its token');
  if (before.reason === 'cleanup' && active > 0 && !isNext('cleanup'))
    report.add('I13', before, `ends a clean-up that leaves ${active} leases live`);
  if (before.reason === 'token_deleted' && !(fact?.type === 'deleted' && isOfSame))
    report.add('I2', before, 'ends a lease for its token to be deleted, which it is not');
  const isDeletion = before.reason === 'pool_deleted' && before.type === 'released';
  if (isDeletion && fact?.reason !== 'pool_deleted')
    report.add('I13', before, 'ends a lease for its pool to be deleted, which it is not');
}
