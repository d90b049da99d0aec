/**
 * What is said of a lease to those who ask for it again with their key: the lease as it was at some moment between
 * the call and its answer, or how it ended [I9][I15].
 */
import type { Lease } from '../../src/lease/lease.ts';
import type { Refusal } from '../../src/lease/refusal.ts';
import { must } from './broken.ts';
import type { Answers, Call } from './calls.ts';
import { same, say } from './comparing.ts';
import type { LogRow } from './ground.ts';
import type { SequentialPool } from './sequential-pool.ts';

export class RepeatedJudge {
  readonly #pool: SequentialPool;
  readonly #grantOf: (call: Call) => LogRow | undefined;

  constructor(pool: SequentialPool, grantOf: (call: Call) => LogRow | undefined) {
    this.#pool = pool;
    this.#grantOf = grantOf;
  }

  /** Whether the call got anything that is judged here. */
  concerns({ request, outcome }: Call): boolean {
    if (!outcome?.replayed || (request.do !== 'allocate' && request.do !== 'renew')) return false;
    // A renewal can have been refused so to begin with; then it goes like every other refusal that is repeated.
    return 'ok' in outcome || (request.do === 'allocate' && outcome.refused.code === 'lease_ended');
  }

  answered(call: Call, now: number): void {
    const { outcome } = call;
    if (outcome === null) return;
    if ('ok' in outcome) this.#shown(call, outcome.ok, now);
    else this.#over(call, outcome.refused);
  }

  #shown(call: Call, ok: unknown, now: number): void {
    const { number, request, since } = call;
    const { tokenId, lease } = heldIn(request, ok);
    must(lease.expiresAt > now, 'I6', () => `call ${number} was repeated a lease that was over`);
    const place = this.#pool.tokenIds.indexOf(tokenId);
    const wasSo = this.#pool.states.slice(since).some((state) => same(state[place], lease));
    must(wasSo, 'I15', () => `call ${number} was repeated what never was after fact ${since}: ${say(lease)}`);
    if (request.do !== 'allocate') return;
    const isIts = this.#grantOf(call)?.leaseId === lease.leaseId;
    must(isIts, 'I9', () => `call ${number} was repeated the lease of another request`);
  }

  #over(call: Call, refusal: Refusal): void {
    const fence = this.#grantOf(call)?.seq;
    const end = this.#pool.leases.find((lease) => lease.fence === fence)?.end;
    const isSo =
      end && refusal.code === 'lease_ended' && end.reason === refusal.reason && end.at === refusal.endedAt;
    must(isSo === true, 'I15', () => `call ${call.number} was told of an end that its lease had not`);
  }
}

function heldIn(request: Call['request'], ok: unknown): { tokenId: string; lease: Lease } {
  if (request.do === 'renew') return { tokenId: request.tokenId, lease: ok as Lease };
  return ok as Answers['allocate'];
}
