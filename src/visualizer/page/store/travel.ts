/** Going through the past of the pool: to a fact, to an instant, step by step, and back to now. */
import { batch, effect, signal, untracked } from '@preact/signals';
import { dateAndTime, number } from '../format.ts';
import type { WireFact, WireSnapshot } from '../wire.ts';
import { Past } from './past.ts';
import { type Picture, pictureOf } from './picture.ts';
import { ask, poolPath, problemWords } from './requests.ts';
import { connection, headSeq, oldestSeq, pastPicture, poolName, snapshots, travelledTo } from './store.ts';

/** The fact that the moment which is looked at was made by; null: it is not known. */
export const pastFact = signal<WireFact | null>(null);
/** Where one has gone a fact further: that fact, and what was before it. */
export const pastStep = signal<{ fact: WireFact; before: Picture } | null>(null);
export const travelProblem = signal<string | null>(null);
/** What is to be known of the moment that is shown, where it is not the one that was asked for. */
export const travelNote = signal<string | null>(null);
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
  travelNote.value = null;
  clearTimeout(pause);
  instants++;
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

/** Which instant was asked for last: whatever has been chosen since holds. */
let instants = 0;

/** Shows the pool as it was at that instant. */
export async function travelToInstant(instant: string): Promise<void> {
  const mine = ++instants;
  const oldest = oldestSeq.peek() ?? 1;
  const path = `/events?order=asc&limit=1&cursor=${Math.max(0, oldest - 1)}`;
  const first = await ask<{ events: WireFact[] }>(poolPath(poolName.peek(), path));
  if (mine !== instants) return;
  const [fact] = 'ok' in first ? first.ok.events : [];
  if (fact?.seq === oldest && Date.parse(instant) < Date.parse(fact.at)) {
    travelProblem.value = `The log does not reach back so far: it begins at ${dateAndTime(fact.at)}.`;
    return;
  }
  const answer = await ask<WireSnapshot>(
    poolPath(poolName.peek(), `/snapshot?at=${encodeURIComponent(instant)}`),
  );
  if (mine !== instants) return;
  if ('ok' in answer) travelTo(answer.ok.seq);
  else travelProblem.value = problemWords(answer);
}

export function backToNow(): void {
  clearTimeout(pause);
  instants++;
  past.forget();
  batch(() => {
    playing.value = false;
    travelledTo.value = null;
    pastPicture.value = null;
    pastFact.value = null;
    pastStep.value = null;
    travelProblem.value = null;
    travelNote.value = null;
  });
}

let plays = 0;

/** A fact after the other, at a pace that can be followed; each waits for the one before it to be shown. */
export async function play(): Promise<void> {
  if (playing.peek()) {
    playing.value = false;
    return;
  }
  if (travelledTo.peek() === null) travelTo(oldestSeq.peek() ?? 1);
  playing.value = true;
  const mine = ++plays;
  while (mine === plays && playing.peek() && (travelledTo.peek() ?? 0) < (headSeq.peek() ?? 0)) {
    await new Promise((resolve) => setTimeout(resolve, stepMs));
    const shownSeq = pastPicture.peek()?.seq;
    if (mine === plays && playing.peek() && shownSeq === travelledTo.peek()) stepBy(1);
  }
  if (mine === plays) playing.value = false;
}

/** A link may be of another log, or of one that has been shortened since: what is not there is not asked for. */
function travelByLink(seq: number): void {
  const [oldest, head] = [oldestSeq.peek() ?? seq, headSeq.peek() ?? seq];
  if (seq > head) {
    backToNow();
    travelProblem.value = `The log has no fact ${number(seq)} yet: this is now.`;
    return;
  }
  travelTo(seq);
  if (seq < oldest)
    travelNote.value = `The log has no fact ${number(seq)}, it begins with ${number(oldest)}.`;
}

/**
 * From now on: a link that came with a moment in it is shown, as soon as somebody answers; and what was seen of one pool, or of
 * one log, is not taken for that of another.
 */
export function keepToPool(): void {
  let of = poolName.peek();
  let head = 0;
  let isOfLink = travelledTo.peek() !== null;
  effect(() => {
    const pool = poolName.value;
    snapshots.value;
    const before = head;
    head = untracked(() => headSeq.value) ?? (pool === of ? head : 0);
    const seq = travelledTo.peek();
    // A pool that there is not has no past either.
    const isNone = seq !== null && head === 0 && connection.value.kind === 'no_pool';
    if (pool !== of || isNone) untracked(backToNow);
    else if (head < before) past.forget();
    if (isOfLink && pool === of && seq !== null && head > 0) {
      isOfLink = false;
      untracked(() => travelByLink(seq));
    }
    // Of another log it was something else; and what nobody answered may be answered now.
    else if (pool === of && seq !== null && (head < before || travelProblem.peek() !== null)) void look(seq);
    of = pool;
  });
}
