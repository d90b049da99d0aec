/** What the tiles show at one moment: everything that drawing them needs, and nothing of how it came about. */
import type { Token, WireOptions } from '../wire.ts';

export interface Flash {
  kind: 'granted' | 'evicted' | 'ended' | 'changed';
  /** From 1, when it happened, to 0. */
  strength: number;
}

export interface Scene {
  tokens: readonly Token[];
  options: WireOptions | null;
  now: number;
  chosen: string | null;
  hovered: string | null;
  /** Those that match what is looked for; null where nothing is. */
  matches: ReadonlySet<string> | null;
  /** Ids of those to be evicted next, the first first. */
  evictedNext: readonly string[];
  flashOf(tokenId: string): Flash | null;
}
