/**
 * The log of one pool, by the opening that this process serves it by: appends to the next commit of all pools, and
 * reads. Once the pools are opened anew, nothing more can be appended by it.
 */
import type { Proof } from '../lease/command.ts';
import type { Fact } from '../lease/fact.ts';
import type { Moment } from '../lease/picture.ts';
import type { PoolOptions } from '../lease/pool-options.ts';
import type { FactFilter, OrderedPage, Page, PastLease } from '../lease/view.ts';
import type { Read } from './asking.ts';
import type { AuditedLog } from './audited.ts';
import type { GroupCommit } from './group-commit.ts';
import { keptMs } from './keyed.ts';
import type { PoolLog } from './pool-log.ts';
import type { KeyedOutcome, Past, Store } from './store.ts';

/** Reading every row of a large pool's tokens. */
export const standingTimeoutMs = 60_000;

/** What becomes of the pool itself. */
export type PoolChange =
  | { type: 'changed'; options: PoolOptions; at: number }
  | { type: 'closed'; at: number };

export class PoolJournal implements AuditedLog {
  readonly #log: PoolLog;
  readonly #commits: GroupCommit;
  readonly #alone: boolean;
  readonly #read: Read;
  /** Its log may go on, for another pool of that name. */
  #isClosed = false;

  constructor(log: PoolLog, commits: GroupCommit, alone: boolean, read: Read) {
    this.#log = log;
    this.#commits = commits;
    this.#alone = alone;
    this.#read = read;
  }

  get pool(): string {
    return this.#log.pool;
  }

  /** It has been deleted, with the next commit at the latest. */
  get isClosed(): boolean {
    return this.#isClosed || this.#log.isClosed;
  }

  /** Adds a fact to the next commit. It must follow the one before. */
  append(fact: Fact): void {
    const sealed = this.#log.append(fact);
    if (sealed !== null) this.#commits.append(sealed);
    else this.#commits.add(this.#log.move(fact));
  }

  /** Adds a fact of the pool itself to the next commit. Its seq. */
  appendOfPool(fact: PoolChange): number {
    this.#commits.add(
      fact.type === 'changed' ? this.#log.change(fact.options, fact.at) : this.#log.close(fact.at),
    );
    this.#isClosed ||= fact.type === 'closed';
    return this.#log.seq;
  }

  /**
   * Adds what is answered to a request with a key to the next commit, with the facts that have just been appended. What is
   * answered of a pool that is no more is not kept for the one that is made by its name.
   */
  keep(outcome: KeyedOutcome): void {
    if (!this.#isClosed) this.#commits.keep({ ...outcome, pool: this.pool });
  }

  /** What is kept for this key in a commit that is not durable yet. */
  keeping(key: string): KeyedOutcome | undefined {
    return this.#commits.keeping(this.pool, key);
  }

  /** What was answered to a request with this key in the 24 hours before `at`. */
  keyed(key: string, at: number): Promise<KeyedOutcome | null> {
    return this.#read((store) => store.keyed(this.pool, key, at - keptMs));
  }

  /** Resolves once every fact appended so far, of whichever pool, is durable; rejects with `Unconfirmed` or `Fenced`. */
  committed(): Promise<void> {
    return this.#commits.committed();
  }

  /**
   * The same, and no other process had opened the pools when this was asked: what is known here, of facts that may
   * be old, was still so then.
   */
  confirmed(): Promise<void> {
    return this.#alone ? this.committed() : this.#commits.confirmed();
  }

  facts(filter: FactFilter, page: OrderedPage) {
    return this.#read((store) => store.facts(this.pool, filter, page));
  }

  history(tokenId: string, page: Page) {
    return this.#read((store) => store.history(this.pool, tokenId, page));
  }

  /** A token with its newest leases, both of one moment; null where it is not there. */
  token(tokenId: string, limit: number) {
    return this.#read((store) => store.token(this.pool, tokenId, limit));
  }

  ending(tokenId: string, proof: Proof) {
    return this.#read((store) => store.ending(this.pool, tokenId, proof));
  }

  /** What became of a lease that has ended, by its id alone. null: the log knows no such lease, or it is still live. */
  lease(leaseId: string): Promise<PastLease | null> {
    return this.#read((store) => store.lease(this.pool, leaseId));
  }

  /** As the pool was at a moment. */
  snapshot(moment: Moment) {
    return this.#read((store) => pastOf(store).snapshot(this.pool, moment), standingTimeoutMs);
  }

  /** What it did in the hour before a fact, or before the newest one. */
  statistics(seq: number | null) {
    return this.#read((store) => pastOf(store).statistics(this.pool, seq), standingTimeoutMs);
  }

  standing() {
    return this.#read((store) => store.standing(this.pool), standingTimeoutMs);
  }

  portion(afterSeq: number | null, headSeq: number, most: number) {
    return this.#read((store) => store.portion(this.pool, afterSeq, headSeq, most));
  }
}

function pastOf({ past, name }: Store): Past {
  if (past === undefined) throw new Error(`nobody can look back in ${name}`);
  return past;
}
