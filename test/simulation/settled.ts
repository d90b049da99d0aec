/**
 * When everything has settled that needs no time to pass: promises run to their end before the event loop's next
 * turn, so all there is to know is whether somebody still waits for a turn (group commit does), or for a real database.
 */

const realImmediate = globalThis.setImmediate;
let awaited = 0;

/** From here on it is known who waits for a turn of the event loop. Returns what ends that. */
export function countTurns(): () => void {
  const counting = (run: (...values: unknown[]) => void, ...values: unknown[]) => {
    awaited++;
    return realImmediate(() => {
      awaited--;
      run(...values);
    });
  };
  globalThis.setImmediate = counting as typeof setImmediate;
  return () => {
    globalThis.setImmediate = realImmediate;
  };
}

/** Waits for work that is really done, by a database in this process. */
export async function awaiting<T>(work: Promise<T>): Promise<T> {
  awaited++;
  try {
    return await work;
  } finally {
    awaited--;
  }
}

/** Resolves when nothing more happens unless simulated time passes. */
export async function settled(): Promise<void> {
  do await new Promise<void>((resolve) => realImmediate(resolve));
  while (awaited > 0);
}
