/** What goes on, to whoever watches: Server-Sent Events, as fast as they are read, and kept alive where nothing happens. */
import type { Timers } from '../clock.ts';
import type { Seats } from '../service/waiting.ts';

export interface StreamOptions {
  timers: Timers;
  /** For all who watch. */
  seats: Seats;
  /** How often something is sent where nothing happens, so that nobody on the way takes the connection for dead. */
  keepAliveMs: number;
  /** Who has not read for so long what is there to be read is cut off: the log keeps it, and the memory would not. */
  patienceMs: number;
}

/**
 * An answer without end ends with its connection: kept open for another question, that would hold up the shut-down. And no proxy
 * is to keep back what is said until there is more of it.
 */
export const streamHeaders = {
  'content-type': 'text/event-stream',
  connection: 'close',
  'x-accel-buffering': 'no',
} as const;

/** The same where nothing more is going to come: a shut-down waits for those who read, and for nobody else. */
const partingMs = 1000;

/** Whoever watches. */
export interface Watcher {
  /** Aborted here, when nothing more is made for them. */
  end: AbortController;
  /** Breaks the connection of who reads too slowly; false where there is none. */
  cut(): boolean;
  /** Aborted when nothing more is going to come. */
  over: AbortSignal;
}

const encoder = new TextEncoder();

/** As text, portion by portion, as fast as it is read. */
export function eventStream<T>(
  portions: AsyncGenerator<T[]>,
  textOf: (each: T) => string,
  { timers, seats, keepAliveMs, patienceMs }: StreamOptions,
  { end, cut, over }: Watcher,
): ReadableStream<Uint8Array> {
  let next: Promise<IteratorResult<T[]>> | null = null;
  let patience: unknown;
  let cutOff = () => {};
  let isSeated = false;
  const sit = () => {
    if (isSeated) return;
    isSeated = true;
    seats.taken++;
    // What is answered to HEAD is never read, and would never be let go: nothing is begun before the first reading.
    over.addEventListener('abort', hurry);
  };
  const beRead = () => {
    timers.clearTimeout(patience);
    patience = timers.setTimeout(cutOff, over.aborted ? Math.min(partingMs, patienceMs) : patienceMs);
  };
  const isRead = () => {
    timers.clearTimeout(patience);
    patience = undefined;
  };
  const hurry = () => {
    if (patience !== undefined) beRead();
  };
  const stop = () => {
    isRead();
    if (isSeated && !end.signal.aborted) seats.taken--;
    over.removeEventListener('abort', hurry);
    end.abort();
    // Whoever is cut off does not ask for more, and what was begun for them would go on for ever.
    void portions.return(undefined);
  };
  return new ReadableStream<Uint8Array>(
    {
      start(controller) {
        cutOff = () => {
          stop();
          if (!cut()) controller.error(new Error('cut off: what there was has not been read in time'));
        };
        controller.enqueue(encoder.encode(`retry: 1000\n\n`));
      },
      async pull(controller) {
        isRead();
        sit();
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
        beRead();
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
