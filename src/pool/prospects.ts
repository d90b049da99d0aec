/**
 * What those in line may hope for: which tokens they have not all been offered yet, and from when on a lease can be evicted
 * for them. All else was of no use to any of them, so a fact costs the line nothing but where a token comes free.
 */
import type { Labels } from '../lease/lease.ts';
import type { PoolOptions } from '../lease/pool-options.ts';
import { fits, type OrderOfUse } from './order-of-use.ts';
import type { Entry } from './use-list.ts';

interface Seen<A> {
  order: OrderOfUse<A>;
  options: PoolOptions;
}

/** For how long a lease must have been held to be evicted for somebody in line: never in the instant of its grant. */
export const leastHold = ({ minHoldMs }: PoolOptions): number => Math.max(minHoldMs, 1);

export class Prospects {
  /** How many times a token had come free when all that were free had been offered to all. */
  #offered = 0;
  /** By which options that was. */
  #options: PoolOptions | null = null;
  /** How many leases had ended when somebody was passed over whose user held enough; null: nobody has been. */
  #passedOver: number | null = null;
  /** From when on there may be a lease to evict. */
  evictFrom = Number.POSITIVE_INFINITY;
  /** Somebody has been granted a token who waits for one more, and would rather have the same. */
  hasContent = false;

  /** Nobody is in line; whoever joins it has been refused all that there is. */
  forget<A>({ order, options }: Seen<A>): void {
    this.#offered = order.freed;
    this.#options = options;
    this.#passedOver = null;
    this.evictFrom = Number.POSITIVE_INFINITY;
    this.hasContent = false;
  }

  /** Somebody has joined the line, for whom nothing can be evicted yet. */
  joined<A>({ order, options }: Seen<A>, labels: Labels | undefined): void {
    if (options.whenFull === 'evict') this.#evictAfter(order.firstGrant(-Infinity, [labels]), options);
  }

  /** A lease has been granted to somebody in line, which can be evicted for somebody else there. */
  granted(at: number, options: PoolOptions): void {
    if (options.whenFull === 'evict') this.#evictAfter(at, options);
  }

  #evictAfter(grantedAt: number, options: PoolOptions): void {
    this.evictFrom = Math.min(this.evictFrom, grantedAt + leastHold(options));
  }

  /** Whether somebody may be served at `at` who could not be before. */
  areThere<A>({ order, options }: Seen<A>, at: number): boolean {
    const isFree = order.freed !== this.#offered || this.areNew({ order, options });
    return isFree || this.mayEvict({ order, options }, at);
  }

  /** What was of no use to somebody may be by now, by other options, or because their user holds less. */
  areNew<A>({ order, options }: Seen<A>): boolean {
    return options !== this.#options || (this.#passedOver !== null && this.#passedOver !== order.endings);
  }

  mayEvict<A>(seen: Seen<A>, at: number): boolean {
    return seen.options.whenFull === 'evict' && (this.evictFrom <= at || this.areNew(seen));
  }

  offer<A>(seen: Seen<A>): Offer<A> {
    return new Offer(seen.order.freedAfter(this.areNew(seen) ? 0 : this.#offered));
  }

  /**
   * Everybody has been offered everything, as far as there was something left. `endings`: how many leases had ended
   * before; `isWhole`: it was all that is free, and went to the end of the line.
   */
  offered<A>({ order, options }: Seen<A>, endings: number, passedOver: boolean, isWhole: boolean): void {
    const isOpen = passedOver || (this.#passedOver !== null && !isWhole);
    this.#passedOver = isOpen ? endings : null;
    this.#offered = order.freed;
    this.#options = options;
  }
}

/** Free tokens, the longest free first, each to be taken once. */
export class Offer<A> {
  readonly #entries: (Entry<A> | null)[];
  #first = 0;

  constructor(entries: Entry<A>[]) {
    this.#entries = entries;
  }

  get isEmpty(): boolean {
    while (this.#entries[this.#first] === null) this.#first++;
    return this.#first === this.#entries.length;
  }

  /** The first that has all of the labels. */
  take(labels: Labels | undefined): Entry<A> | undefined {
    if (this.isEmpty) return undefined;
    for (let index = this.#first; index < this.#entries.length; index++) {
      const entry = this.#entries[index]!;
      if (entry === null || !fits(entry, labels)) continue;
      this.#entries[index] = null;
      return entry;
    }
    return undefined;
  }
}
