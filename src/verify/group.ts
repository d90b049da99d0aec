/**
 * Tokens that are alike: how many of them are free, and those in use in the order in which they may be evicted. By
 * links, one list an order: what is evicted is checked at O(1), whatever the number of tokens.
 */
import type { AuditedState } from '../journal/audited.ts';
import type { Labels } from '../lease/lease.ts';
import type { PoolOptions } from '../lease/pool-options.ts';

export type FoldedLease = Pick<
  AuditedState,
  'userId' | 'leaseId' | 'fence' | 'activatedAt' | 'expiresAt' | 'ttlMs' | 'metadata'
>;

export interface FoldedToken {
  readonly id: string;
  readonly name: string | null;
  /** Those that are alike; null where nobody knows any more what it was like. */
  readonly group: Group | null;
  readonly labels: Labels;
  lease: FoldedLease | null;
  restsUntil: number | null;
  keptUntil: number | null;
  withdrawn: { note: string | null } | null;
  /** Of the fact that made it so; 0 before the first. */
  seq: number;
}

/** What can change of a token. */
export type FoldedState = Omit<FoldedToken, 'id' | 'name' | 'group' | 'labels' | 'lease'>;

interface Links {
  token: FoldedToken | null;
  earlier: Links;
  later: Links;
}

class List {
  readonly #links = new Map<FoldedToken, Links>();
  readonly #end: Links;

  constructor() {
    this.#end = { token: null } as Links;
    this.#end.earlier = this.#end.later = this.#end;
  }

  append(token: FoldedToken): void {
    const links = { token, earlier: this.#end.earlier, later: this.#end };
    links.earlier.later = links;
    this.#end.earlier = links;
    this.#links.set(token, links);
  }

  has(token: FoldedToken): boolean {
    return this.#links.has(token);
  }

  remove(token: FoldedToken): void {
    const links = this.#links.get(token);
    if (links === undefined) return;
    links.earlier.later = links.later;
    links.later.earlier = links.earlier;
    this.#links.delete(token);
  }

  *until(token: FoldedToken): Generator<FoldedToken> {
    for (let at = this.#end.later; at.token !== null && at.token !== token; at = at.later) yield at.token;
  }
}

export class Group {
  /** How many can be granted. */
  free = 0;
  readonly #byUse = new List();
  readonly #byGrant = new List();
  readonly #free = new Set<FoldedToken>();

  /** Free ones of which no more is known. */
  come(count: number): void {
    this.free += count;
  }

  /** Puts it where it belongs as it is now, having had this lease until then. */
  move(token: FoldedToken, before: FoldedLease | null): void {
    const { lease } = token;
    if (lease !== before) {
      this.#byUse.remove(token);
      if (lease !== null) this.#byUse.append(token);
    }
    if (lease?.fence !== before?.fence) this.#byGrant.remove(token);
    if (lease === null) this.#byGrant.remove(token);
    else if (!this.#byGrant.has(token)) this.#byGrant.append(token);
    this.drop(token);
    if (lease !== null || token.withdrawn !== null || token.restsUntil !== null) return;
    this.#free.add(token);
    this.free++;
  }

  /** It is not one of the free ones any more. */
  drop(token: FoldedToken): void {
    if (this.#free.delete(token)) this.free--;
  }

  /** How many would have had to be evicted before this one, `most` or more count as `most`. */
  before(token: FoldedToken, { eviction, minHoldMs }: PoolOptions, at: number, most: number): number {
    let count = 0;
    for (const { lease, withdrawn } of (eviction === 'lru' ? this.#byUse : this.#byGrant).until(token)) {
      if (count === most) break;
      if (withdrawn === null && at - (lease?.activatedAt ?? at) >= minHoldMs) count++;
    }
    return count;
  }
}
