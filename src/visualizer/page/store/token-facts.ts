/** The facts of the token that is chosen, newest first, as far as somebody has looked: up to the moment that is shown, and as they come. */
import { batch, computed, effect, signal } from '@preact/signals';
import type { WireFact } from '../wire.ts';
import { ask, poolPath, problemWords } from './requests.ts';
import { chosenToken, hear, isPast, poolName, shown, travelledTo } from './store.ts';

export const tokenFacts = signal<readonly WireFact[] | null>(null);
/** Where the next page begins; null: there is none. */
export const olderFrom = signal<string | null>(null);
export const factsProblem = signal<string | null>(null);

const pageSize = 50;
/** Who goes through the tiles by keys passes many by. */
const pauseMs = 120;

interface Page {
  events: WireFact[];
  next_cursor: string | null;
}

let asked = 0;

async function look(tokenId: string, cursor: string | null): Promise<void> {
  const mine = ++asked;
  const query = `order=desc&limit=${pageSize}${cursor === null ? '' : `&cursor=${cursor}`}`;
  const answer = await ask<Page>(poolPath(poolName.peek(), `/tokens/${tokenId}/events?${query}`));
  if (mine !== asked) return;
  batch(() => {
    if (!('ok' in answer)) {
      factsProblem.value = problemWords(answer);
      return;
    }
    factsProblem.value = null;
    const known = tokenFacts.peek() ?? [];
    const oldest = known.at(-1)?.seq ?? Number.POSITIVE_INFINITY;
    tokenFacts.value = [...known, ...answer.ok.events.filter(({ seq }) => seq < oldest)];
    olderFrom.value = answer.ok.next_cursor;
  });
}

export function lookFurther(): void {
  const id = chosenToken.peek();
  if (id !== null && olderFrom.peek() !== null) void look(id, olderFrom.peek());
}

let pause: ReturnType<typeof setTimeout> | undefined;

/** The token that is chosen, where the pool has it at the moment that is shown. */
const there = computed(() => {
  const id = chosenToken.value;
  return id !== null && shown.value?.picture.tokens.has(id) ? id : null;
});

/** From now on what is chosen is looked up, and what happens to it noted. */
export function followChosen(): void {
  effect(() => {
    const id = there.value;
    const seq = travelledTo.value;
    poolName.value;
    clearTimeout(pause);
    asked++;
    batch(() => {
      // In the same token the older moment is shown until the newer one is known.
      if (tokenFacts.peek()?.[0]?.token_id !== id) tokenFacts.value = null;
      olderFrom.value = null;
      factsProblem.value = null;
    });
    if (id !== null) pause = setTimeout(() => begin(id, seq), pauseMs);
  });
  hear((fact) => {
    const known = tokenFacts.peek();
    if (isPast.peek() || fact.token_id !== chosenToken.peek() || known === null) return;
    tokenFacts.value = [fact, ...known.filter(({ seq }) => seq !== fact.seq)];
  });
}

function begin(id: string, seq: number | null): void {
  tokenFacts.value = null;
  // The page before a number ends with it.
  void look(id, seq === null ? null : String(seq + 1));
}
