/** Makes facts of what the tokens of a pool say: gives each its number and its time, and what it left behind. */
import { type Fact, isOfLease } from '../lease/fact.ts';
import type { TokenView } from '../lease/view.ts';
import type { Saying } from '../token/saying.ts';
import type { TokenContext } from '../token/token.ts';

const leaseTypes: ReadonlySet<Fact['type']> = new Set(['activated', 'renewed', 'released', 'expired']);

export class FactCounter {
  /** The number of the last fact. */
  seq = 0;
  #lastAt = Number.NEGATIVE_INFINITY;

  /** `at`, or the time of the last fact, if that is later: timers are late at times, and what follows one is not before it. */
  notBefore(at: number): number {
    return Math.max(at, this.#lastAt);
  }

  /** The next fact: what has happened at `at` to the token, as it is by now. Throws where that cannot be. */
  next(context: TokenContext, { type, reason }: Saying, at: number): Fact {
    const seq = ++this.seq;
    this.#lastAt = this.notBefore(at);
    const fact = {
      seq,
      type,
      reason,
      at: this.#lastAt,
      tokenId: context.tokenId,
      lease: leaseOf(type, context),
      after: type === 'deleted' ? null : viewOf(context),
    } as Fact;
    if (fact.type === 'activated' && fact.lease.fence !== seq)
      throw new Error(`fact ${seq} of token ${fact.tokenId} grants a lease of another number`);
    if (isOfLease(fact) !== leaseTypes.has(type))
      throw new Error(`fact ${seq} (${type}) of token ${fact.tokenId} does not go with its lease`);
    return fact;
  }
}

function leaseOf(type: Fact['type'], { lease, ended }: TokenContext): Fact['lease'] {
  if (!leaseTypes.has(type)) return null;
  return type === 'activated' || type === 'renewed' ? lease : ended;
}

/** What of a token is to be seen, and is kept in the log. */
export const viewOf = ({
  tokenId,
  name,
  labels,
  lease,
  restsUntil,
  keptUntil,
  withdrawn,
}: TokenContext): TokenView => ({
  tokenId,
  name,
  labels,
  lease,
  restsUntil,
  keptUntil,
  withdrawn,
});
