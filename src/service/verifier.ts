/** Checking the log for those who ask over HTTP: one check at a time, and none once the service is stopping. */
import type { Journal } from '../journal/journal.ts';
import { type Outcome, refused, type Stage } from '../lease/refusal.ts';
import type { Verification } from '../lease/violation.ts';
import { NeverOpened, type Task, verifyLog } from '../verify/verify-log.ts';
import type { ServiceListener } from './tenure.ts';

/** Small: an embedded database takes 5 ms for them, in which this process does nothing else. */
const portionFacts = 250;

export class Verifier {
  readonly #journal: Journal;
  readonly #stage: () => Stage;
  readonly #listener: Pick<ServiceListener, 'unanswered'>;
  readonly #stopping = new AbortController();
  #running = false;

  constructor(journal: Journal, stage: () => Stage, listener: Pick<ServiceListener, 'unanswered'>) {
    this.#journal = journal;
    this.#stage = stage;
    this.#listener = listener;
  }

  /** Refuses `verify_running` while another one asks, and `unavailable` if it could not be read to the end. */
  async verify(pool: string, { signal, progress }: Task): Promise<Outcome<Verification>> {
    if (this.#running) return refused({ code: 'verify_running' });
    const given = signal ? [signal] : [];
    const either = AbortSignal.any([this.#stopping.signal, ...given]);
    if (either.aborted) return this.#unavailable();
    this.#running = true;
    try {
      return { ok: await verifyLog(this.#journal.audited(pool), { signal: either, progress, portionFacts }) };
    } catch (error) {
      if (error instanceof NeverOpened) return refused({ code: 'pool_not_found' });
      if (!either.aborted) this.#listener.unanswered(error);
      return this.#unavailable();
    } finally {
      this.#running = false;
    }
  }

  #unavailable() {
    return refused({ code: 'unavailable', stage: this.#stage() });
  }

  stop(): void {
    this.#stopping.abort();
  }
}
