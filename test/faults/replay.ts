/** The log, replayed by rules of its own: who held what after each fact. Judges nothing, and throws at nothing. */
import type { LoggedFact, Snapshot } from './history.ts';

/** A token from the fact `seq` on, until the next of its states. */
export interface TokenState {
  seq: number;
  fence: number | null;
  userId: string | null;
  expiresAt: number | null;
}

export interface LeaseStory {
  fence: number;
  tokenId: string;
  userId: string;
  /** null for a lease that is older than the log. */
  grant: LoggedFact | null;
  renewals: LoggedFact[];
  ending: LoggedFact | null;
  expiresAt: number;
}

export class Replay {
  readonly log: readonly LoggedFact[];
  readonly floor: number;
  /** By token, in the order of seq. */
  readonly states = new Map<string, TokenState[]>();
  readonly leases = new Map<number, LeaseStory>();
  /** By token: the fences of its leases, oldest first. */
  readonly leasesOf = new Map<string, number[]>();
  readonly #leaseOf = new Map<string, LeaseStory>();
  /** How many leases are live after the fact `floor + index`. */
  readonly active: number[] = [];

  constructor({ log, tokens, floor, floorTokens }: Snapshot) {
    this.log = log;
    this.floor = floor;
    const first = new Map(floorTokens.map((row) => [row.id, row]));
    for (const { id } of tokens) {
      const { fence = null, userId = null, expiresAt = null } = first.get(id) ?? {};
      this.states.set(id, [{ seq: 0, fence, userId, expiresAt }]);
      if (fence === null) continue;
      const story = { fence, tokenId: id, userId: userId!, grant: null, renewals: [], ending: null };
      this.leases.set(fence, { ...story, expiresAt: expiresAt! });
      this.leasesOf.set(id, [fence]);
    }
    this.active.push(this.leases.size);
    for (const fact of log) this.#take(fact);
  }

  get lastSeq(): number {
    return this.floor + this.log.length;
  }

  fact(seq: number): LoggedFact | undefined {
    return this.log[seq - this.floor - 1];
  }

  /** The lease of a user who has only one. */
  leaseOf(userId: string): LeaseStory | undefined {
    return this.#leaseOf.get(userId);
  }

  /** How many leases were live after the fact `seq`. */
  activeAt(seq: number): number {
    return this.active[seq - this.floor]!;
  }

  /** The token after the fact `seq`. */
  stateAt(tokenId: string, seq: number): TokenState | undefined {
    const states = this.states.get(tokenId) ?? [];
    return states[countUpTo(states, (state) => state.seq <= seq) - 1];
  }

  /** The leases of the token that had been granted by the fact `seq`, the newest first, at most so many. */
  newestLeases(tokenId: string, seq: number, most: number): LeaseStory[] {
    const fences = this.leasesOf.get(tokenId) ?? [];
    const end = countUpTo(fences, (fence) => fence <= seq);
    const newest = fences.slice(Math.max(0, end - most), end).reverse();
    return newest.map((fence) => this.leases.get(fence)!);
  }

  /** Whether facts before and after it belong to one step, so that nobody ever sees what is between them. */
  isInside(seq: number): boolean {
    const next = this.fact(seq + 1);
    const isCleanup = this.fact(seq)?.reason === 'cleanup' && next?.reason === 'cleanup';
    return next?.reason === 'allocated_after_eviction' || isCleanup;
  }

  #take(fact: LoggedFact): void {
    const { seq, type, tokenId, fence, userId, expiresAt } = fact;
    const isLive = type === 'activated' || type === 'renewed';
    const states = tokenId === null ? undefined : this.#statesOf(tokenId);
    const wasLive = states?.at(-1)?.fence != null;
    this.active.push(this.active.at(-1)! + (states ? Number(isLive) - Number(wasLive) : 0));
    if (!states || tokenId === null || fence === null) return;
    states.push(isLive ? { seq, fence, userId, expiresAt } : { seq, ...free });
    if (type === 'activated') {
      const grant = { fence, tokenId, userId: userId!, grant: fact, renewals: [], ending: null };
      const story = { ...grant, expiresAt: expiresAt! };
      this.leases.set(fence, story);
      this.#leaseOf.set(userId!, story);
      this.#leasesOf(tokenId).push(fence);
      return;
    }
    const lease = this.leases.get(fence);
    if (!lease) return;
    if (type === 'renewed') {
      lease.renewals.push(fact);
      lease.expiresAt = expiresAt!;
    } else lease.ending = fact;
  }

  #leasesOf(tokenId: string): number[] {
    const fences = this.leasesOf.get(tokenId) ?? [];
    this.leasesOf.set(tokenId, fences);
    return fences;
  }

  #statesOf(tokenId: string): TokenState[] {
    const states = this.states.get(tokenId) ?? [{ seq: 0, ...free }];
    this.states.set(tokenId, states);
    return states;
  }
}

/** How many members come before the first that is not so; all that are so come first. */
export function countUpTo<T>(members: readonly T[], isSo: (member: T) => boolean): number {
  let [low, high] = [0, members.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (isSo(members[middle]!)) low = middle + 1;
    else high = middle;
  }
  return low;
}

const free = { fence: null, userId: null, expiresAt: null };

/** When the lease of an ending fact was over, as the service says it. */
export const endedAt = (ending: LoggedFact): number =>
  ending.type === 'expired' ? ending.expiresAt! : ending.at;
