/** The one source of time. Everything else is handed the time; no other file may read it. */

/** Milliseconds since 1970 UTC, and timers on the same scale. XState's `SimulatedClock` is one too. */
export interface Clock {
  now(): number;
  setTimeout(run: () => void, delayMs: number): unknown;
  clearTimeout(id: unknown): void;
}

/** Node fires a longer timer at once, so a longer wait is made of several. */
const nodeTimerMsMax = 2 ** 31 - 1;

interface Timer {
  node: NodeJS.Timeout;
}

/**
 * Real time: the wall clock read once, then the monotonic one, so that a stepped wall clock neither ends
 * nor stretches a lease. A timer never fires before `now()` has reached its instant, however long the wait.
 */
export function systemClock(): Clock {
  const origin = Date.now() - performance.now();
  const now = () => Math.floor(origin + performance.now());
  const arm = (timer: Timer, firesAt: number, run: () => void): void => {
    const remainingMs = Math.min(Math.max(firesAt - now(), 0), nodeTimerMsMax);
    timer.node = setTimeout(() => (now() < firesAt ? arm(timer, firesAt, run) : run()), remainingMs);
  };
  return {
    now,
    setTimeout(run, delayMs) {
      const timer = {} as Timer;
      arm(timer, now() + delayMs, run);
      return timer;
    },
    clearTimeout: (id) => clearTimeout((id as Timer | undefined)?.node),
  };
}
