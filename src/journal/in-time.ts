/** A database that does not answer at all, neither yes nor no, must not leave anybody waiting. */

export class NoAnswer extends Error {}

/** What `answer` resolves to; rejects with `NoAnswer` if that takes longer than `timeoutMs`. */
export async function inTime<T>(timeoutMs: number, answer: PromiseLike<T>): Promise<T> {
  let watchdog: NodeJS.Timeout | undefined;
  const silence = new Promise<never>((_, reject) => {
    const say = () => reject(new NoAnswer(`the database gave no answer for ${timeoutMs} ms`));
    watchdog = setTimeout(say, timeoutMs);
  });
  try {
    return await Promise.race([answer, silence]);
  } finally {
    clearTimeout(watchdog);
  }
}
