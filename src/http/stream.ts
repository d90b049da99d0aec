/** What goes on, to whoever watches: Server-Sent Events, as fast as they are read, and kept alive where nothing happens. */
import type { Timers } from '../clock.ts';

export interface StreamTimes {
  timers: Timers;
  /** How often something is sent where nothing happens, so that nobody on the way takes the connection for dead. */
  keepAliveMs: number;
  /** Who has not read for so long what is there to be read is cut off: the log keeps it, and the memory would not. */
  patienceMs: number;
}

const encoder = new TextEncoder();

/** As text, portion by portion, as fast as it is read. `cut` breaks the connection of who reads too slowly. */
export function eventStream<T>(
  portions: AsyncGenerator<T[]>,
  textOf: (each: T) => string,
  { timers, keepAliveMs, patienceMs }: StreamTimes,
  end: AbortController,
  cut: () => void,
): ReadableStream<Uint8Array> {
  let next: Promise<IteratorResult<T[]>> | null = null;
  let patience: unknown;
  const stop = () => {
    timers.clearTimeout(patience);
    end.abort();
    // Whoever is cut off does not ask for more, and what was begun for them would go on for ever.
    void portions.return(undefined);
  };
  return new ReadableStream<Uint8Array>(
    {
      start: (controller) => controller.enqueue(encoder.encode(`retry: 1000\n\n`)),
      async pull(controller) {
        timers.clearTimeout(patience);
        next ??= portions.next();
        const said = await orQuiet(next, timers, keepAliveMs);
        if (end.signal.aborted) return;
        if (said === null) controller.enqueue(encoder.encode(':\n\n'));
        else {
          next = null;
          if (said.done) {
            controller.close();
            return stop();
          }
          controller.enqueue(encoder.encode(said.value.map(textOf).join('')));
        }
        patience = timers.setTimeout(() => {
          stop();
          cut();
        }, patienceMs);
      },
      cancel: stop,
    },
    // Nothing is made before it is wanted.
    { highWaterMark: 0 },
  );
}

/** What is said, or null where nothing is said for so long. */
async function orQuiet<T>(said: Promise<T>, timers: Timers, ms: number): Promise<T | null> {
  let timer: unknown;
  const quiet = new Promise<null>((resolve) => {
    timer = timers.setTimeout(() => resolve(null), ms);
  });
  try {
    return await Promise.race([said, quiet]);
  } finally {
    timers.clearTimeout(timer);
  }
}
