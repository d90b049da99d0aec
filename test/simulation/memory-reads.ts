/** What can be read of a log that is an array, in plain loops. */
import type { LoggedFact } from '../../src/journal/chain.ts';
import type { Proof } from '../../src/lease/command.ts';
import { endedAt } from '../../src/lease/evolve.ts';
import type {
  Ending,
  FactFilter,
  FactView,
  LeaseView,
  OrderedPage,
  Page,
  PastLease,
} from '../../src/lease/view.ts';
import type { LogRow } from './ground.ts';

type Log = readonly LogRow[];

export function factsIn(log: Log, filter: FactFilter, { order, cursor, limit }: OrderedPage): FactView[] {
  const fits = (row: LogRow): boolean =>
    (filter.tokenId === undefined || row.tokenId === filter.tokenId) &&
    (filter.type === undefined || row.type === filter.type) &&
    (filter.userId === undefined || row.userId === filter.userId) &&
    (cursor === undefined || (order === 'asc' ? row.seq > cursor : row.seq < cursor));
  const rows = log.filter(fits);
  if (order === 'desc') rows.reverse();
  return rows.slice(0, limit).map(({ leaseId: _, digest: __, ...view }) => view);
}

export function historyIn(log: Log, tokenId: string, { limit, cursor }: Page): LeaseView[] {
  const views: LeaseView[] = [];
  let end: LogRow | null = null;
  for (const row of log.toReversed()) {
    if (row.tokenId !== tokenId) continue;
    if (isEnding(row)) end = row;
    if (row.type !== 'activated') continue;
    const view = viewOf(row, end);
    end = null;
    if (cursor === undefined || row.seq < cursor) views.push(view);
    if (views.length === limit) break;
  }
  return views;
}

const viewOf = ({ seq, userId, at }: LogRow, end: LogRow | null): LeaseView => ({
  seq,
  userId: userId!,
  activatedAt: at,
  endedAt: end && endOf(end),
  endReason: (end?.reason ?? null) as LeaseView['endReason'],
});

export function endingIn(log: Log, tokenId: string, { leaseId, userId }: Proof): Ending | null {
  const row = log.findLast(
    (each) =>
      each.tokenId === tokenId &&
      isEnding(each) &&
      (leaseId === undefined || each.leaseId === leaseId) &&
      (userId === undefined || each.userId === userId),
  );
  return row ? { reason: row.reason as Ending['reason'], endedAt: endOf(row) } : null;
}

export function pastLeaseIn(log: Log, pool: string, leaseId: string): PastLease | null {
  const end = log.find((row) => row.leaseId === leaseId && isEnding(row));
  if (end === undefined) return null;
  const grant = log.find(({ seq }) => seq === end.fence);
  const next = log.find(
    ({ seq, type, tokenId }) => seq > end.seq && type === 'activated' && tokenId === end.tokenId,
  );
  const { tokenId, userId, fence, expiresAt, reason } = end;
  return {
    ...{ pool, tokenId: tokenId!, userId: userId!, fence: fence!, expiresAt: expiresAt! },
    activatedAt: grant?.at ?? null,
    endedAt: endOf(end),
    endReason: reason as PastLease['endReason'],
    next: next ? { userId: next.userId!, fence: next.fence!, activatedAt: next.at } : null,
  };
}

export const isEnding = ({ type }: LoggedFact): boolean => type === 'released' || type === 'expired';

const endOf = ({ type, at, expiresAt }: LogRow): number => endedAt({ type, at, expiresAt: expiresAt! });
