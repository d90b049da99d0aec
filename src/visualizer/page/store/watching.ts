/** What is watched beside the tokens: the statistics of the moment that is shown, how often things happen, and what passes between the parts of the service. */
import { computed, effect, signal } from '@preact/signals';
import { RateMeter } from '../panels/rate-meter.ts';
import type { Message, Statistics } from '../panels/shapes.ts';
import { type Dropped, type Step, StepBuffer } from '../panels/step-buffer.ts';
import { isElsewhere, take } from './one-tab.ts';
import { ask, poolPath } from './requests.ts';
import { headSeq, hear, isPast, liveNow, poolName, snapshots, travelledTo } from './store.ts';
import { everySeen, isSeen } from './ticking.ts';

export const statistics = signal<Statistics | null>(null);
export const steps = signal<readonly Step[]>([]);
export const dropped = signal<Dropped>({ messages: 0, steps: 0 });

/** Whether whatever passes from now on is heard. */
export const isListening = signal(false);

const statisticsMs = 4000;
const pauseMs = 150;
const drawMs = 200;

let meter = new RateMeter(0);
let buffer = new StepBuffer();
export const ratesNow = () => meter.read(liveNow());

/** Of which fact the statistics are. */
let of: number | null = null;
let under: AbortController | null = null;

async function count(): Promise<void> {
  const seq = travelledTo.peek();
  const wanted = seq ?? headSeq.peek();
  if (headSeq.peek() === null || wanted === null || of === wanted) return;
  under?.abort();
  under = new AbortController();
  const { signal } = under;
  const query = seq === null ? '' : `?seq=${seq}`;
  const answer = await ask<Statistics & { seq: number }>(
    poolPath(poolName.peek(), `/statistics${query}`),
    signal,
  );
  if (signal.aborted || !('ok' in answer)) return;
  of = answer.ok.seq;
  statistics.value = answer.ok;
}

/** From now on. */
export function watch(): void {
  // Only then it is known whether there is such a pool, and which moments it has.
  const isKnown = computed(() => headSeq.value !== null);
  effect(() => {
    poolName.value;
    under?.abort();
    of = null;
    statistics.value = null;
    clearMessages();
  });
  effect(() => {
    poolName.value;
    // It has not heard what came before.
    snapshots.value;
    meter = new RateMeter(liveNow());
  });
  hear((fact) => meter.add(fact));
  // Not with each fact: counting an hour costs the service more than granting a lease.
  effect(() => {
    if (!isKnown.value) return;
    const pause = setTimeout(() => void count(), travelledTo.value === null ? 0 : pauseMs);
    return () => clearTimeout(pause);
  });
  everySeen(statisticsMs, () => void count());
  // Also while they are further down than one has scrolled: what one does at the top is there when one comes to them.
  effect(() => {
    return !isKnown.value || isPast.value || isElsewhere.value ? undefined : listen(poolName.value);
  });
}

export function clearMessages(): void {
  buffer = new StepBuffer();
  steps.value = [];
  dropped.value = buffer.dropped;
}

/** Until what is returned is called; not while nobody looks at the page. */
function listen(pool: string): () => void {
  let stream: EventSource | null = null;
  let drawing: ReturnType<typeof setTimeout> | undefined;
  const draw = () => {
    drawing = undefined;
    steps.value = buffer.steps;
    dropped.value = buffer.dropped;
  };
  const stop = () => {
    isListening.value = false;
  };
  const begin = () => {
    take();
    stream = new EventSource(poolPath(pool, '/messages/stream'));
    stream.onopen = () => {
      isListening.value = true;
    };
    stream.onerror = stop;
    stream.addEventListener('message', ({ data }) => {
      buffer.add(JSON.parse(data) as Message);
      drawing ??= setTimeout(draw, drawMs);
    });
    stream.addEventListener('dropped', ({ data }) => {
      buffer.drop(JSON.parse(data) as Dropped);
      drawing ??= setTimeout(draw, drawMs);
    });
  };
  const whenSeen = () => {
    if (isSeen() && stream?.readyState !== EventSource.OPEN) {
      stream?.close();
      begin();
    } else if (!isSeen()) {
      stream?.close();
      stream = null;
      stop();
    }
  };
  whenSeen();
  document.addEventListener('visibilitychange', whenSeen);
  return () => {
    document.removeEventListener('visibilitychange', whenSeen);
    clearTimeout(drawing);
    stream?.close();
    stop();
  };
}
