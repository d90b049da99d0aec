/** Asking a store: nobody waits for an answer for ever, and what goes wrong is said in words. */
import { reasonOf, rootCause } from '../cause.ts';
import { inTime, NoAnswer, type Timers } from './in-time.ts';
import type { Store } from './store.ts';

/** How much longer a read is waited for than the server lets it take. */
const answerMsMore = 1000;

/** Asks the store, and waits no longer for it than for any answer, or for `timeoutMs`. */
export type Read = <T>(read: (store: Store) => Promise<T>, timeoutMs?: number) => Promise<T>;

export class Asking {
  readonly #store: Store;
  readonly #times: { commitTimeoutMs: number; timers: Timers };

  constructor(store: Store, times: { commitTimeoutMs: number; timers: Timers }) {
    this.#store = store;
    this.#times = times;
  }

  readonly read: Read = async (read, timeoutMs = this.#times.commitTimeoutMs) => {
    try {
      return await this.inTime(timeoutMs + answerMsMore, read(this.#store));
    } catch (error) {
      // The server would have ended it by now: whoever asks on these connections waits for nobody.
      if (error instanceof NoAnswer) await this.#store.resetReaders();
      throw error;
    }
  };

  inTime<T>(timeoutMs: number, answer: Promise<T>): Promise<T> {
    return inTime(this.#times.timers, timeoutMs, answer);
  }

  failed(what: string, error: unknown): Error {
    const message = `cannot ${what} in ${this.#store.name}: ${reasonOf(error)}`;
    return new Error(message, { cause: rootCause(error) });
  }
}
