/** Granting: choosing the tokens for newcomers, and making somebody's what was chosen for them. */
import type { Allocate } from '../lease/command.ts';
import type { Lease } from '../lease/lease.ts';
import type { PoolOptions } from '../lease/pool-options.ts';
import type { TokenCommand } from '../token/token.ts';
import type { Waiter } from './line.ts';
import type { PoolContext, TokenActor, TokenEntry } from './pool-context.ts';

type Grant = Extract<TokenCommand, { lease: Lease }>;
/** How a token gets its new lease, and of how many facts that is the last. */
type Way = (
  | Pick<Extract<Grant, { type: 'ALLOCATE' }>, 'type' | 'reason'>
  | Pick<Extract<Grant, { type: 'EVICT' }>, 'type' | 'reason'>
) & { facts: number };
export type Tell = (actor: TokenActor, command: TokenCommand) => void;

const toNewcomer: Way = { type: 'ALLOCATE', reason: 'allocated', facts: 1 };
export const toWaiter: Way = { type: 'ALLOCATE', reason: 'allocated_after_waiting', facts: 1 };

export const byEviction = ({ eviction }: PoolOptions): Way => ({
  type: 'EVICT',
  reason: `${eviction}_eviction`,
  facts: 2,
});

/** When leases must have been granted that may be evicted at `at`. */
const grantedBy = ({ options }: PoolContext, at: number): number =>
  options.minHoldMs === 0 ? Number.POSITIVE_INFINITY : at - options.minHoldMs;

/** What the asker stands in line as, where they would: a batch does not wait. */
export function waiterOf({ options }: PoolContext, newcomer: Allocate): Waiter | null {
  if (newcomer.leaseIds.length > 1 || newcomer.wait === null) return null;
  if (newcomer.wait !== undefined) return newcomer as Waiter;
  return options.whenFull === 'wait' ? { ...newcomer, wait: { priority: 0 } } : null;
}

export const enoughAreFree = ({ order }: PoolContext, { leaseIds: { length }, labels }: Allocate): boolean =>
  order.countOf('free', labels, length) === length;

export function enoughCanBeEvicted(context: PoolContext, newcomer: Allocate): boolean {
  const { at, leaseIds, labels } = newcomer;
  if (context.options.whenFull !== 'evict') return false;
  const missing = leaseIds.length - context.order.countOf('free', labels, leaseIds.length);
  return context.order.countOf('used', labels, missing, grantedBy(context, at)) === missing;
}

/** However long one waited: a token that leaves comes free for nobody. An elastic pool may get any token yet. */
export const noneCouldEverFit = ({ order, options }: PoolContext, { leaseIds, labels }: Allocate): boolean =>
  leaseIds.length > options.size ||
  (options.membership === 'fixed' && labels !== undefined && !order.hasToStay(labels, leaseIds.length));

/** Takes what is free first, and the rest from its holders. The number of the last fact. */
export function grantTo(context: PoolContext, newcomer: Allocate, tell: Tell): number {
  const { order, options } = context;
  let { seq } = context;
  for (const leaseId of newcomer.leaseIds) {
    const free = order.longestFree(newcomer.labels);
    const entry = free ?? order.toEvict(newcomer.labels, grantedBy(context, newcomer.at))!;
    seq = grant(context, entry, { ...newcomer, leaseId }, free ? toNewcomer : byEviction(options), seq, tell);
  }
  return seq;
}

export function grant(
  { order, deadlines, line, prospects }: PoolContext,
  entry: TokenEntry,
  { at, userId, leaseId, ttlMs, metadata }: Allocate & { leaseId: string },
  { facts, ...way }: Way,
  seqBefore: number,
  tell: Tell,
): number {
  const seq = seqBefore + facts;
  const expiresAt = at + ttlMs;
  // The grant is the last fact that is known: its seq is the fence.
  const lease: Lease = { leaseId, userId, fence: seq, activatedAt: at, expiresAt, ttlMs, metadata };
  order.hold(entry, lease);
  order.move(entry, 'used');
  deadlines.set(entry, expiresAt);
  if (line.wantsTheSame(userId)) prospects.hasContent = true;
  tell(entry.actor, { ...way, at, lease });
  return seq;
}
