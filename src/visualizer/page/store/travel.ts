/** Going through the past of the pool: to a fact, to an instant, step by step, and back to now. */
import { batch, signal } from '@preact/signals';
import type { WireFact, WireSnapshot } from '../wire.ts';
import { Past } from './past.ts';
import { type Picture, pictureOf } from './picture.ts';
import { ask, poolPath, problemWords } from './requests.ts';
import { headSeq, oldestSeq, pastPicture, poolName, travelledTo } from './store.ts';

/** The fact that the moment which is looked at was made by; null: it is not known. */
export const pastFact = signal<WireFact | null>(null);
/** Where one has gone a fact further: that fact, and what was before it. */
export const pastStep = signal<{ fact: WireFact; before: Picture } | null>(null);
export const travelProblem = signal<string | null>(null);
export const playing = signal(false);

/** Whoever drags asks for many moments: only one where they pause is looked up. */
const pauseMs = 90;
const stepMs = 700;

interface Seen {
  picture: Picture;
  fact: WireFact | null;
}

const past = new Past<Seen>(async (seq, signal) => {
  const pool = poolName.peek();
  const [snapshot, facts] = await Promise.all([
    ask<WireSnapshot>(poolPath(pool, `/snapshot?seq=${seq}`), signal),
    ask<{ events: WireFact[] }>(poolPath(pool, `/events?order=asc&limit=1&cursor=${seq - 1}`), signal),
  ]);
  if (signal.aborted) return null;
  if (!('ok' in snapshot)) {
    // A link of a log that was longer: there is no such moment, and now is the nearest to it.
    if ('problem' in snapshot && snapshot.problem.error === 'cursor_ahead') backToNow();
    travelProblem.value = problemWords(snapshot);
    return null;
  }
  const fact = ('ok' in facts && facts.ok.events.find((one) => one.seq === seq)) || null;
  return { picture: pictureOf(snapshot.ok), fact };
});

let pause: ReturnType<typeof setTimeout> | undefined;

/** Shows the pool after that fact. Until it is known, what was shown stays. */
export function travelTo(seq: number): void {
  const to = Math.max(oldestSeq.peek() ?? seq, Math.min(headSeq.peek() ?? seq, Math.round(seq)));
  travelledTo.value = to;
  clearTimeout(pause);
  const kept = past.kept(to);
  if (kept) show(kept);
  else pause = setTimeout(() => void look(to), pauseMs);
}

async function look(seq: number): Promise<void> {
  const seen = await past.at(seq);
  if (seen !== null && travelledTo.peek() === seq) show(seen);
}

function show({ picture, fact }: Seen): void {
  const before = pastPicture.peek();
  batch(() => {
    pastStep.value = fact && before?.seq === fact.seq - 1 ? { fact, before } : null;
    pastPicture.value = picture;
    pastFact.value = fact;
    travelProblem.value = null;
  });
}

export const stepBy = (facts: number): void => travelTo((travelledTo.peek() ?? headSeq.peek() ?? 0) + facts);

/** Shows the pool as it was at that instant. */
export async function travelToInstant(instant: string): Promise<void> {
  const answer = await ask<WireSnapshot>(
    poolPath(poolName.peek(), `/snapshot?at=${encodeURIComponent(instant)}`),
  );
  if ('ok' in answer) travelTo(answer.ok.seq);
  else travelProblem.value = problemWords(answer);
}

export function backToNow(): void {
  clearTimeout(pause);
  past.forget();
  batch(() => {
    playing.value = false;
    travelledTo.value = null;
    pastPicture.value = null;
    pastFact.value = null;
    pastStep.value = null;
    travelProblem.value = null;
  });
}

/** A fact after the other, at a pace that can be followed; each waits for the one before it to be shown. */
export async function play(): Promise<void> {
  if (playing.peek()) {
    playing.value = false;
    return;
  }
  if (travelledTo.peek() === null) travelTo(oldestSeq.peek() ?? 1);
  playing.value = true;
  while (playing.peek() && (travelledTo.peek() ?? 0) < (headSeq.peek() ?? 0)) {
    await new Promise((resolve) => setTimeout(resolve, stepMs));
    const shownSeq = pastPicture.peek()?.seq;
    if (playing.peek() && shownSeq === travelledTo.peek()) stepBy(1);
  }
  playing.value = false;
}

/** A link that came with a moment in it: shown as soon as it is known how far the log reaches. */
export function resume(): void {
  const seq = travelledTo.peek();
  if (seq !== null) void look(seq);
}
