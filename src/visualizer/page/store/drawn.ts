/** Which tokens are drawn, in which order, and which of them are looked for: what the tiles and the list share. */
import { computed, signal } from '@preact/signals';
import { type Status, statusOf } from '../../../lease/lease.ts';
import type { Token } from '../wire.ts';
import { type Arrangement, arranged, nextEvicted } from './arrangement.ts';
import { optionsOf } from './picture.ts';
import { found } from './search.ts';
import { serviceNow, shown } from './store.ts';

export const arrangement = signal<Arrangement>('making');
export const typed = signal('');
export const asList = signal(false);

export const drawn = computed<readonly Token[]>(() => {
  const picture = shown.value?.picture;
  return picture ? arranged(picture.tokens.values(), arrangement.value, optionsOf(picture)) : [];
});

/** null: not known. */
export const options = computed(() => (shown.value ? optionsOf(shown.value.picture) : null));

export const matches = computed(() => found(drawn.value, typed.value));

export const counts = computed<Record<Status, number> | null>(() => {
  if (shown.value === null) return null;
  const counted = { available: 0, active: 0, resting: 0, withdrawn: 0 };
  for (const token of drawn.value) counted[statusOf(token)]++;
  return counted;
});

const numbered = 3;
/** Nobody is evicted while a token is free. */
export const evictedNext = computed<readonly string[]>(() => {
  const picture = shown.value?.picture;
  if (picture === undefined || counts.value!.available > 0) return [];
  return nextEvicted(picture.tokens.values(), optionsOf(picture), serviceNow(), numbered);
});

/** What there is room for in a tile. */
export const look = signal<'bar' | 'ring' | 'words'>('words');

export const firstMatch = (): Token | undefined =>
  matches.value === null ? undefined : drawn.value.find(({ tokenId }) => matches.value!.has(tokenId));
