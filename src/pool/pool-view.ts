/** What can be seen of a pool: its tokens as they are, how many of each kind, and who stands in line. */
import type { Lease, TokenTraits } from '../lease/lease.ts';
import type { Counts, TokenView, WaiterView } from '../lease/view.ts';
import { viewOf } from './fact-counter.ts';
import type { PoolContext, TokenEntry } from './pool-context.ts';

export const tokenView = ({ actor }: TokenEntry): TokenView => viewOf(actor.getSnapshot().context);

/** In the order in which the pool added them. */
export function* tokenViews({ order }: PoolContext): Generator<TokenView> {
  for (const entry of order.all()) yield tokenView(entry);
}

/** Those that the pool added after the one with this ordinal, in that order. */
export function* tokensAfter(
  { order }: PoolContext,
  after: number,
): Generator<{ ordinal: number; token: TokenView }> {
  for (const entry of order.all())
    if (entry.ordinal > after) yield { ordinal: entry.ordinal, token: tokenView(entry) };
}

export const countsOf = ({ order: { available, active, size }, line }: PoolContext): Counts => ({
  available,
  active,
  total: size,
  waiting: line.length,
});

/** In the order of being served. */
export function* waiterViews({ line }: PoolContext): Generator<WaiterView> {
  for (const { userId, leaseIds, at, wait, labels } of line)
    yield { leaseId: leaseIds[0]!, userId, since: at, priority: wait.priority, labels: labels ?? {} };
}

/** Those too that are to leave: they stay if there is a place for them again. */
export function* traitsOf({ order }: PoolContext): Generator<TokenTraits> {
  for (const { tokenId, name, labels } of order.all()) yield { tokenId, name, labels };
}

export const traitsOfOne = ({ order }: PoolContext, tokenId: string): TokenTraits | undefined =>
  order.get(tokenId);

/** Tokens with a name that somebody holds. */
export function heldByName({ order }: PoolContext): ReadonlyMap<string, Labeled> {
  const held = new Map<string, Labeled>();
  for (const { name, labels, userId } of order.all())
    if (name !== null && userId !== null) held.set(name, { name, labels });
  return held;
}

type Labeled = Pick<TokenTraits, 'name' | 'labels'>;

export interface HeldToken {
  tokenId: string;
  lease: Lease;
}

export function heldToken({ order }: PoolContext, leaseId: string): HeldToken | undefined {
  const entry = order.holding(leaseId);
  return entry && { tokenId: entry.tokenId, lease: tokenView(entry).lease! };
}

/** When a lease, a rest or the keeping of a token ends next; Infinity if nothing does by itself. */
export const nextDeadline = ({ deadlines }: PoolContext): number => deadlines.earliest;
