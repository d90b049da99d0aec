/**
 * Simulated time: one base for everybody, on which nothing happens but what is written down here, and each
 * process's own view of it. A process that is paused runs nothing, and all that is overdue when it wakes.
 */
import type { Clock } from '../../src/clock.ts';
import type { Timers } from '../../src/journal/in-time.ts';

interface Owner {
  paused: boolean;
}

interface Entry {
  due: number;
  run: () => void;
  /** null: of the network or the database, which never pause. */
  owner: Owner | null;
}

export class Timeline {
  /** Milliseconds since 1970 by a clock that is always right. */
  now: number;
  /** The earliest first; of one instant, in the order in which they were written down. */
  readonly #entries: Entry[] = [];

  constructor(now: number) {
    this.now = now;
  }

  at(due: number, run: () => void, owner: Owner | null = null): Entry {
    const entry = { due, run, owner };
    let place = this.#entries.length;
    while (place > 0 && this.#entries[place - 1]!.due > due) place--;
    this.#entries.splice(place, 0, entry);
    return entry;
  }

  drop(entry: Entry): void {
    const place = this.#entries.indexOf(entry);
    if (place >= 0) this.#entries.splice(place, 1);
  }

  dropAllOf(owner: Owner): void {
    const rest = this.#entries.filter((entry) => entry.owner !== owner);
    this.#entries.splice(0, this.#entries.length, ...rest);
  }

  /** When the next thing happens, if anything does. */
  get next(): number | null {
    const entry = this.#entries.find(({ owner }) => !owner?.paused);
    return entry ? Math.max(entry.due, this.now) : null;
  }

  /** Lets the next thing happen that is due by `until`, at its own instant; false if there is none. */
  step(until: number): boolean {
    const place = this.#entries.findIndex(({ owner }) => !owner?.paused);
    const entry = this.#entries[place];
    if (entry === undefined || entry.due > until) return false;
    this.#entries.splice(place, 1);
    this.now = Math.max(this.now, entry.due);
    entry.run();
    return true;
  }
}

/** The time of one process: its wall clock may be off until it is anchored, and its timers go by the base alone. */
export class ProcessTime implements Clock, Timers, Owner {
  paused = false;
  readonly #timeline: Timeline;
  #offMs: number;

  constructor(timeline: Timeline, offMs = 0) {
    this.#timeline = timeline;
    this.#offMs = offMs;
  }

  now(): number {
    return this.#timeline.now + this.#offMs;
  }

  anchor(now: number): void {
    this.#offMs = now - this.#timeline.now;
  }

  setTimeout(run: () => void, delayMs: number): unknown {
    return this.#timeline.at(this.#timeline.now + Math.max(0, Math.ceil(delayMs)), run, this);
  }

  clearTimeout(timer: unknown): void {
    if (timer) this.#timeline.drop(timer as Entry);
  }

  /** Nothing of this process ever runs again. */
  end(): void {
    this.paused = true;
    this.#timeline.dropAllOf(this);
  }
}
