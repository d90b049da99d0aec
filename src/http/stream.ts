/** The log as it grows, to whoever watches: Server-Sent Events, numbered like the facts, so that one can go on where one was. */
import type { Timers } from '../clock.ts';
import type { Followed } from '../service/following.ts';
import { eventOut } from './answers.ts';

export interface StreamTimes {
  timers: Timers;
  /** How often something is sent where nothing happens, so that nobody on the way takes the connection for dead. */
  keepAliveMs: number;
  /** Who has not read for so long what is there to be read is cut off: the log keeps it, and the memory would not. */
  patienceMs: number;
}

const encoder = new TextEncoder();

/** As text, portion by portion, as fast as it is read. `cut` breaks the connection of who reads too slowly. */
export function eventStream(
  portions: AsyncGenerator<Followed[]>,
  { timers, keepAliveMs, patienceMs }: StreamTimes,
  end: AbortController,
  cut: () => void,
): ReadableStream<Uint8Array> {
  let next: Promise<IteratorResult<Followed[]>> | null = null;
  let patience: unknown;
  const stop = () => {
    timers.clearTimeout(patience);
    end.abort();
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

const textOf = (said: Followed): string =>
  'fact' in said
    ? `id: ${said.fact.seq}\ndata: ${JSON.stringify(eventOut(said.fact))}\n\n`
    : `event: gap\ndata: ${JSON.stringify(said.gap)}\n\n`;
