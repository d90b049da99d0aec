/**
 * Simulated time: it stands still until it is moved, and then goes from timer to timer, each at its own instant. Setting,
 * clearing and firing one costs O(log n) of the timers that are pending.
 */
import type { Clock } from './clock.ts';

interface Timer {
  due: number;
  /** Of those due at one instant, the one that was set first goes first. */
  order: number;
  run: () => void;
  /** Where it is in the heap; -1 when it is in there no more. */
  place: number;
}

export class SimulatedClock implements Clock {
  protected instant: number;
  /** A binary heap: none is due before the one at half its place. */
  readonly #heap: Timer[] = [];
  #set = 0;

  constructor(now: number) {
    this.instant = now;
  }

  now(): number {
    return this.instant;
  }

  /** Goes on from the newest fact, if that is later: time never runs backwards, and no wall clock moves it. */
  anchor(_: number, last: number | null): void {
    const by = Math.max(0, (last ?? this.instant) - this.instant);
    this.instant += by;
    for (const timer of this.#heap) timer.due += by;
  }

  /** Whole milliseconds, as all times are. A delay that is no number is none, as with the timers of the platform. */
  setTimeout(run: () => void, delayMs: number): unknown {
    const place = this.#heap.length;
    const due = this.instant + (delayMs > 0 ? Math.ceil(delayMs) : 0);
    const timer = { due, order: this.#set++, run, place };
    this.#heap.push(timer);
    this.#rise(timer);
    return timer;
  }

  clearTimeout(id: unknown): void {
    const timer = id as Timer | undefined;
    if (timer !== undefined && timer.place >= 0) this.#remove(timer);
  }

  /**
   * Moves on to the next instant at which a timer is due, no further than `until`, and fires all that are due then. Whether
   * there may be more to fire by `until`.
   */
  step(until: number): boolean {
    const next = this.#heap[0];
    if (next === undefined || next.due > until) {
      this.instant = Math.max(this.instant, until);
      return false;
    }
    this.instant = Math.max(this.instant, next.due);
    for (let first = this.#heap[0]; first && first.due <= this.instant; first = this.#heap[0]) {
      this.#remove(first);
      first.run();
    }
    return true;
  }

  /** Lets so much time pass, in one go; 0 fires what is due now. */
  advance(ms: number): void {
    const end = this.instant + ms;
    while (this.step(end));
  }

  #remove(timer: Timer): void {
    const last = this.#heap.pop()!;
    if (last !== timer) {
      this.#put(last, timer.place);
      this.#rise(last);
      this.#sink(last);
    }
    timer.place = -1;
  }

  #put(timer: Timer, place: number): void {
    this.#heap[place] = timer;
    timer.place = place;
  }

  #rise(timer: Timer): void {
    while (timer.place > 0) {
      const above = this.#heap[(timer.place - 1) >> 1]!;
      if (isBefore(above, timer)) return;
      this.#swap(above, timer);
    }
  }

  #sink(timer: Timer): void {
    for (;;) {
      const [left, right] = [this.#heap[2 * timer.place + 1], this.#heap[2 * timer.place + 2]];
      const below = right !== undefined && isBefore(right, left!) ? right : left;
      if (below === undefined || isBefore(timer, below)) return;
      this.#swap(timer, below);
    }
  }

  #swap(one: Timer, other: Timer): void {
    const { place } = one;
    this.#put(one, other.place);
    this.#put(other, place);
  }
}

const isBefore = (one: Timer, other: Timer): boolean =>
  one.due < other.due || (one.due === other.due && one.order < other.order);
