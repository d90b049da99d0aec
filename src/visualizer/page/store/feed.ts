/** The newest facts of the pool at the moment that is shown, newest first: a look at the log itself. */
import { effect, signal } from '@preact/signals';
import type { WireFact } from '../wire.ts';
import { joined } from './joined.ts';
import { ask, poolPath } from './requests.ts';
import { hear, isPast, poolName, snapshots, travelledTo } from './store.ts';

export const feed = signal<readonly WireFact[] | null>(null);

const most = 40;
const pauseMs = 150;
const againMs = 3000;
/** Nobody reads faster. */
const togetherMs = 250;

/** From now on: read once, and again where facts may have been passed over; in between each fact comes by itself. */
export function follow(): void {
  let asked = 0;
  let isAsking = true;
  /** Since it was asked, or since they were shown last; newest first. */
  let heard: WireFact[] = [];
  let together: ReturnType<typeof setTimeout> | undefined;
  let pause: ReturnType<typeof setTimeout> | undefined;
  const look = async (seq: number | null) => {
    const mine = ++asked;
    const cursor = seq === null ? '' : `&cursor=${seq + 1}`;
    const answer = await ask<{ events: WireFact[] }>(
      poolPath(poolName.peek(), `/events?order=desc&limit=${most}${cursor}`),
    );
    if (mine !== asked) return;
    if ('ok' in answer) {
      isAsking = false;
      feed.value = joined(heard, answer.ok.events, most);
      heard = [];
    } else pause = setTimeout(() => void look(seq), againMs);
  };
  const show = () => {
    together = undefined;
    if (isPast.peek() || isAsking) return;
    feed.value = joined(heard, feed.peek()!, most);
    heard = [];
  };
  let pool = '';
  effect(() => {
    const seq = travelledTo.value;
    if (pool !== poolName.value) feed.value = null;
    pool = poolName.value;
    asked++;
    isAsking = true;
    heard = [];
    clearTimeout(pause);
    if (snapshots.value > 0) pause = setTimeout(() => void look(seq), pauseMs);
  });
  hear((fact) => {
    if (isPast.peek()) return;
    heard = [fact, ...heard].slice(0, most);
    if (together === undefined) together = setTimeout(show, togetherMs);
  });
}
