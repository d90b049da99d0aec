/** What is not kept for ever: old facts and answers, of all pools that there have been. When they go is for others to say. */
import type { Read } from './asking.ts';
import { keptMs } from './keyed.ts';

export class Upkeep {
  readonly #read: Read;

  readonly #isDamaged: (pool: string) => boolean;

  constructor(read: Read, isDamaged: (pool: string) => boolean) {
    this.#read = read;
    this.#isDamaged = isDamaged;
  }

  /** The pools, deleted ones too, with facts before the instant `before` that can go. What is damaged is left as it is. */
  async due(before: number): Promise<string[]> {
    const pools = await this.#read((store) => store.due(before));
    return pools.filter((pool) => !this.#isDamaged(pool));
  }

  prune(pool: string, before: number, most: number): Promise<number> {
    return this.#read((store) => store.prune(pool, before, most));
  }

  pruneKeyed(at: number, keysMax: number, most: number): Promise<number> {
    return this.#read((store) => store.pruneKeyed(at - keptMs, keysMax, most));
  }
}
