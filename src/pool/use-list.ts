/** A token's place in the order of use: linked lists, in which every step costs O(1). */
import type { Labels } from '../lease/lease.ts';
import type { Place } from '../token/token.ts';

interface Links<A> {
  previous: Links<A>;
  next: Links<A>;
}

export interface Entry<A> extends Links<A> {
  readonly tokenId: string;
  readonly name: string | null;
  readonly labels: Labels;
  /** How many had been added to the pool before it: its place, whatever becomes of the others. */
  readonly ordinal: number;
  readonly actor: A;
  place: Place;
  /** Who holds it; null: nobody. */
  userId: string | null;
  /** Of the lease that it has. */
  leaseId: string | null;
  /** When its newest lease was granted, and with which number. */
  activatedAt: number;
  fence: number;
  /** The fact with which it was used last: granted, renewed, or brought back from maintenance. */
  usedSeq: number;
  /** The how manyth it was to come free, when it did so last. */
  freedAs: number;
  /** When what it is in ends by itself: its lease, its rest, its being kept. Kept by `Deadlines`. */
  expiresAt: number | null;
  /** It is to be deleted as soon as nobody holds it. */
  leaves: boolean;
}

export type Compare<A> = (one: Entry<A>, other: Entry<A>) => number;

export class List<A> {
  readonly #end = {} as Links<A>;
  length = 0;

  constructor() {
    this.#end.previous = this.#end.next = this.#end;
  }

  get first(): Entry<A> | undefined {
    return this.length === 0 ? undefined : (this.#end.next as Entry<A>);
  }

  append(entry: Entry<A>): void {
    this.#insertAfter(this.#end.previous, entry);
  }

  /** Puts it before the last ones that come after it in this order; costs a look at each of these. */
  insert(entry: Entry<A>, compare: Compare<A>): void {
    let before = this.#end.previous;
    while (before !== this.#end && compare(before as Entry<A>, entry) > 0) before = before.previous;
    this.#insertAfter(before, entry);
  }

  #insertAfter(before: Links<A>, entry: Entry<A>): void {
    entry.previous = before;
    entry.next = before.next;
    entry.next.previous = entry;
    before.next = entry;
    this.length++;
  }

  remove(entry: Entry<A>): void {
    entry.previous.next = entry.next;
    entry.next.previous = entry.previous;
    this.length--;
  }

  /** The last ones, as far back as that is so of all of them, in their order. */
  last(isSo: (entry: Entry<A>) => boolean): Entry<A>[] {
    const found: Entry<A>[] = [];
    for (let at = this.#end.previous; at !== this.#end && isSo(at as Entry<A>); at = at.previous)
      found.push(at as Entry<A>);
    return found.reverse();
  }

  *[Symbol.iterator](): Generator<Entry<A>> {
    for (let at = this.#end.next; at !== this.#end; at = at.next) yield at as Entry<A>;
  }
}
