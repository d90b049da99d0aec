/** What becomes durable together, while it is collected, and those who wait for it. */
import type { Written } from './pool-log.ts';
import type { Entries, NewToken, PastToken, PoolOutcome, PoolState, SealedFact } from './store.ts';

export class Batch implements Entries {
  readonly facts: SealedFact[] = [];
  readonly outcomes: PoolOutcome[] = [];
  readonly #pools = new Map<string, PoolState>();
  tokens: NewToken[] = [];
  readonly gone: PastToken[] = [];
  done!: Promise<void>;
  resolve!: () => void;
  #reject!: (error: Error) => void;

  constructor() {
    this.#promise();
  }

  get pools(): PoolState[] {
    return [...this.#pools.values()];
  }

  add({ facts, pools, tokens, gone }: Written): void {
    for (const fact of facts) {
      this.facts.push(fact);
      // It takes those along that have just been made.
      if (fact.type === 'closed') this.tokens = this.tokens.filter(({ pool }) => pool !== fact.pool);
    }
    for (const state of pools) this.#pools.set(state.pool, state);
    for (const token of tokens) this.tokens.push(token);
    for (const token of gone) this.gone.push(token);
  }

  /** Tells those who wait; those who come after wait for the same facts anew. */
  reject(error: Error): void {
    this.#reject(error);
    this.#promise();
  }

  #promise(): void {
    this.done = new Promise((resolve, reject) => {
      this.resolve = resolve;
      this.#reject = reject;
    });
    // Facts of timers have no caller who would hear of a failure.
    this.done.catch(() => {});
  }
}
