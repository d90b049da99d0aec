/**
 * Who waits for a token, in the order of being served: those of higher priority first, and of the same priority those who
 * came first. Joining, leaving and finding the first one cost O(1), the number of priorities aside.
 */
import { canonical } from '../lease/canonical.ts';
import type { Allocate } from '../lease/command.ts';

/** Waiting is no fact: a line is of one process, and of the connections that stand behind it. */
export type Waiter = Allocate & { wait: NonNullable<Allocate['wait']> };

/** `kind`: the same for those who ask for the same labels; empty where any token will do. */
export type InLine = Waiter & { readonly kind: string };

export class Line {
  readonly #byPriority = new Map<number, Set<InLine>>();
  /** Highest first. */
  #priorities: number[] = [];
  readonly #byLease = new Map<string, InLine>();
  readonly #byUser = new Map<string, number>();
  /** How many of a user's would rather have what their user holds. */
  readonly #content = new Map<string, number>();

  get length(): number {
    return this.#byLease.size;
  }

  /** How often the user stands in it. */
  countOf(userId: string): number {
    return this.#byUser.get(userId) ?? 0;
  }

  /** Whether somebody in it would have what this user holds instead of another token. */
  wantsTheSame(userId: string): boolean {
    return this.#content.has(userId);
  }

  join(waiter: Waiter): void {
    const { labels = {}, leaseIds, wait } = waiter;
    const kind = Object.keys(labels).length === 0 ? '' : canonical({ ...labels });
    const inLine = { ...waiter, kind };
    let peers = this.#byPriority.get(wait.priority);
    if (peers === undefined) {
      peers = new Set();
      this.#byPriority.set(wait.priority, peers);
      this.#priorities = [...this.#byPriority.keys()].sort((a, b) => b - a);
    }
    peers.add(inLine);
    this.#byLease.set(leaseIds[0]!, inLine);
    this.#count(inLine, 1);
  }

  /** Whether it was still there. */
  leave(leaseId: string): boolean {
    const waiter = this.#byLease.get(leaseId);
    if (waiter === undefined) return false;
    this.#byLease.delete(leaseId);
    const { priority } = waiter.wait;
    const peers = this.#byPriority.get(priority)!;
    peers.delete(waiter);
    this.#count(waiter, -1);
    if (peers.size === 0) {
      this.#byPriority.delete(priority);
      this.#priorities = this.#priorities.filter((each) => each !== priority);
    }
    return true;
  }

  clear(): void {
    this.#byPriority.clear();
    this.#priorities = [];
    this.#byLease.clear();
    this.#byUser.clear();
    this.#content.clear();
  }

  /** In the order of being served; who leaves meanwhile is passed over. */
  *[Symbol.iterator](): Generator<InLine> {
    for (const priority of this.#priorities) yield* this.#byPriority.get(priority)!;
  }

  #count(waiter: Waiter, more: 1 | -1): void {
    add(this.#byUser, waiter.userId, more);
    if (wantsTheSame(waiter)) add(this.#content, waiter.userId, more);
  }
}

/** They ask for what their user holds, if it fits, and for another token only if there is none such. */
export const wantsTheSame = ({ onExisting = 'new' }: Allocate): boolean => onExisting !== 'new';

function add(counts: Map<string, number>, key: string, more: 1 | -1): void {
  const count = (counts.get(key) ?? 0) + more;
  if (count === 0) counts.delete(key);
  else counts.set(key, count);
}
