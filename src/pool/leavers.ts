/** Which tokens the options of a pool have no place for. Looks at every token: for changes of the options and for the start. */
import type { Labels } from '../lease/lease.ts';
import type { PoolOptions } from '../lease/pool-options.ts';
import { likeness } from '../lease/pool-options.ts';
import type { OrderOfUse } from './order-of-use.ts';
import type { Entry } from './use-list.ts';

type Like = { name: string | null; labels: Labels };

/** What nobody can be given leaves first, then free ones, the longest free of them; a lease that must run out for it is the least recently used. */
export function leavers<A>(options: PoolOptions, order: OrderOfUse<A>): ReadonlySet<Entry<A>> {
  if (options.tokens === null && order.size <= options.size) return new Set();
  const { keyOf, places } = placesOf(options);
  const left = new Set<Entry<A>>();
  for (const entry of lastToLeave(order)) {
    const key = keyOf(entry);
    const count = places.get(key) ?? 0;
    if (count === 0) left.add(entry);
    else places.set(key, count - 1);
  }
  return left;
}

/** How many there may be of each kind; without a list they are all of one. */
function placesOf({ tokens, size }: PoolOptions): { keyOf(one: Like): string; places: Map<string, number> } {
  if (tokens === null) return { keyOf: () => '', places: new Map([['', size]]) };
  const places = new Map<string, number>();
  for (const each of tokens) places.set(likeness(each), (places.get(likeness(each)) ?? 0) + 1);
  return { keyOf: likeness, places };
}

/** Those that are held before those that nobody has, and those that leave already after all. */
function lastToLeave<A>(order: OrderOfUse<A>): Entry<A>[] {
  const aside = order.first('aside', order.size).reverse();
  return [
    ...order.first('used', order.size).reverse(),
    ...aside.filter(({ userId, leaves }) => userId !== null && !leaves),
    ...order.first('free', order.size).reverse(),
    ...aside.filter(({ userId, leaves }) => userId === null && !leaves),
    ...aside.filter(({ leaves }) => leaves),
  ];
}
