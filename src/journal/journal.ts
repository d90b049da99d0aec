/**
 * The event log of one pool: opens it, appends to it by group commit, and reads it. Knows facts and their order,
 * but neither machines nor rules.
 */
import { reasonOf, rootCause } from '../cause.ts';
import type { Proof } from '../lease/command.ts';
import type { Fact } from '../lease/fact.ts';
import type { FactFilter, OrderedPage, Page } from '../lease/view.ts';
import type { AuditedLog } from './audited.ts';
import { chainStart, digestOf, loggedFact } from './chain.ts';
import { type DatabaseListener, failureOf } from './database.ts';
import { type CommitListener, type CommitTimes, Fenced, GroupCommit, Unconfirmed } from './group-commit.ts';
import { inTime, NoAnswer } from './in-time.ts';
import { keptMs } from './keyed.ts';
import { openPGlite } from './pglite.ts';
import { openPostgres, type PostgresTimes } from './postgres.ts';
import { SqlStore } from './sql-store.ts';
import type { Entries, KeyedOutcome, Opening, OpenRequest, SealedFact, Store } from './store.ts';
import { Unfit } from './store.ts';

const openAttempts = 5;
/** What opening may take for each token, many times over; and a read, beyond what the server lets it take. */
const openMsPerToken = 1;
const answerMsMore = 1000;
/** Reading every row of a large pool's tokens. */
const standingTimeoutMs = 60_000;

export interface JournalTimes extends CommitTimes {
  /** How long asking for the pool may take without an answer. */
  holdTimeoutMs: number;
}

export class Journal implements AuditedLog {
  readonly #store: Store;
  readonly #times: JournalTimes;
  #commits: GroupCommit | null = null;
  /** Of the last fact that was committed here; whatever follows it in the log is somebody else's. */
  #seq = 0;
  /** Of the last fact that was appended here. */
  #digest = chainStart;

  /**
   * Postgres at `databaseUrl`, or embedded in the folder `dataDir`. Applies what migrations are missing.
   * `process` is an id of this process, no other's.
   */
  static async open(
    where: { databaseUrl?: string | undefined; dataDir: string },
    pool: string,
    process: string,
    times: JournalTimes & PostgresTimes,
  ): Promise<Journal> {
    let journal: Journal | undefined;
    const listener: DatabaseListener = { connectionLost: () => journal?.probe() };
    const database = where.databaseUrl
      ? await openPostgres(where.databaseUrl, pool, process, times, listener)
      : await openPGlite(where.dataDir, pool);
    journal = new Journal(new SqlStore(database, pool), times);
    return journal;
  }

  constructor(store: Store, times: JournalTimes) {
    this.#store = store;
    this.#times = times;
  }

  get name(): string {
    return this.#store.name;
  }

  /** Whether this process may open the pool; false while another one is about it. */
  async hold(): Promise<boolean> {
    try {
      return await this.#inTime(this.#times.holdTimeoutMs, this.#store.hold());
    } catch (error) {
      // What hangs on this connection would keep the next question waiting too.
      await this.#store.reset();
      throw this.#failed('ask for the pool', error);
    }
  }

  /** Throws if the pool has been opened before, with another size. */
  async checkSize(size: number): Promise<void> {
    await this.#read(() => this.#store.checkSize(size));
  }

  /** Opens the pool: from its `opened` fact on, whoever appended before can append no more. */
  async openPool(request: OpenRequest, listener: CommitListener): Promise<Opening> {
    const opening = await this.#openedAtLast(request);
    const target = {
      append: (entries: Entries) => this.#appendOrLook(entries),
      isWritten: (facts: readonly SealedFact[]) => this.#isWritten(facts),
      reset: () => this.#store.reset(),
    };
    this.#seq = opening.seq;
    this.#digest = opening.digest;
    this.#commits = new GroupCommit(target, this.#following(listener), this.#times);
    // The hold was lost while it was opened: somebody else may have opened it since.
    if (!this.#store.held) this.probe();
    return opening;
  }

  /** Adds a fact to the next commit. */
  append(fact: Fact): void {
    this.#digest = digestOf(this.#digest, loggedFact(fact));
    this.#commits?.append({ ...fact, digest: this.#digest });
  }

  /** Adds what is answered to a request with a key to the next commit, with the facts that have just been appended. */
  keep(outcome: KeyedOutcome): void {
    this.#commits?.keep(outcome);
  }

  /** What is kept for this key in a commit that is not durable yet. */
  keeping(key: string): KeyedOutcome | undefined {
    return this.#commits?.keeping(key);
  }

  /** What was answered to a request with this key in the 24 hours before `at`. */
  keyed(key: string, at: number): Promise<KeyedOutcome | null> {
    return this.#read(() => this.#store.keyed(key, at - keptMs));
  }

  /** Resolves once every fact appended so far is durable; rejects with `Unconfirmed` or `Fenced`. */
  committed(): Promise<void> {
    return this.#commits?.committed() ?? Promise.resolve();
  }

  /**
   * The same, and no other process had opened the pool when this was asked: what is known here, of facts that may
   * be old, was still so then.
   */
  confirmed(): Promise<void> {
    if (this.#store.alone) return this.committed();
    return this.#commits?.confirmed() ?? Promise.resolve();
  }

  /** Finds out whether commits still go through. */
  probe(): void {
    this.#commits?.probe();
  }

  /**
   * How many facts are not durable, once none is left to commit, or `timeoutMs` later. A lease that ran out does not
   * count: whoever opens the pool next finds it so again.
   */
  async drained(timeoutMs: number): Promise<number> {
    await this.#inTime(timeoutMs, this.#commits?.drained() ?? Promise.resolve()).catch(() => {});
    return this.#commits?.uncommitted.filter(({ type }) => type !== 'expired').length ?? 0;
  }

  /** Drops what is not committed, and commits nothing more. */
  abandon(): void {
    this.#commits?.close(new Unconfirmed('the journal was abandoned'));
  }

  facts(filter: FactFilter, page: OrderedPage) {
    return this.#read(() => this.#store.facts(filter, page));
  }

  history(tokenId: string, page: Page) {
    return this.#read(() => this.#store.history(tokenId, page));
  }

  /** A token of the pool with its newest leases, both of one moment. */
  token(tokenId: string, limit: number) {
    return this.#read(() => this.#store.token(tokenId, limit));
  }

  ending(tokenId: string, proof: Proof) {
    return this.#read(() => this.#store.ending(tokenId, proof));
  }

  standing() {
    return this.#read(() => this.#store.standing(), standingTimeoutMs);
  }

  portion(afterSeq: number | null, headSeq: number, most: number) {
    return this.#read(() => this.#store.portion(afterSeq, headSeq, most));
  }

  prune(before: number, most: number): Promise<number> {
    return this.#read(() => this.#store.prune(before, most));
  }

  pruneKeyed(at: number, keysMax: number, most: number): Promise<number> {
    return this.#read(() => this.#store.pruneKeyed(at - keptMs, keysMax, most));
  }

  /** Closes the database; what is not committed by then is dropped, unacknowledged. */
  async close(): Promise<void> {
    this.#commits?.close(new Error('the journal is closed'));
    await this.#store.close();
  }

  async #openedAtLast(request: OpenRequest): Promise<Opening> {
    const limitMs = this.#times.commitTimeoutMs + request.size * openMsPerToken;
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.#inTime(limitMs, this.#store.openPool(request));
      } catch (error) {
        if (error instanceof Unfit) throw error;
        // The process that held the pool has just appended: read again what there is, and try again.
        if (failureOf(error) === 'conflict' && attempt < openAttempts) continue;
        await this.#store.reset();
        throw this.#failed('open the pool', error);
      }
    }
  }

  #failed(what: string, error: unknown): Error {
    const message = `cannot ${what} in ${this.name}: ${reasonOf(error)}`;
    return new Error(message, { cause: rootCause(error) });
  }

  async #read<T>(read: () => Promise<T>, timeoutMs = this.#times.commitTimeoutMs): Promise<T> {
    try {
      return await this.#inTime(timeoutMs + answerMsMore, read());
    } catch (error) {
      // The server would have ended it by now: whoever asks on these connections waits for nobody.
      if (error instanceof NoAnswer) await this.#store.resetReaders();
      throw error;
    }
  }

  #inTime<T>(timeoutMs: number, answer: Promise<T>): Promise<T> {
    return inTime(this.#times.timers, timeoutMs, answer);
  }

  #following(listener: CommitListener): CommitListener {
    const committed = (facts: readonly Fact[], commitMs: number): void => {
      this.#seq = facts.at(-1)?.seq ?? this.#seq;
      listener.committed(facts, commitMs);
    };
    return { ...listener, committed };
  }

  /** A commit of facts collides with whoever opened the pool meanwhile; a commit of none has to look. */
  async #appendOrLook(entries: Entries): Promise<void> {
    await this.#store.append(entries, this.#seq);
    if (entries.facts.length > 0) return;
    if (await this.#store.hasFactsAfter(this.#seq)) throw new Fenced('another process has opened the pool');
  }

  /** A seq belongs to whoever opened the pool last: if its first fact is ours, so are the others. */
  async #isWritten([first]: readonly SealedFact[]): Promise<boolean> {
    return first !== undefined && (await this.#store.digestAt(first.seq)) === first.digest;
  }
}
