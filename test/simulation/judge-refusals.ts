/** Whether a refusal was right: at some moment between the call and its answer, what it says was so. */
import type { Proof } from '../../src/lease/command.ts';
import { contradictions } from '../../src/lease/pool-options.ts';
import type { Refusal } from '../../src/lease/refusal.ts';
import { type Call, poolNames, type Request } from './calls.ts';
import { proves } from './comparing.ts';
import { evictable, excess, fits, free, heldBy, type PoolState, wouldBeTwice } from './pool-state.ts';
import type { PastLease, SequentialPool } from './sequential-pool.ts';

type Asked<K extends Request['do']> = Extract<Request, { do: K }>;
type Command = Asked<'renew' | 'release'>;

export function refusalFits(
  pool: SequentialPool,
  call: Call,
  refusal: Refusal,
  calls: readonly Call[],
  proofRequired: boolean,
): boolean {
  const { request, since } = call;
  const between = pool.states.slice(since);
  if (refusal.code === 'pool_not_found') return between.some(({ options }) => options === null);
  switch (request.do) {
    case 'renew':
    case 'release':
      return commandRefused(pool, call, request, refusal, proofRequired);
    case 'allocate':
      if (refusal.code === 'lease_proof_required')
        return proofRequired && (request.onExisting ?? 'new') !== 'new';
      if (refusal.code === 'token_withdrawn')
        return request.onExisting === 'renew' && between.some((state) => isRunningOut(state, request.userId));
      return between.some((state) => isFull(state, call, request, refusal, calls));
    case 'make pool':
      return refusal.code === 'pool_exists' && between.some(({ options }) => options !== null);
    case 'delete pool':
      return refusal.code === 'pool_permanent' && pool.name === poolNames[0];
    case 'change':
      return refusal.code === 'invalid_options' && between.some((state) => isContradictory(state, request));
    default:
      return between.some((state) => tokenRefused(state, request, refusal));
  }
}

/** Whether the user may hold a token that nobody gets any more. */
const isRunningOut = (state: PoolState, userId: string): boolean =>
  heldBy(state, userId).some(({ withdrawn }) => withdrawn !== null || excess(state) > 0);

/** What is asked of one token, or of the pool's membership. */
function tokenRefused({ options, tokens }: PoolState, request: Request, { code }: Refusal): boolean {
  const token = 'tokenId' in request ? tokens.find(({ tokenId }) => tokenId === request.tokenId) : undefined;
  switch (code) {
    case 'not_found':
      return 'tokenId' in request && token === undefined;
    case 'token_not_withdrawn':
      return request.do === 'restore' && token !== undefined && token.withdrawn === null;
    case 'pool_not_elastic':
      return (request.do === 'create' || request.do === 'delete') && options?.membership === 'fixed';
    case 'pool_limit_reached':
      return request.do === 'create' && options !== null && tokens.length >= options.size;
    default:
      return false;
  }
}

function isContradictory(state: PoolState, { changes }: Asked<'change'>): boolean {
  const { options } = state;
  if (options === null) return false;
  const changed = { ...options, ...changes };
  if (changes.tokens) changed.size = changes.size ?? changes.tokens.length;
  return contradictions(changed).length > 0 || wouldBeTwice(state, changed);
}

function isFull(
  state: PoolState,
  call: Call,
  request: Asked<'allocate'>,
  { code }: Refusal,
  calls: readonly Call[],
): boolean {
  const { options, tokens } = state;
  if (options === null) return false;
  const { labels, userId, count = 1 } = request;
  const ready = free(state, labels).length;
  const besides = calls.filter((other) => mayWaitBeside(other, call));
  switch (code) {
    case 'pool_full': {
      // How long leases had been held by then is known to no more than the time in between.
      const toTake = evictable(state, labels, call.arrived!.at - options.minHoldMs).length - excess(state);
      return ready + (options.whenFull === 'evict' ? Math.max(0, toTake) : 0) < count;
    }
    case 'no_such_token': {
      const fitting = tokens.filter((token) => fits(token, labels)).length - excess(state);
      const isFixed = options.membership === 'fixed' && labels !== undefined;
      return ready < count && (count > options.size || (isFixed && fitting < count));
    }
    case 'user_limit_reached': {
      const waiting = besides.filter(
        ({ request: other }) => (other as typeof request).userId === userId,
      ).length;
      return (
        options.maxPerUser !== null && heldBy(state, userId).length + waiting + count > options.maxPerUser
      );
    }
    case 'queue_full':
      return ready < count && besides.length >= options.queueMax;
    case 'wait_expired':
      return ready === 0 || besides.length > 0;
    default:
      return false;
  }
}

const endsOfWaiting = new Set<string>(['wait_expired', 'unavailable', 'outcome_unknown', 'pool_not_found']);

/** Whether it may stand in line with the other one. */
function mayWaitBeside(one: Call, other: Call): boolean {
  const { request, process, outcome } = one;
  const isAsked = one !== other && request.do === 'allocate' && request.pool === other.request.pool;
  if (!isAsked || process !== other.process) return false;
  // These can be how waiting ended.
  const isOver = outcome !== null && 'refused' in outcome && !endsOfWaiting.has(outcome.refused.code);
  return !isOver;
}

function commandRefused(
  pool: SequentialPool,
  { since }: Call,
  request: Command,
  refusal: Refusal,
  proofRequired: boolean,
): boolean {
  const isProofMissing = proofRequired && request.leaseId === undefined;
  if (refusal.code === 'lease_proof_required' || isProofMissing)
    return isProofMissing && refusal.code === 'lease_proof_required';
  const states = pool.states.slice(since);
  const seen = states.map(({ tokens }) => tokens.find(({ tokenId }) => tokenId === request.tokenId));
  const wasGone = seen.some((token) => token === undefined);
  const between = seen.flatMap((token) => token ?? []);
  const wasFree = between.some(({ lease }) => lease === null);
  const wasAnother = between.some(({ lease }) => lease !== null && !proves(request, lease));
  const endings = endingsOf(pool, request);
  const endedBefore = endings.some(({ end }) => end!.seq <= since);
  const isRenewal = request.do === 'renew';
  const provesAnything = request.leaseId !== undefined || request.userId !== undefined;
  switch (refusal.code) {
    case 'not_found':
      return wasGone && !endedBefore;
    case 'token_withdrawn':
      return (
        isRenewal &&
        (between.some(({ lease, withdrawn }) => lease !== null && withdrawn !== null) ||
          states.some((state) => excess(state) > 0))
      );
    case 'token_not_active':
      if (isRenewal) return wasFree && !provesAnything && !endedBefore;
      return wasFree && !(request.leaseId !== undefined && endedBefore);
    case 'lease_mismatch':
      if (request.leaseId !== undefined && endedBefore) return false;
      return wasAnother || (isRenewal && wasFree && provesAnything && !endedBefore);
    case 'lease_ended':
      if (!isRenewal && request.leaseId === undefined && !wasGone) return false;
      return (
        (wasFree || wasAnother || wasGone) &&
        endings.some(({ end }) => end!.reason === refusal.reason && end!.at === refusal.endedAt)
      );
    default:
      return false;
  }
}

/** The leases of the token that have ended and fit what the ending is looked for by. */
function endingsOf(pool: SequentialPool, { tokenId, leaseId, userId }: Command): PastLease[] {
  const proof: Proof = leaseId === undefined ? { userId } : { leaseId };
  return pool.leases.filter(
    (lease) => lease.tokenId === tokenId && lease.end !== null && proves(proof, lease),
  );
}
