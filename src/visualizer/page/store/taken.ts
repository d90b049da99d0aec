/** What the machine of the chosen token has just done: told by its facts, as they come or as one steps through them. */
import { effect, signal } from '@preact/signals';
import { statusOf } from '../../../lease/lease.ts';
import type { Taken } from '../chart/taken.ts';
import { takenBy } from '../chart/taken-by.ts';
import type { Token, WireFact } from '../wire.ts';
import { tokenOut } from './picture.ts';
import { chosenToken, hear, isPast, poolName } from './store.ts';
import { pastStep } from './travel.ts';

export const taken = signal<Taken | null>(null);

const standing = (token: Token | undefined) => (token ? tokenOut(token, statusOf(token)) : null);

/** From now on. */
export function noteTaken(): void {
  let previous: WireFact | null = null;
  effect(() => {
    poolName.value;
    chosenToken.value;
    taken.value = null;
  });
  hear((fact, before) => {
    const id = chosenToken.peek();
    if (!isPast.peek() && id !== null && fact.token_id === id)
      taken.value = takenBy(standing(before.tokens.get(id)), fact, previous);
    previous = fact;
  });
  effect(() => {
    const step = pastStep.value;
    const id = chosenToken.peek();
    if (!isPast.value) return;
    const isOfIt = step !== null && id !== null && step.fact.token_id === id;
    taken.value = isOfIt ? takenBy(standing(step.before.tokens.get(id)), step.fact) : null;
  });
}
