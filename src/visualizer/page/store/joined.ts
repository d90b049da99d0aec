/** Facts that were asked for and facts that were heard meanwhile, as one list: each once, newest first. Pure. */
import type { WireFact } from '../wire.ts';

/** `heard`: without gaps, and from before the answer was made; `most`: that are kept, the newest. */
export function joined(heard: readonly WireFact[], answered: readonly WireFact[], most: number): WireFact[] {
  const first = heard.at(-1)?.seq ?? Number.POSITIVE_INFINITY;
  return [...heard, ...answered.filter(({ seq }) => seq < first)].slice(0, most);
}
