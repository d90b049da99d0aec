/** What the service's clock says meanwhile: reckoned from what it said last and the browser's time. Pure. */

export interface ServiceTime {
  /** What it said, in epoch milliseconds. */
  now: number;
  /** When it said so, by the browser's time. */
  heardMs: number;
  /** A simulated clock stands still until it is told to go on. */
  clock: 'system' | 'simulated';
}

export const nowBy = ({ now, heardMs, clock }: ServiceTime, elapsedMs: number): number =>
  clock === 'simulated' ? now : now + Math.max(0, elapsedMs - heardMs);

/** After a fact that happened at `at`: the clock cannot be behind it. */
export const notBefore = (time: ServiceTime, at: number, elapsedMs: number): ServiceTime =>
  at > nowBy(time, elapsedMs) ? { ...time, now: at, heardMs: elapsedMs } : time;
