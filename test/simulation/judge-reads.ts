/** Whether what was shown was so, at some moment between the call and its answer, and was not over by then. */
import { type Lease, statusOf } from '../../src/lease/lease.ts';
import type { LeaseView } from '../../src/lease/view.ts';
import { must } from './broken.ts';
import type { Answers, Call, Request } from './calls.ts';
import { same, say } from './comparing.ts';
import { free, fits as hasLabels, heldIn, viewOf } from './pool-state.ts';
import type { SequentialPool } from './sequential-pool.ts';

type Shown = Answers['list' | 'token' | 'history' | 'facts' | 'queue'];

export function judgeRead(pool: SequentialPool, call: Call, shown: Shown, now: number): void {
  const { request, number, since } = call;
  if (request.do === 'queue') {
    judgeQueue(call, shown as Answers['queue']);
    return;
  }
  for (const lease of leasesIn(shown))
    must(lease.expiresAt > now, 'I6', () => `call ${number} was shown lease ${lease.fence} when it was over`);
  for (let seq = pool.seq; seq >= since; seq--) if (fits(pool, request, shown, seq)) return;
  must(false, 'I15', () => `call ${number} was shown what never was after fact ${since}: ${say(shown)}`);
}

/** Who asked for a token was shown the one that they held. */
export function judgeShown(
  pool: SequentialPool,
  { number, request, outcome, since }: Call,
  now: number,
): void {
  const { userId, labels } = request as Extract<Request, { do: 'allocate' }>;
  if (outcome !== null && 'refused' in outcome) {
    const { endedAt } = outcome.refused as { endedAt: number };
    const wasSo = pool.leases.some((lease) => lease.userId === userId && lease.expiresAt === endedAt);
    must(wasSo && endedAt <= now, 'I15', () => `call ${number} was told of a lease that was none`);
    return;
  }
  for (const { tokenId, lease } of (outcome as { ok: Answers['allocate'] }).ok) {
    must(lease.expiresAt > now, 'I6', () => `call ${number} was shown lease ${lease.fence} when it was over`);
    const wasSo = pool.states.slice(since).some(({ tokens }) => {
      const token = tokens.find((each) => each.tokenId === tokenId);
      return token !== undefined && hasLabels(token, labels) && same(token.lease, lease);
    });
    const isSo = wasSo && lease.userId === userId;
    must(isSo, 'I15', () => `call ${number} was shown what its user did not hold: ${say(lease)}`);
  }
}

function judgeQueue({ number, request }: Call, { waiting, total }: Answers['queue']): void {
  const { limit } = request as Extract<Request, { do: 'queue' }>;
  const isWhole = waiting.length === Math.min(limit, total);
  const isInOrder = waiting.every(({ priority, since, position }, place) => {
    const before = waiting[place - 1];
    const isBehind =
      !before || before.priority > priority || (before.priority === priority && before.since <= since);
    return isBehind && position === place + 1;
  });
  must(isWhole && isInOrder, 'I10', () => `call ${number} was shown a line that is none: ${say(waiting)}`);
}

function leasesIn(shown: Shown): Lease[] {
  const tokens = 'tokens' in shown ? shown.tokens : 'token' in shown ? [shown.token] : [];
  return tokens.flatMap(({ lease }) => (lease === null ? [] : [lease]));
}

function fits(pool: SequentialPool, request: Request, shown: Shown, seq: number): boolean {
  switch (request.do) {
    case 'list':
      return listFits(pool, request, shown as Answers['list'], seq);
    case 'token': {
      const { token, history } = shown as Answers['token'];
      const row = pool.states[seq]!.tokens.find(({ tokenId }) => tokenId === request.tokenId);
      const isSo = row !== undefined && same(token, viewOf(row));
      return isSo && same(history, historyAt(pool, request, seq));
    }
    case 'history':
      return same(shown, historyAt(pool, request, seq));
    case 'facts': {
      const rows = pool.log.slice(0, seq).toReversed().slice(0, request.limit);
      return same(
        shown,
        rows.map(({ leaseId: _, digest: __, ...row }) => row),
      );
    }
    default:
      return false;
  }
}

function listFits(
  pool: SequentialPool,
  { status, limit }: Extract<Request, { do: 'list' }>,
  { tokens, counts, next }: Answers['list'],
  seq: number,
): boolean {
  const state = pool.states[seq]!;
  const active = heldIn(state).length;
  const total = state.tokens.length;
  const { waiting: _, ...counted } = counts;
  if (!same(counted, { available: free(state).length, active, total })) return false;
  const wanted = state.tokens.filter((token) => status === 'all' || status === statusOf(token));
  if (tokens.length !== Math.min(wanted.length, limit) || (next !== null) !== wanted.length > limit)
    return false;
  if (new Set(tokens.map(({ tokenId }) => tokenId)).size < tokens.length) return false;
  return tokens.every((token) => {
    const row = wanted.find(({ tokenId }) => tokenId === token.tokenId);
    return row !== undefined && same(token, viewOf(row));
  });
}

function historyAt(
  pool: SequentialPool,
  { tokenId, limit }: { tokenId: string; limit: number },
  seq: number,
): LeaseView[] {
  const leases = pool.leases.filter((lease) => lease.tokenId === tokenId && lease.fence <= seq);
  return leases
    .toReversed()
    .slice(0, limit)
    .map(({ fence, userId, activatedAt, end }) => {
      const seen = end !== null && end.seq <= seq ? end : null;
      const endReason = (seen?.reason ?? null) as LeaseView['endReason'];
      return { seq: fence, userId, activatedAt, endedAt: seen?.at ?? null, endReason };
    });
}
