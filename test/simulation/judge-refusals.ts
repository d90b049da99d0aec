/** Whether a refusal was right: at some moment between the call and its answer, what it says was so. */
import type { Proof } from '../../src/lease/command.ts';
import type { Refusal } from '../../src/lease/refusal.ts';
import type { Call, Request } from './calls.ts';
import { proves } from './comparing.ts';
import type { PastLease, SequentialPool } from './sequential-pool.ts';

type Command = Extract<Request, { do: 'renew' | 'release' }>;

export function refusalFits(
  pool: SequentialPool,
  { since }: Call,
  request: Command,
  refusal: Refusal,
  proofRequired: boolean,
): boolean {
  const place = pool.tokenIds.indexOf(request.tokenId);
  const isProofMissing = proofRequired && request.leaseId === undefined;
  if (refusal.code === 'lease_proof_required' || isProofMissing)
    return isProofMissing && refusal.code === 'lease_proof_required';
  if (place < 0) return refusal.code === 'not_found';
  const between = pool.states.slice(since).map((state) => state[place]!);
  const wasFree = between.some((lease) => lease === null);
  const wasAnother = between.some((lease) => lease !== null && !proves(request, lease));
  const endings = endingsOf(pool, request);
  const endedBefore = endings.some(({ end }) => end!.seq <= since);
  const isRenewal = request.do === 'renew';
  const provesAnything = request.leaseId !== undefined || request.userId !== undefined;
  switch (refusal.code) {
    case 'token_not_active':
      if (isRenewal) return wasFree && !provesAnything && !endedBefore;
      return wasFree && !(request.leaseId !== undefined && endedBefore);
    case 'lease_mismatch':
      if (request.leaseId !== undefined && endedBefore) return false;
      return wasAnother || (isRenewal && wasFree && provesAnything && !endedBefore);
    case 'lease_ended':
      if (!isRenewal && request.leaseId === undefined) return false;
      return (
        (wasFree || wasAnother) &&
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
