/**
 * A request that comes again with its key is answered as it was the first time, by this process or the next: what
 * is answered is kept in the same commit as the facts it led to. Refusals are kept too, for they are answers.
 */
import type { Clock } from '../clock.ts';
import type { PoolJournal } from '../journal/pool-journal.ts';
import { cameOf, type Outcome, type Refusal, type RefusalCode, refused } from '../lease/refusal.ts';
import type { Durable } from './durable.ts';

/** What makes a request the same request. */
export interface Once {
  key: string;
  /** Of everything that was asked: the same key for something else is a mistake. */
  fingerprint: string;
}

/** To be told the answer in the breath in which its facts are appended. */
export type Keep<T> = (answer: T) => void;

export class ExactlyOnce {
  readonly #clock: Clock;
  readonly #journal: PoolJournal;
  readonly #durable: Durable;
  /** The requests that are being answered, by key. */
  readonly #underWay = new Map<string, Once>();

  constructor(clock: Clock, journal: PoolJournal, durable: Durable) {
    this.#clock = clock;
    this.#journal = journal;
    this.#durable = durable;
  }

  /** Does what is asked, at most once in 24 hours for the same key. Refuses `idempotency_key_reused`, `idempotency_key_in_use`. */
  async answer<T>(
    once: Once | undefined,
    perform: (keep: Keep<T>) => Promise<Outcome<T>>,
  ): Promise<Outcome<T>> {
    if (once === undefined) return perform(() => {});
    // One whose caller has been told that its outcome is unknown may still be about to be committed.
    const other = this.#underWay.get(once.key) ?? this.#journal.keeping(once.key);
    if (other)
      return refused({ code: isSame(other, once) ? 'idempotency_key_in_use' : 'idempotency_key_reused' });
    if (!this.#durable.isServed) return this.#durable.unavailable();
    this.#underWay.set(once.key, once);
    try {
      const before = await this.#before<T>(once);
      // Between the question and its answer, another process may have served the pool, and done what was asked.
      if (!this.#durable.isServed) return this.#durable.unavailable();
      return before ?? (await this.#first(once, perform));
    } finally {
      this.#underWay.delete(once.key);
    }
  }

  /** What this request was answered before. */
  async #before<T>(once: Once): Promise<Outcome<T> | null> {
    const found = await this.#durable.ask(() => this.#journal.keyed(once.key, this.#clock.now()));
    if ('refused' in found) return found;
    if (found.ok === null) return null;
    // What is repeated is judged by the pool's time, and that is another process's once it has opened the pool.
    const unsure = await this.#durable.unconfirmed();
    if (unsure) return unsure;
    if (!isSame(found.ok, once)) return refused({ code: 'idempotency_key_reused' });
    return { ...(found.ok.outcome as Outcome<T>), replayed: true };
  }

  async #first<T>(once: Once, perform: (keep: Keep<T>) => Promise<Outcome<T>>): Promise<Outcome<T>> {
    let kept = false;
    const keep = (outcome: Outcome<T>): void => {
      kept = true;
      this.#journal.keep({ ...once, outcome, at: this.#clock.now() });
    };
    const outcome = await perform((answer) => keep({ ok: answer }));
    if (kept || ('refused' in outcome && !isAnswer(outcome.refused))) return outcome;
    const { step, ...answer } = outcome;
    keep(answer);
    return cameOf(step, (await this.#durable.unconfirmed()) ?? answer);
  }
}

const isSame = (one: Once, other: Once): boolean => one.fingerprint === other.fingerprint;

/** Whether a refusal says how things are, and not just that nothing can be said. */
const isAnswer = ({ code }: Refusal): boolean => answers[code];

const answers: Record<RefusalCode, boolean> = {
  not_found: true,
  token_not_active: true,
  token_withdrawn: true,
  token_not_withdrawn: true,
  lease_mismatch: true,
  lease_ended: true,
  lease_proof_required: true,
  no_such_token: true,
  pool_not_elastic: true,
  name_taken: true,
  lease_not_found: true,
  pool_not_found: true,
  pool_exists: true,
  pool_permanent: true,
  cursor_ahead: true,
  invalid_event_id: true,
  clock_not_simulated: true,
  moment_pruned: true,
  // Nothing was done, and it can be asked for again: who does wants to have it.
  invalid_options: false,
  pool_full: false,
  user_limit_reached: false,
  queue_full: false,
  too_many_viewers: false,
  wait_expired: false,
  pool_limit_reached: false,
  verify_running: false,
  // The grant is kept, and when it is asked for again it is told what became of it.
  too_late: false,
  unavailable: false,
  outcome_unknown: false,
  idempotency_key_reused: false,
  idempotency_key_in_use: false,
};
