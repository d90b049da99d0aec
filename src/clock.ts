/** The one source of time. Everything else is handed the time; no other file may read it. */

/** Milliseconds since 1970 UTC, and timers on the same scale. */
export interface Clock {
  now(): number;
  setTimeout(run: () => void, delayMs: number): unknown;
  clearTimeout(id: unknown): void;
  /**
   * Lets it be `now`; from there it goes at its own pace. Timers under way keep their lengths. One that stands still until it
   * is moved is moved by this no further than to the newest fact, which was at `last`.
   */
  anchor?(now: number, last: number | null): void;
}

/** Waiting, on whatever scale. */
export type Timers = Pick<Clock, 'setTimeout' | 'clearTimeout'>;

/** Elapsed time in milliseconds, for measuring only: from no particular instant. */
export const elapsedMs = (): number => performance.now();

/** Node fires a longer timer at once, so a longer wait is made of several. */
const nodeTimerMsMax = 2 ** 31 - 1;

interface Timer {
  node: NodeJS.Timeout;
}

/**
 * Real time: the wall clock read once, or an anchor, then the monotonic clock, so that a stepped wall clock neither
 * ends nor stretches a lease. A timer never fires before its whole delay has passed, however long the wait.
 */
export function systemClock(): Clock {
  let origin = Date.now() - performance.now();
  const arm = (timer: Timer, firesAt: number, run: () => void): void => {
    const remainingMs = Math.min(Math.max(firesAt - performance.now(), 0), nodeTimerMsMax);
    const fire = () => (performance.now() < firesAt ? arm(timer, firesAt, run) : run());
    timer.node = setTimeout(fire, Math.ceil(remainingMs));
  };
  return {
    now: () => Math.floor(origin + performance.now()),
    anchor(now) {
      origin = now - performance.now();
    },
    setTimeout(run, delayMs) {
      const timer = {} as Timer;
      arm(timer, performance.now() + delayMs, run);
      return timer;
    },
    clearTimeout: (id) => clearTimeout((id as Timer | undefined)?.node),
  };
}
