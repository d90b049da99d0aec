/**
 * Which leases, rests and idle times are over by a given instant, whether or not their timers have fired: a busy
 * process runs timers late, and until then no command may see such a lease as live. A calendar of milliseconds:
 * setting, clearing and asking cost O(1), plus one look-up a millisecond passed.
 */

/** What has a deadline; the calendar keeps it up to date. */
export interface Bounded {
  expiresAt: number | null;
}

export class Deadlines<B extends Bounded> {
  readonly #calendar = new Map<number, Set<B>>();
  /** No deadline lies at or before this instant. */
  #searched = Number.NEGATIVE_INFINITY;

  set(one: B, expiresAt: number): void {
    this.clear(one);
    one.expiresAt = expiresAt;
    const sharing = this.#calendar.get(expiresAt);
    if (sharing) sharing.add(one);
    else this.#calendar.set(expiresAt, new Set([one]));
    if (expiresAt <= this.#searched) this.#searched = expiresAt - 1;
  }

  clear(one: B): void {
    if (one.expiresAt === null) return;
    const sharing = this.#calendar.get(one.expiresAt);
    sharing?.delete(one);
    if (sharing?.size === 0) this.#calendar.delete(one.expiresAt);
    one.expiresAt = null;
  }

  /** The earliest deadline; Infinity where there is none. Costs a look at each instant that is one. */
  get earliest(): number {
    let earliest = Number.POSITIVE_INFINITY;
    for (const instant of this.#calendar.keys()) earliest = Math.min(earliest, instant);
    return earliest;
  }

  /** Those whose deadline is at or before `at`, earliest first, at most so many. */
  passed(at: number, most: number): readonly B[] {
    if (at <= this.#searched) return none;
    const instants = this.#instantsUpTo(at);
    this.#searched = instants.length === 0 ? at : instants[0]! - 1;
    const passed: B[] = [];
    for (const instant of instants) {
      for (const one of this.#calendar.get(instant)!) {
        if (passed.length === most) return passed;
        passed.push(one);
      }
    }
    return passed;
  }

  #instantsUpTo(at: number): readonly number[] {
    // After a long silence there are fewer deadlines to look at than milliseconds.
    if (at - this.#searched > this.#calendar.size) {
      return [...this.#calendar.keys()].filter((instant) => instant <= at).sort((a, b) => a - b);
    }
    const instants: number[] = [];
    for (let instant = this.#searched + 1; instant <= at; instant++) {
      if (this.#calendar.has(instant)) instants.push(instant);
    }
    return instants;
  }
}

const none: readonly never[] = [];
