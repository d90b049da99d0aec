/**
 * A clock that knows which of its timers are pending, so that all of them can be cleared at once: stopping a
 * hundred thousand actors takes XState time in the square of their number, and minutes.
 */
import type { Clock } from '../clock.ts';

export class ClearableClock implements Clock {
  readonly #clock: Clock;
  readonly #fire: (run: () => void, isLate: boolean) => void;
  readonly #pending = new Set<{ id: unknown }>();

  /** `fire` runs what a timer was set for; it does nothing if that has been cleared by then. */
  constructor(clock: Clock, fire: (run: () => void, isLate: boolean) => void) {
    this.#clock = clock;
    this.#fire = fire;
  }

  now(): number {
    return this.#clock.now();
  }

  setTimeout(run: () => void, delayMs: number): { id: unknown } {
    const timer: { id: unknown } = { id: null };
    const dueAt = this.#clock.now() + delayMs;
    timer.id = this.#clock.setTimeout(() => {
      const unlessCleared = () => {
        if (this.#pending.delete(timer)) run();
      };
      this.#fire(unlessCleared, this.#clock.now() > dueAt);
    }, delayMs);
    this.#pending.add(timer);
    return timer;
  }

  clearTimeout(timer: { id: unknown } | undefined): void {
    if (timer === undefined) return;
    this.#pending.delete(timer);
    this.#clock.clearTimeout(timer.id);
  }

  clearAll(): void {
    for (const { id } of this.#pending) this.#clock.clearTimeout(id);
    this.#pending.clear();
  }
}
