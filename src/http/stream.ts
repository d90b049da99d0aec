/** The log as it grows, to whoever watches: Server-Sent Events, numbered like the facts, so that one can go on where one was. */
import type { Timers } from '../journal/in-time.ts';
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
        const said = await Promise.race([next, quiet(timers, keepAliveMs)]);
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

const quiet = (timers: Timers, ms: number): Promise<null> =>
  new Promise((resolve) => {
    timers.setTimeout(() => resolve(null), ms);
  });

const textOf = (said: Followed): string =>
  'fact' in said
    ? `id: ${said.fact.seq}\ndata: ${JSON.stringify(eventOut(said.fact))}\n\n`
    : `event: gap\ndata: ${JSON.stringify(said.gap)}\n\n`;
