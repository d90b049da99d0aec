/**
 * What is said of a lease or a token to those who ask for it again with their key: it as it was at some moment between
 * the call and its answer, or how the lease ended [I9][I15].
 */
import type { Lease } from '../../src/lease/lease.ts';
import type { Refusal } from '../../src/lease/refusal.ts';
import type { TokenView } from '../../src/lease/view.ts';
import { must } from './broken.ts';
import type { Answers, Call } from './calls.ts';
import { same, say } from './comparing.ts';
import type { LogRow } from './ground.ts';
import { viewOf } from './pool-state.ts';
import type { SequentialPool } from './sequential-pool.ts';

export class RepeatedJudge {
  readonly #pool: SequentialPool;
  readonly #grantsOf: (call: Call) => readonly LogRow[];

  constructor(pool: SequentialPool, grantsOf: (call: Call) => readonly LogRow[]) {
    this.#pool = pool;
    this.#grantsOf = grantsOf;
  }

  /** Whether the call got anything that is judged here. */
  concerns({ request, outcome }: Call): boolean {
    if (!outcome?.replayed) return false;
    if (isOfToken(request)) return 'ok' in outcome;
    if (request.do !== 'allocate' && request.do !== 'renew') return false;
    // A renewal can have been refused so to begin with; then it goes like every other refusal that is repeated.
    return 'ok' in outcome || (request.do === 'allocate' && outcome.refused.code === 'lease_ended');
  }

  answered(call: Call, now: number): void {
    const { outcome } = call;
    if (outcome === null) return;
    if (isOfToken(call.request)) this.#seen(call, (outcome as { ok: TokenView }).ok, now);
    else if ('ok' in outcome) this.#shown(call, outcome.ok, now);
    else this.#over(call, outcome.refused);
  }

  #shown(call: Call, ok: unknown, now: number): void {
    const { number, request, since } = call;
    for (const { tokenId, lease } of heldIn(request, ok)) {
      must(lease.expiresAt > now, 'I6', () => `call ${number} was repeated a lease that was over`);
      const wasSo = this.#pool.states
        .slice(since)
        .some(({ tokens }) => same(tokens.find((token) => token.tokenId === tokenId)?.lease, lease));
      must(
        wasSo,
        'I15',
        () => `call ${number} was repeated what never was after fact ${since}: ${say(lease)}`,
      );
    }
    if (isOfLeaseBefore(request)) return;
    if (request.do !== 'allocate') return;
    // Of several, those that still live.
    const shown = heldIn(request, ok).map(({ lease }) => lease.leaseId);
    const isIts = shown.every((id) => this.#grantsOf(call).some(({ leaseId }) => leaseId === id));
    must(isIts && shown.length > 0, 'I9', () => `call ${number} was repeated the lease of another request`);
  }

  #seen({ number, since }: Call, token: TokenView, now: number): void {
    const { lease, tokenId } = token;
    must(
      lease === null || lease.expiresAt > now,
      'I6',
      () => `call ${number} was shown a lease that was over`,
    );
    const wasSo = this.#pool.states.slice(since).some(({ tokens }) => {
      const row = tokens.find((each) => each.tokenId === tokenId);
      return row === undefined ? lease === null : same(viewOf(row), token);
    });
    must(wasSo, 'I15', () => `call ${number} was shown what never was after fact ${since}: ${say(token)}`);
  }

  #over(call: Call, refusal: Refusal): void {
    const { request } = call;
    const { call: number } = (request as { metadata: { call: number } }).metadata;
    const isSo = this.#pool.leases.some(({ end, metadata }) => {
      const isIts = isOfLeaseBefore(request) || (metadata as { call: number }).call === number;
      const isEnd = end && refusal.code === 'lease_ended' && end.reason === refusal.reason;
      return isIts && isEnd && end.at === refusal.endedAt;
    });
    must(isSo, 'I15', () => `call ${call.number} was told of an end that its lease had not`);
  }
}

const isOfToken = ({ do: what }: Call['request']): boolean =>
  what === 'withdraw' || what === 'restore' || what === 'create';

/** Whether it may have been answered with a lease that there was already. */
const isOfLeaseBefore = (request: Call['request']): boolean =>
  request.do === 'allocate' && (request.onExisting ?? 'new') !== 'new';

function heldIn(request: Call['request'], ok: unknown): { tokenId: string; lease: Lease }[] {
  if (request.do === 'renew') return [{ tokenId: request.tokenId, lease: ok as Lease }];
  return ok as Answers['allocate'];
}
