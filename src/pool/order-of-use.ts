/**
 * Which token is granted next, and which lease is evicted next: every step O(1), at a hundred tokens and at a
 * million. Two linked lists over one entry a token: free ones, the longest free first, and those in use, the
 * least recently used first. The lists are the counter that orders use: two uses can share a millisecond.
 */

interface Links<A> {
  previous: Links<A>;
  next: Links<A>;
}

export interface Entry<A> extends Links<A> {
  readonly tokenId: string;
  readonly actor: A;
  inUse: boolean;
  /** The deadline of its lease, where it has one. Kept by `Deadlines`. */
  expiresAt: number | null;
}

class List<A> {
  readonly #end = {} as Links<A>;
  length = 0;

  constructor() {
    this.#end.previous = this.#end.next = this.#end;
  }

  get first(): Entry<A> | undefined {
    return this.length === 0 ? undefined : (this.#end.next as Entry<A>);
  }

  get last(): Entry<A> | undefined {
    return this.length === 0 ? undefined : (this.#end.previous as Entry<A>);
  }

  append(entry: Entry<A>): void {
    entry.previous = this.#end.previous;
    entry.next = this.#end;
    entry.previous.next = entry;
    this.#end.previous = entry;
    this.length++;
  }

  remove(entry: Entry<A>): void {
    entry.previous.next = entry.next;
    entry.next.previous = entry.previous;
    this.length--;
  }

  *[Symbol.iterator](): Generator<Entry<A>> {
    for (let at = this.#end.next; at !== this.#end; at = at.next) yield at as Entry<A>;
  }
}

export class OrderOfUse<A> {
  readonly #entries = new Map<string, Entry<A>>();
  readonly #free = new List<A>();
  readonly #used = new List<A>();

  /** Tokens are added in the order in which they were last used or freed. */
  add(tokenId: string, actor: A, inUse: boolean): Entry<A> {
    const entry = { tokenId, actor, inUse, expiresAt: null } as Entry<A>;
    this.#entries.set(tokenId, entry);
    this.#list(inUse).append(entry);
    return entry;
  }

  get(tokenId: string): Entry<A> | undefined {
    return this.#entries.get(tokenId);
  }

  /** Marks the token as the most recently used. */
  use(entry: Entry<A>): void {
    this.#move(entry, true);
  }

  /** Marks the token as the one freed last. */
  free(entry: Entry<A>): void {
    this.#move(entry, false);
  }

  get longestFree(): Entry<A> | undefined {
    return this.#free.first;
  }

  get leastRecentlyUsed(): Entry<A> | undefined {
    return this.#used.first;
  }

  get mostRecentlyUsed(): Entry<A> | undefined {
    return this.#used.last;
  }

  get available(): number {
    return this.#free.length;
  }

  get active(): number {
    return this.#used.length;
  }

  /** The tokens in use, the least recently used first, at most so many. */
  inUse(most: number): Entry<A>[] {
    const entries: Entry<A>[] = [];
    for (const entry of this.#used) {
      if (entries.length === most) break;
      entries.push(entry);
    }
    return entries;
  }

  /** All tokens, in the order in which they were added. */
  all(): Iterable<Entry<A>> {
    return this.#entries.values();
  }

  #list(inUse: boolean): List<A> {
    return inUse ? this.#used : this.#free;
  }

  #move(entry: Entry<A>, inUse: boolean): void {
    this.#list(entry.inUse).remove(entry);
    entry.inUse = inUse;
    this.#list(inUse).append(entry);
  }
}
