/** What a pool is at one moment, and what its options say of it: each question a look at all tokens. */
import type { Labels } from '../../src/lease/lease.ts';
import { likeness, type PoolOptions } from '../../src/lease/pool-options.ts';
import type { TokenView } from '../../src/lease/view.ts';
import type { TokenRow } from './ground.ts';

/** `usedSeq`: the fact by which it was used last. */
export type ModelToken = TokenRow & { usedSeq: number };

/** The same as a reader is shown it. */
export const viewOf = ({ seq: _, usedSeq: __, ordinal: ___, ...view }: ModelToken): TokenView => view;

export interface PoolState {
  /** null where there is no pool. */
  options: PoolOptions | null;
  /** In the order of their making. */
  tokens: readonly ModelToken[];
}

export const fits = ({ labels }: { labels: Labels }, asked: Labels | undefined): boolean =>
  Object.entries(asked ?? {}).every(([name, value]) => labels[name] === value);

/** Those that can be granted, the longest free first. */
export const free = ({ tokens }: PoolState, labels?: Labels): ModelToken[] =>
  tokens
    .filter((token) => token.lease === null && token.withdrawn === null && token.restsUntil === null)
    .filter((token) => fits(token, labels))
    .sort((a, b) => a.seq - b.seq || a.ordinal - b.ordinal);

/** Those whose leases can be ended for a newcomer, of those granted by then, the first to be evicted first. */
export const evictable = ({ tokens, options }: PoolState, labels: Labels | undefined, grantedBy: number) =>
  tokens
    .filter(({ lease, withdrawn }) => lease !== null && withdrawn === null && lease.activatedAt <= grantedBy)
    .filter((token) => fits(token, labels))
    .sort((a, b) =>
      options?.eviction === 'oldest' ? a.lease!.fence - b.lease!.fence : a.usedSeq - b.usedSeq,
    );

export const heldIn = ({ tokens }: PoolState) => tokens.filter(({ lease }) => lease !== null);

export const heldBy = (state: PoolState, userId: string) =>
  heldIn(state).filter(({ lease }) => lease!.userId === userId);

/** How many tokens there are more than the options have a place for: those leave when nobody holds them. */
export function excess({ options, tokens }: PoolState): number {
  if (options === null) return tokens.length;
  if (options.tokens === null) return Math.max(0, tokens.length - options.size);
  const places = options.tokens.map(likeness);
  const left = tokens.filter((token) => {
    const place = places.indexOf(likeness(token));
    if (place >= 0) places.splice(place, 1);
    return place < 0;
  });
  return left.length;
}

/** Whether somebody holds what these options give other labels: it would be there twice. */
export const wouldBeTwice = (state: PoolState, { tokens }: Pick<PoolOptions, 'tokens'>): boolean =>
  heldIn(state).some(({ name, ...held }) =>
    tokens?.some(
      (spec) => name !== null && spec.name === name && likeness(spec) !== likeness({ name, ...held }),
    ),
  );

/** How many tokens a fixed pool has too few. */
export function shortage({ options, tokens }: PoolState): number {
  if (options === null || options.membership === 'elastic') return 0;
  if (options.tokens === null) return Math.max(0, options.size - tokens.length);
  const there = tokens.map(likeness);
  const without = options.tokens.map(likeness).filter((each) => {
    const place = there.indexOf(each);
    if (place >= 0) there.splice(place, 1);
    return place < 0;
  });
  return without.length;
}
