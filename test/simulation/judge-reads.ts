/** Whether what was shown was so, at some moment between the call and its answer, and was not over by then. */
import type { Lease } from '../../src/lease/lease.ts';
import type { LeaseView } from '../../src/lease/view.ts';
import { must } from './broken.ts';
import type { Answers, Call, Request } from './calls.ts';
import { same, say } from './comparing.ts';
import type { SequentialPool } from './sequential-pool.ts';

type Shown = Answers['list'] | Answers['token'] | Answers['history'] | Answers['facts'];

export function judgeRead(pool: SequentialPool, call: Call, shown: Shown, now: number): void {
  const { request, number, since } = call;
  for (const lease of leasesIn(shown))
    must(lease.expiresAt > now, 'I6', () => `call ${number} was shown lease ${lease.fence} when it was over`);
  for (let seq = pool.seq; seq >= since; seq--) if (fits(pool, request, shown, seq)) return;
  must(false, 'I15', () => `call ${number} was shown what never was after fact ${since}: ${say(shown)}`);
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
      const lease = pool.states[seq]![pool.tokenIds.indexOf(request.tokenId)]!;
      const isSo = token.tokenId === request.tokenId && same(token.lease, lease);
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
  const active = state.filter((lease) => lease !== null).length;
  const total = state.length;
  if (!same(counts, { available: total - active, active, total })) return false;
  const wanted = { all: total, active, available: total - active }[status];
  if (tokens.length !== Math.min(wanted, limit) || (next !== null) !== wanted > limit) return false;
  if (new Set(tokens.map(({ tokenId }) => tokenId)).size < tokens.length) return false;
  return tokens.every(({ tokenId, lease }) => {
    const isWanted = status === 'all' || (status === 'active') === (lease !== null);
    return isWanted && same(lease, state[pool.tokenIds.indexOf(tokenId)]);
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
