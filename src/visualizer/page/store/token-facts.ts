/** The facts of the token that is chosen, newest first, as far as somebody has looked: up to the moment that is shown, and as they come. */
import { batch, computed, effect, signal } from '@preact/signals';
import type { WireFact } from '../wire.ts';
import { joined } from './joined.ts';
import { ask, poolPath, problemWords } from './requests.ts';
import { chosenToken, hear, isPast, poolName, shown, snapshots, travelledTo } from './store.ts';

export const tokenFacts = signal<readonly WireFact[] | null>(null);
/** Where the next page begins; null: there is none. */
export const olderFrom = signal<string | null>(null);
export const factsProblem = signal<string | null>(null);

const pageSize = 50;
const keptMax = 200;
/** Who goes through the tiles by keys passes many by. */
const pauseMs = 120;

interface Page {
  events: WireFact[];
  next_cursor: string | null;
}

let asked = 0;
/** What has been heard of it since the newest page was asked for, newest first; null: that has come. */
let early: WireFact[] | null = null;

/** A page that follows on what is known, or the newest one, which takes its place. */
async function look(tokenId: string, cursor: string | null, isNewest: boolean): Promise<void> {
  const mine = ++asked;
  const query = `order=desc&limit=${pageSize}${cursor === null ? '' : `&cursor=${cursor}`}`;
  const answer = await ask<Page>(poolPath(poolName.peek(), `/tokens/${tokenId}/events?${query}`));
  if (mine !== asked) return;
  batch(() => {
    if (!('ok' in answer)) {
      factsProblem.value = problemWords(answer);
      return;
    }
    const { events, next_cursor } = answer.ok;
    factsProblem.value = null;
    olderFrom.value = next_cursor;
    const known = isNewest ? (early ?? []) : (tokenFacts.peek() ?? []);
    tokenFacts.value = joined(known, events, known.length + pageSize);
    if (isNewest) early = null;
  });
}

export function lookFurther(): void {
  const id = chosenToken.peek();
  if (id !== null && olderFrom.peek() !== null) void look(id, olderFrom.peek(), false);
}

/** Those of a token that is never at rest would fill the memory: the oldest go, and can be asked for again. */
function heard(fact: WireFact): void {
  const known = tokenFacts.peek();
  if (early !== null) early = [fact, ...early].slice(0, keptMax);
  else if (known !== null) {
    const most = Math.max(keptMax, known.length);
    tokenFacts.value = joined([fact], known, most);
    if (known.length === most) olderFrom.value = String(tokenFacts.peek()!.at(-1)!.seq);
  }
}

let pause: ReturnType<typeof setTimeout> | undefined;

/** The token that is chosen, where the pool has it at the moment that is shown. */
const there = computed(() => {
  const id = chosenToken.value;
  return id !== null && shown.value?.picture.tokens.has(id) ? id : null;
});

/** From now on what is chosen is looked up, and what happens to it noted; looked up again where something may have been passed over. */
export function followChosen(): void {
  effect(() => {
    const id = there.value;
    const seq = travelledTo.value;
    poolName.value;
    snapshots.value;
    clearTimeout(pause);
    asked++;
    early = seq === null ? [] : null;
    batch(() => {
      // In the same token the older moment is shown until the newer one is known.
      if (tokenFacts.peek()?.[0]?.token_id !== id) tokenFacts.value = null;
      olderFrom.value = null;
      factsProblem.value = null;
    });
    // The page before a number ends with it.
    const cursor = seq === null ? null : String(seq + 1);
    if (id !== null) pause = setTimeout(() => void look(id, cursor, true), pauseMs);
  });
  hear((fact) => {
    if (!isPast.peek() && fact.token_id === chosenToken.peek()) heard(fact);
  });
}
