/** A database that does not answer at all, neither yes nor no, must not leave anybody waiting. */

export class NoAnswer extends Error {}

/** What waits go by: real time, but in simulations. */
export interface Timers {
  setTimeout(run: () => void, ms: number): unknown;
  clearTimeout(timer: unknown): void;
}

/** What `answer` resolves to; rejects with `NoAnswer` if that takes longer than `timeoutMs`. */
export async function inTime<T>(timers: Timers, timeoutMs: number, answer: PromiseLike<T>): Promise<T> {
  let watchdog: unknown;
  const silence = new Promise<never>((_, reject) => {
    const say = () => reject(new NoAnswer(`the database gave no answer for ${timeoutMs} ms`));
    watchdog = timers.setTimeout(say, timeoutMs);
  });
  try {
    return await Promise.race([answer, silence]);
  } finally {
    timers.clearTimeout(watchdog);
  }
}
