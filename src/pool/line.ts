/**
 * Who waits for a token, in the order of being served: those of higher priority first, and of the same priority those who
 * came first. Joining, leaving and finding the first one cost O(1), the number of priorities aside.
 */
import type { Allocate } from '../lease/command.ts';

/** Waiting is no fact: a line is of one process, and of the connections that stand behind it. */
export type Waiter = Allocate & { wait: NonNullable<Allocate['wait']> };

export class Line {
  readonly #byPriority = new Map<number, Map<string, Waiter>>();
  /** Highest first. */
  #priorities: number[] = [];
  readonly #priorityOf = new Map<string, number>();
  readonly #byUser = new Map<string, number>();

  get length(): number {
    return this.#priorityOf.size;
  }

  /** How often the user stands in it. */
  countOf(userId: string): number {
    return this.#byUser.get(userId) ?? 0;
  }

  join(waiter: Waiter): void {
    const { priority } = waiter.wait;
    let peers = this.#byPriority.get(priority);
    if (peers === undefined) {
      peers = new Map();
      this.#byPriority.set(priority, peers);
      this.#priorities = [...this.#byPriority.keys()].sort((a, b) => b - a);
    }
    const [leaseId] = waiter.leaseIds as [string];
    peers.set(leaseId, waiter);
    this.#byUser.set(waiter.userId, this.countOf(waiter.userId) + 1);
    this.#priorityOf.set(leaseId, priority);
  }

  /** Whether it was still there. */
  leave(leaseId: string): boolean {
    const priority = this.#priorityOf.get(leaseId);
    if (priority === undefined) return false;
    this.#priorityOf.delete(leaseId);
    const peers = this.#byPriority.get(priority)!;
    const { userId } = peers.get(leaseId)!;
    peers.delete(leaseId);
    if (this.countOf(userId) === 1) this.#byUser.delete(userId);
    else this.#byUser.set(userId, this.countOf(userId) - 1);
    if (peers.size === 0) {
      this.#byPriority.delete(priority);
      this.#priorities = this.#priorities.filter((each) => each !== priority);
    }
    return true;
  }

  clear(): void {
    this.#byPriority.clear();
    this.#priorities = [];
    this.#priorityOf.clear();
    this.#byUser.clear();
  }

  /** In the order of being served; who leaves meanwhile is passed over. */
  *[Symbol.iterator](): Generator<Waiter> {
    for (const priority of this.#priorities) yield* this.#byPriority.get(priority)!.values();
  }
}
