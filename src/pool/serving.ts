/** Serving those who wait, in their order: with what has come free, or, where the pool evicts, with what can be evicted by now. */
import type { Labels } from '../lease/lease.ts';
import { byEviction, grant, type Tell, toWaiter } from './granting.ts';
import { type InLine, wantsTheSame } from './line.ts';
import { type PoolContext, portion } from './pool-context.ts';
import { leastHold } from './prospects.ts';

/** Whether somebody in line may be granted something at `at`. */
export const mayServe = (context: PoolContext, at: number): boolean =>
  context.line.length > 0 && context.prospects.areThere(context, at);

/**
 * Grants what it can to those who wait, in their order; those for whom nothing fits let others by. Costs a look at each of
 * them, and for each kind of labels at what is offered. The number of the last fact.
 */
export function serve(context: PoolContext, at: number, tell: Tell): number {
  const { order, line, options, prospects } = context;
  const { endings } = order;
  const offer = prospects.offer(context);
  const mayEvict = prospects.mayEvict(context, at);
  let isWhole = prospects.areNew(context);
  const heldSince = at - leastHold(options);
  const inVain = new Map<string, Labels | undefined>();
  let passedOver = false;
  let left = portion;
  let { seq } = context;
  for (const waiter of line) {
    if (left === 0) return seq;
    if (offer.isEmpty && !mayEvict) {
      isWhole = false;
      break;
    }
    const { userId, labels, kind } = waiter;
    if (inVain.has(kind) || isOver(waiter, at) || isContent(context, waiter)) continue;
    // Fewer may be allowed by now than when they joined the line.
    if (order.heldBy(userId) >= (options.maxPerUser ?? Number.POSITIVE_INFINITY)) {
      passedOver = true;
      continue;
    }
    const free = offer.take(labels);
    const entry = free ?? (mayEvict ? order.toEvict(labels, heldSince) : undefined);
    if (entry === undefined) {
      inVain.set(kind, labels);
      continue;
    }
    const [leaseId] = waiter.leaseIds as [string];
    line.leave(leaseId);
    seq = grant(context, entry, { ...waiter, at, leaseId }, free ? toWaiter : byEviction(options), seq, tell);
    prospects.granted(at, options);
    left--;
  }
  prospects.offered(context, endings, passedOver, isWhole);
  if (mayEvict) prospects.evictFrom = order.firstGrant(heldSince, [...inVain.values()]) + leastHold(options);
  return seq;
}

/** Those whose user has been granted meanwhile what they would rather have than another token. */
export function contentOnes(context: PoolContext, at: number): readonly InLine[] {
  const { prospects, line } = context;
  if (!prospects.hasContent) return [];
  prospects.hasContent = false;
  return Array.from(line).filter((waiter) => !isOver(waiter, at) && isContent(context, waiter));
}

const isContent = ({ order }: PoolContext, waiter: InLine): boolean =>
  wantsTheSame(waiter) && order.newestOf(waiter.userId, waiter.labels) !== undefined;

/** They are about to be told so: a process that was stopped for a while does all that is due at once. */
const isOver = ({ wait }: InLine, at: number): boolean => (wait.until ?? at) < at;
