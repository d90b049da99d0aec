/**
 * Which token is granted next, and which lease is evicted next: every step O(1), at a hundred tokens and at a million.
 * Where labels are asked for it costs a look at each free token, or lease, before the first that fits; where leases
 * have a least time of holding, at each in the order of use that is younger. Linked lists over one entry a token: free
 * ones, the longest free first; those in use, the least recently used first; and those aside, which are neither. The
 * lists are the counter that orders use: two uses can share a millisecond.
 */
import type { Labels, Lease, TokenTraits } from '../lease/lease.ts';
import type { Place } from '../token/token.ts';
import { type Compare, type Entry, List } from './use-list.ts';

export class OrderOfUse<A> {
  readonly #entries = new Map<string, Entry<A>>();
  /** What may be granted, what may be evicted, and what neither may be. */
  readonly #lists: Record<Place, List<A>> = { free: new List(), used: new List(), aside: new List() };
  /** Who holds what. */
  readonly #held = new Map<string, Set<Entry<A>>>();
  readonly #byLease = new Map<string, Entry<A>>();
  readonly #byName = new Map<string, Entry<A>>();
  #active = 0;
  #added = 0;
  #freed = 0;
  #endings = 0;

  /** Tokens are added in the order in which they were last used or freed. */
  add(traits: TokenTraits, actor: A, place: Place): Entry<A> {
    const { tokenId, name, labels } = traits;
    const none = {
      place,
      userId: null,
      leaseId: null,
      activatedAt: 0,
      fence: 0,
      usedSeq: 0,
      freedAs: 0,
      expiresAt: null,
      leaves: false,
    };
    const entry = { tokenId, name, labels, ordinal: this.#added++, actor, ...none } as unknown as Entry<A>;
    this.#entries.set(tokenId, entry);
    if (name !== null) this.#byName.set(name, entry);
    this.#append(entry, place);
    return entry;
  }

  get(tokenId: string): Entry<A> | undefined {
    return this.#entries.get(tokenId);
  }

  delete(entry: Entry<A>): void {
    this.letGo(entry);
    this.#lists[entry.place].remove(entry);
    this.#entries.delete(entry.tokenId);
    // One that leaves can have been followed by another of its name.
    if (entry.name !== null && this.#byName.get(entry.name) === entry) this.#byName.delete(entry.name);
  }

  /** Puts it where it belongs now, as the last of those. */
  move(entry: Entry<A>, place: Place): void {
    this.#lists[entry.place].remove(entry);
    entry.place = place;
    this.#append(entry, place);
  }

  /** Puts it among those that may be evicted again, where it belongs in their order. */
  putBack(entry: Entry<A>, compare: Compare<A>): void {
    this.#lists[entry.place].remove(entry);
    entry.place = 'used';
    this.#lists.used.insert(entry, compare);
  }

  /** From now on the user holds it. */
  hold(entry: Entry<A>, { leaseId, userId, activatedAt, fence }: Lease): void {
    this.letGo(entry);
    entry.leaseId = leaseId;
    this.#byLease.set(leaseId, entry);
    entry.userId = userId;
    entry.activatedAt = activatedAt;
    entry.fence = entry.usedSeq = fence;
    this.#active++;
    const held = this.#held.get(userId);
    if (held) held.add(entry);
    else this.#held.set(userId, new Set([entry]));
  }

  /** Nobody holds it any more. */
  letGo(entry: Entry<A>): void {
    if (entry.userId === null) return;
    const held = this.#held.get(entry.userId)!;
    held.delete(entry);
    if (held.size === 0) this.#held.delete(entry.userId);
    entry.userId = null;
    this.#byLease.delete(entry.leaseId!);
    entry.leaseId = null;
    this.#active--;
    this.#endings++;
  }

  /** The token that has the lease. */
  holding(leaseId: string): Entry<A> | undefined {
    return this.#byLease.get(leaseId);
  }

  hasName(name: string): boolean {
    return this.#byName.has(name);
  }

  /** How many the user holds. */
  heldBy(userId: string): number {
    return this.#held.get(userId)?.size ?? 0;
  }

  /** The one that the user was granted last, of those with all of the labels; costs a look at what the user holds. */
  newestOf(userId: string, labels: Labels | undefined): Entry<A> | undefined {
    let newest: Entry<A> | undefined;
    for (const entry of this.#held.get(userId) ?? [])
      if (fits(entry, labels) && entry.fence > (newest?.fence ?? 0)) newest = entry;
    return newest;
  }

  /** The one that has been free for longest, of those that have all of the labels. */
  longestFree(labels: Labels | undefined): Entry<A> | undefined {
    return this.#firstOf('free', labels);
  }

  /** Those that have come free since that had happened so often, the longest free first. Costs a look at each of them. */
  freedAfter(freed: number): Entry<A>[] {
    return this.#lists.free.last(({ freedAs }) => freedAs > freed);
  }

  /** When the first lease after `after` was granted that may be evicted, and of a token that is asked for. */
  firstGrant(after: number, asked: readonly (Labels | undefined)[]): number {
    let first = Number.POSITIVE_INFINITY;
    for (const entry of this.#lists.used) {
      const { activatedAt } = entry;
      if (activatedAt > after && activatedAt < first && asked.some((labels) => fits(entry, labels)))
        first = activatedAt;
    }
    return first;
  }

  /** The first in the order of use that has all of the labels, and has been held since `grantedBy` at least. */
  toEvict(labels: Labels | undefined, grantedBy: number): Entry<A> | undefined {
    return this.#firstOf('used', labels, grantedBy);
  }

  /** How many could be granted, or evicted, at once: `most` or more count as `most`. */
  countOf(place: 'free' | 'used', labels: Labels | undefined, most: number, grantedBy = Infinity): number {
    if (labels === undefined && grantedBy === Infinity) return Math.min(this.#lists[place].length, most);
    let count = 0;
    for (const entry of this.#lists[place]) {
      if (count === most) break;
      if (fits(entry, labels) && (place === 'free' || entry.activatedAt <= grantedBy)) count++;
    }
    return count;
  }

  /** Whether so many with these labels are to stay, whatever they are in. */
  hasToStay(labels: Labels, count: number): boolean {
    let found = 0;
    for (const entry of this.#entries.values()) {
      if (!entry.leaves && fits(entry, labels) && ++found === count) return true;
    }
    return false;
  }

  /** Those of a place, in its order, at most so many. */
  first(place: Place, most: number): Entry<A>[] {
    const entries: Entry<A>[] = [];
    for (const entry of this.#lists[place]) {
      if (entries.length === most) break;
      entries.push(entry);
    }
    return entries;
  }

  /** Those that somebody holds, evictable or not, at most so many. */
  held(most: number): Entry<A>[] {
    const evictable = this.first('used', most);
    if (this.#active === this.#lists.used.length) return evictable;
    const others = [...this.#lists.aside].filter(({ userId }) => userId !== null);
    return [...evictable, ...others].slice(0, most);
  }

  /** Brings what may be evicted into another order. */
  sortUsed(compare: Compare<A>): void {
    for (const entry of [...this.#lists.used].sort(compare)) this.move(entry, 'used');
  }

  get size(): number {
    return this.#entries.size;
  }

  get available(): number {
    return this.#lists.free.length;
  }

  get active(): number {
    return this.#active;
  }

  /** How many times a token has come free. */
  get freed(): number {
    return this.#freed;
  }

  /** How many leases have ended. */
  get endings(): number {
    return this.#endings;
  }

  /** All tokens, in the order in which they were added. */
  all(): Iterable<Entry<A>> {
    return this.#entries.values();
  }

  #append(entry: Entry<A>, place: Place): void {
    if (place === 'free') entry.freedAs = ++this.#freed;
    this.#lists[place].append(entry);
  }

  #firstOf(place: Place, labels: Labels | undefined, grantedBy = Infinity): Entry<A> | undefined {
    if (labels === undefined && grantedBy === Infinity) return this.#lists[place].first;
    for (const entry of this.#lists[place]) {
      if (fits(entry, labels) && (place === 'free' || entry.activatedAt <= grantedBy)) return entry;
    }
    return undefined;
  }
}

export function fits({ labels }: { labels: Labels }, asked: Labels | undefined): boolean {
  for (const name in asked) if (labels[name] !== asked[name]) return false;
  return true;
}
