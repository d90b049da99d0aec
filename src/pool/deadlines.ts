/**
 * Which leases are over by a given instant, whether or not their timers have fired: a busy process runs timers
 * late, and until then no command may see such a lease as live. A calendar of milliseconds: setting, clearing
 * and asking cost O(1), plus one look-up a millisecond passed.
 */
export class Deadlines {
  readonly #tokensByInstant = new Map<number, Set<string>>();
  readonly #instantByToken = new Map<string, number>();
  /** No deadline lies at or before this instant. */
  #passed = Number.NEGATIVE_INFINITY;

  set(tokenId: string, expiresAt: number): void {
    this.clear(tokenId);
    this.#instantByToken.set(tokenId, expiresAt);
    const sharing = this.#tokensByInstant.get(expiresAt);
    if (sharing) sharing.add(tokenId);
    else this.#tokensByInstant.set(expiresAt, new Set([tokenId]));
    this.#passed = Math.min(this.#passed, expiresAt - 1);
  }

  clear(tokenId: string): void {
    const instant = this.#instantByToken.get(tokenId);
    if (instant === undefined) return;
    this.#instantByToken.delete(tokenId);
    const sharing = this.#tokensByInstant.get(instant);
    sharing?.delete(tokenId);
    if (sharing?.size === 0) this.#tokensByInstant.delete(instant);
  }

  /** The tokens whose deadline is at or before `at`, earliest first. */
  due(at: number): string[] {
    if (at <= this.#passed) return [];
    const instants = this.#instantsUpTo(at);
    this.#passed = instants.length === 0 ? at : instants[0]! - 1;
    return instants.flatMap((instant) => [...this.#tokensByInstant.get(instant)!]);
  }

  #instantsUpTo(at: number): number[] {
    // After a long silence there are fewer deadlines to look at than milliseconds.
    if (at - this.#passed > this.#tokensByInstant.size) {
      return [...this.#tokensByInstant.keys()].filter((instant) => instant <= at).sort((a, b) => a - b);
    }
    const instants: number[] = [];
    for (let instant = this.#passed + 1; instant <= at; instant++) {
      if (this.#tokensByInstant.has(instant)) instants.push(instant);
    }
    return instants;
  }
}
