/** The state of a token after a fact. Folding a log with it gives the `tokens` table and the actors. */
import type { Fact } from './fact.ts';
import type { Lease, TokenState } from './lease.ts';

export function evolve(fact: Fact): TokenState {
  return { tokenId: fact.tokenId, lease: leaseAfter(fact), seq: fact.seq };
}

function leaseAfter(fact: Fact): Lease | null {
  switch (fact.type) {
    case 'activated':
    case 'renewed':
      return fact.lease;
    case 'released':
    case 'expired':
      return null;
    default:
      return fact satisfies never;
  }
}

/** When the lease of an ending fact was over: a lease that ran out ended at its deadline, however late that was seen. */
export function endedAt(fact: { type: string; at: number; expiresAt: number }): number {
  return fact.type === 'expired' ? fact.expiresAt : fact.at;
}
