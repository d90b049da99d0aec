/** The newest facts of the pool at the moment that is shown, newest first: a look at the log itself. */
import { effect, signal } from '@preact/signals';
import type { WireFact } from '../wire.ts';
import { ask, poolPath } from './requests.ts';
import { headSeq, hear, isPast, poolName, travelledTo } from './store.ts';

export const feed = signal<readonly WireFact[] | null>(null);

const most = 40;
const pauseMs = 150;
/** Nobody reads faster. */
const togetherMs = 250;

/** From now on. */
export function follow(): void {
  let asked = 0;
  let heard: WireFact[] = [];
  let together: ReturnType<typeof setTimeout> | null = null;
  const look = async (seq: number | null) => {
    const mine = ++asked;
    const cursor = seq === null ? '' : `&cursor=${seq + 1}`;
    const answer = await ask<{ events: WireFact[] }>(
      poolPath(poolName.peek(), `/events?order=desc&limit=${most}${cursor}`),
    );
    if (mine !== asked || !('ok' in answer)) return;
    const newest = answer.ok.events[0]?.seq ?? 0;
    const since = seq === null ? (feed.peek() ?? []).filter((fact) => fact.seq > newest) : [];
    feed.value = [...since, ...answer.ok.events].slice(0, most);
  };
  const show = () => {
    together = null;
    const first = heard.at(-1)?.seq ?? 0;
    if (first > 0 && !isPast.peek() && feed.peek() !== null)
      feed.value = [...heard, ...feed.peek()!.filter(({ seq }) => seq < first)].slice(0, most);
    heard = [];
  };
  let pool = '';
  effect(() => {
    const seq = travelledTo.value;
    if (pool !== poolName.value) {
      feed.value = null;
      heard = [];
    }
    pool = poolName.value;
    if (headSeq.value === null) return;
    // Read once; from then on each fact comes by itself.
    const isKnown = seq === null && feed.peek() !== null && feed.peek()![0]?.seq === headSeq.peek();
    if (isKnown) return;
    const pause = setTimeout(() => void look(seq), pauseMs);
    return () => clearTimeout(pause);
  });
  hear((fact) => {
    if (isPast.peek() || feed.peek() === null) return;
    heard = [fact, ...heard].slice(0, most);
    if (together === null) together = setTimeout(show, togetherMs);
  });
}
