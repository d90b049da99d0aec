/** Checking the log for those who ask over HTTP: one check at a time, and none once the service is stopping. */
import type { Journal } from '../journal/journal.ts';
import { type Outcome, refused } from '../lease/refusal.ts';
import type { Verification } from '../lease/violation.ts';
import { type Task, verifyLog } from '../verify/verify-log.ts';
import type { Durable } from './durable.ts';

/** Small: an embedded database takes 5 ms for them, in which this process does nothing else. */
const portionFacts = 250;

export class Verifier {
  readonly #journal: Journal;
  readonly #durable: Durable;
  readonly #stopping = new AbortController();
  #running = false;

  constructor(journal: Journal, durable: Durable) {
    this.#journal = journal;
    this.#durable = durable;
  }

  /** Refuses `verify_running` while another one asks, and `unavailable` if it could not be read to the end. */
  async verify({ signal, progress }: Task): Promise<Outcome<Verification>> {
    if (this.#running) return refused({ code: 'verify_running' });
    const given = signal ? [signal] : [];
    const either = AbortSignal.any([this.#stopping.signal, ...given]);
    if (either.aborted) return this.#durable.unavailable();
    this.#running = true;
    try {
      return await this.#durable.ask(
        () => verifyLog(this.#journal, { signal: either, progress, portionFacts }),
        either,
      );
    } finally {
      this.#running = false;
    }
  }

  stop(): void {
    this.#stopping.abort();
  }
}
