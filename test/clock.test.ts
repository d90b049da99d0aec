/** The clock of the system: what a wall clock that is set anew does to it, and what its timers keep. */
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { systemClock } from '../src/clock.ts';
import { start } from './support/world.ts';

const hour = 3_600_000;

describe('the clock of the system', () => {
  beforeEach(() => {
    vi.useFakeTimers({ now: start });
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  it.each([hour, -hour])(
    'is not moved by a wall clock that is set by %s ms, and neither are its timers',
    (by) => {
      const clock = systemClock();
      let fired = 0;
      clock.setTimeout(() => fired++, 1000);
      vi.advanceTimersByTime(400);
      vi.setSystemTime(Date.now() + by);
      // The wall clock is another one now.
      expect(Date.now()).toBe(start + 400 + by);
      expect(clock.now()).toBe(start + 400);
      vi.advanceTimersByTime(599);
      expect(fired).toBe(0);
      vi.advanceTimersByTime(1);
      expect(fired).toBe(1);
      expect(clock.now()).toBe(start + 1000);
    },
  );

  it('counts through the end of a month and of February in a leap year', () => {
    for (const instant of [Date.UTC(2026, 0, 31, 23, 59, 59), Date.UTC(2028, 1, 28, 23, 59, 59)]) {
      vi.setSystemTime(instant);
      const clock = systemClock();
      vi.advanceTimersByTime(2000);
      expect(new Date(clock.now()).toISOString()).toBe(new Date(instant + 2000).toISOString());
    }
  });

  it('fires no timer that has been cleared, whatever is cleared with it', () => {
    const clock = systemClock();
    let fired = 0;
    const timer = clock.setTimeout(() => fired++, 1000);
    clock.clearTimeout(timer);
    clock.clearTimeout(undefined);
    vi.advanceTimersByTime(2000);
    expect(fired).toBe(0);
  });
});
