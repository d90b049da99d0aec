/** Where in the log the pool is as a read or a refusal says it was. */
import { type Answer, isOfTheMoment, type Operation } from './history.ts';
import { endedAt, type Replay } from './replay.ts';

/** Whether the pool, after this fact, is as the answer says. */
type IsSo = (seq: number) => boolean;

const reads = new Set(['token', 'list', 'events']);

/** An answer that says how the pool was at some instant, and between which. */
export interface Look
  extends Pick<Operation, 'kind' | 'tokenId' | 'fence' | 'userId' | 'askedAt' | 'answeredAt'> {
  answer: Answer;
}

/** What an operation was told of the pool: what it read, why it was refused, and what it was shown again with its key. */
export function looksOf(operation: Operation): Look[] {
  const { outcome, answer, kind, calls } = operation;
  const again = calls.filter(isOfTheMoment) as Look[];
  const isLook = outcome === 'refused' || reads.has(kind) || answer?.body.released === 0;
  return isLook && answer !== null
    ? [operation as Look, ...again.filter((call) => call.answer !== answer)]
    : again;
}

/** The first place from `low` to `high` where it is so; null if there is none. */
export function firstPlace(look: Look, replay: Replay, low: number, high: number): number | null {
  const isSo = isSoFor(look, replay);
  for (let seq = low; seq <= high; seq++) {
    if (!replay.isInside(seq) && isSo(seq)) return seq;
  }
  return null;
}

function isSoFor(look: Look, replay: Replay): IsSo {
  if (look.answer.status >= 400) return refusal(look, replay);
  switch (look.kind) {
    case 'token':
      return token(look, replay);
    case 'list':
      return list(look, replay);
    case 'events':
      return events(look, replay);
    case 'release_all':
      return (seq) => replay.activeAt(seq) === 0;
    default:
      return lease(look, replay);
  }
}

/** The lease that was granted or renewed before, as it is. */
function lease({ answer: { body } }: Look, replay: Replay): IsSo {
  return (seq) => {
    const state = replay.stateAt(body.token_id as string, seq);
    return state?.fence === body.fence && state?.expiresAt === instant(body.expires_at);
  };
}

function refusal({ tokenId, fence, userId, answer, kind }: Look, replay: Replay): IsSo {
  const lease = kind === 'allocate' ? replay.leaseOf(userId!) : replay.leases.get(fence ?? 0);
  const liveAt = (seq: number) => replay.stateAt(tokenId!, seq)?.fence ?? null;
  switch (answer.error) {
    case 'not_found':
      return () => !replay.states.has(tokenId!);
    case 'token_not_active':
      return (seq) => liveAt(seq) === null;
    case 'lease_mismatch':
      // A renewal is told so of a lease that never was, whoever holds the token, if anybody does.
      if (kind === 'renew' && fence === null) return () => true;
      return (seq) => liveAt(seq) !== null && liveAt(seq) !== fence;
    case 'lease_ended': {
      const { reason, ended_at } = answer.body;
      const ending = lease?.ending;
      const isTold = ending?.reason === reason && endedAt(ending!) === Date.parse(ended_at as string);
      return (seq) => isTold && ending!.seq <= seq;
    }
    default:
      return () => false;
  }
}

function token({ tokenId, answer }: Look, replay: Replay): IsSo {
  const { status, user_id, fence, expires_at, history } = answer.body;
  const shown = JSON.stringify([status === 'active', user_id, fence, instant(expires_at)]);
  return (seq) => {
    const state = replay.stateAt(tokenId!, seq);
    if (!state) return false;
    const there = [state.fence !== null, state.userId, state.fence, state.expiresAt];
    return JSON.stringify(there) === shown && isHistory(history as PastLease[], tokenId!, seq, replay);
  };
}

interface PastLease {
  user_id: string;
  activated_at: string;
  ended_at: string | null;
  end_reason: string | null;
}

/** Its newest leases, the newest first. */
function isHistory(shown: readonly PastLease[], tokenId: string, seq: number, replay: Replay): boolean {
  const newest = replay.newestLeases(tokenId, seq, historyShown);
  if (newest.length !== shown.length) return false;
  return shown.every((past, index) => {
    const { grant, ending, userId } = newest[index]!;
    const over = ending !== null && ending.seq <= seq ? ending : null;
    return (
      past.user_id === userId &&
      (grant === null || instant(past.activated_at) === grant.at) &&
      past.end_reason === (over?.reason ?? null) &&
      instant(past.ended_at) === (over && endedAt(over))
    );
  });
}

const historyShown = 10;

/** A list of every token, or of the active ones, with counts. */
function list({ answer }: Look, replay: Replay): IsSo {
  const { shown, body } = answer;
  const { available, active, total } = body.counts as Record<string, number>;
  const all = new Map(shown!.map(([id, fence, expiresAt]) => [id, { fence, expiresAt: instant(expiresAt) }]));
  const absent = { fence: null, expiresAt: null };
  const isWhole = all.size === shown!.length && all.size === (body.of === 'active' ? active : total);
  return (seq) => {
    if (!isWhole || replay.activeAt(seq) !== active || available !== replay.states.size - active)
      return false;
    return [...replay.states.keys()].every((id) => {
      const state = replay.stateAt(id, seq)!;
      const { fence, expiresAt } = all.get(id) ?? absent;
      return state.fence === fence && state.expiresAt === expiresAt;
    });
  };
}

interface EventShown {
  seq: number;
  type: string;
  reason: string;
  token_id: string | null;
  user_id: string | null;
  fence: number | null;
  at: string;
  expires_at: string | null;
}

/** The newest facts, the newest first. */
function events({ answer }: Look, replay: Replay): IsSo {
  const shown = answer.body.events as EventShown[];
  const isTrue = shown.every((event, index) => {
    const fact = replay.fact(event.seq);
    const members = [
      event.type,
      event.reason,
      event.token_id,
      event.user_id,
      event.fence,
      instant(event.at),
      instant(event.expires_at),
    ];
    const there = fact && [
      fact.type,
      fact.reason,
      fact.tokenId,
      fact.userId,
      fact.fence,
      fact.at,
      fact.expiresAt,
    ];
    return event.seq === shown[0]!.seq - index && JSON.stringify(members) === JSON.stringify(there);
  });
  return (seq) => isTrue && shown[0]?.seq === seq;
}

const instant = (text: unknown): number | null => (typeof text === 'string' ? Date.parse(text) : null);
