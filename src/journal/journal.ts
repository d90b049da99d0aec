/**
 * The event log of one pool: opens it, appends to it by group commit, and reads it. Knows facts and tables,
 * but neither machines nor rules.
 */
import { and, eq, gt } from 'drizzle-orm';
import { reasonOf, rootCause } from '../cause.ts';
import type { Proof } from '../lease/command.ts';
import type { Fact } from '../lease/fact.ts';
import type { FactFilter, OrderedPage, Page } from '../lease/view.ts';
import { type Database, type DatabaseListener, type Drizzle, failureOf } from './database.ts';
import { type CommitListener, type CommitTimes, Fenced, GroupCommit, Unconfirmed } from './group-commit.ts';
import { inTime, NoAnswer } from './in-time.ts';
import { checkSize, type Opening, type OpenRequest, openPool, SizeMismatch } from './opening.ts';
import { openPGlite } from './pglite.ts';
import { openPostgres } from './postgres.ts';
import { readEnding, readFacts, readHistory, readToken } from './read.ts';
import { tokenEvents } from './schema.ts';

const openAttempts = 5;
/** What opening may take for each token, many times over; and a read, beyond what the server lets it take. */
const openMsPerToken = 1;
const answerMsMore = 1000;

export class Journal {
  readonly #database: Database;
  readonly #pool: string;
  readonly #times: CommitTimes;
  #commits: GroupCommit | null = null;
  /** Of the last fact that was committed here; whatever follows it in the log is somebody else's. */
  #seq = 0;

  /** Postgres at `databaseUrl`, or embedded in the folder `dataDir`. Applies what migrations are missing. */
  static async open(
    where: { databaseUrl?: string | undefined; dataDir: string },
    pool: string,
    times: CommitTimes,
  ): Promise<Journal> {
    let journal: Journal | undefined;
    const listener: DatabaseListener = { connectionLost: () => journal?.probe() };
    const database = where.databaseUrl
      ? await openPostgres(where.databaseUrl, pool, times.commitTimeoutMs, listener)
      : await openPGlite(where.dataDir, pool);
    journal = new Journal(database, pool, times);
    return journal;
  }

  constructor(database: Database, pool: string, times: CommitTimes) {
    this.#database = database;
    this.#pool = pool;
    this.#times = times;
  }

  get name(): string {
    return this.#database.name;
  }

  /** Whether this process may open the pool; false while another one is about it. */
  async hold(): Promise<boolean> {
    try {
      return await inTime(this.#times.commitTimeoutMs, this.#database.hold());
    } catch (error) {
      // What hangs on this connection would keep the next question waiting too.
      await this.#database.reset();
      throw this.#failed('ask for the pool', error);
    }
  }

  /** Throws if the pool has been opened before, with another size. */
  async checkSize(size: number): Promise<void> {
    await this.#read((db) => checkSize(db, this.#pool, size));
  }

  /** Opens the pool: from its `opened` fact on, whoever appended before can append no more. */
  async openPool(request: OpenRequest, listener: CommitListener): Promise<Opening> {
    const opening = await this.#openedAtLast(request);
    const target = {
      append: (facts: readonly Fact[]) => this.#appendOrLook(facts),
      isWritten: (facts: readonly Fact[]) => this.#isWritten(facts),
      reset: () => this.#database.reset(),
    };
    this.#seq = opening.seq;
    this.#commits = new GroupCommit(target, this.#following(listener), this.#times);
    // The hold was lost while it was opened: somebody else may have opened it since.
    if (!this.#database.held) this.probe();
    return opening;
  }

  /** Adds a fact to the next commit. */
  append(fact: Fact): void {
    this.#commits?.append(fact);
  }

  /** Resolves once every fact appended so far is durable; rejects with `Unconfirmed` or `Fenced`. */
  committed(): Promise<void> {
    // Without the hold, another process may have opened the pool: what is known here is shown only after a look.
    if (!this.#database.held) this.probe();
    return this.#commits?.committed() ?? Promise.resolve();
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
    await inTime(timeoutMs, this.#commits?.drained() ?? Promise.resolve()).catch(() => {});
    return this.#commits?.uncommitted.filter(({ type }) => type !== 'expired').length ?? 0;
  }

  /** Drops what is not committed, and commits nothing more. */
  abandon(): void {
    this.#commits?.close(new Unconfirmed('the journal was abandoned'));
  }

  facts(filter: FactFilter, page: OrderedPage) {
    return this.#read((db) => readFacts(db, this.#pool, filter, page));
  }

  history(tokenId: string, page: Page) {
    return this.#read((db) => readHistory(db, this.#pool, tokenId, page));
  }

  /** A token of the pool with its newest leases, both of one moment. */
  token(tokenId: string, limit: number) {
    return this.#read((db) => readToken(db, this.#pool, tokenId, limit));
  }

  ending(tokenId: string, proof: Proof) {
    return this.#read((db) => readEnding(db, this.#pool, tokenId, proof));
  }

  /** Closes the database; what is not committed by then is dropped, unacknowledged. */
  async close(): Promise<void> {
    this.#commits?.close(new Error('the journal is closed'));
    await this.#database.close();
  }

  async #openedAtLast(request: OpenRequest): Promise<Opening> {
    const limitMs = this.#times.commitTimeoutMs + request.size * openMsPerToken;
    for (let attempt = 1; ; attempt++) {
      try {
        return await inTime(limitMs, openPool(this.#database.db, this.#pool, request));
      } catch (error) {
        if (error instanceof SizeMismatch) throw error;
        // The process that held the pool has just appended: read again what there is, and try again.
        if (failureOf(error) === 'conflict' && attempt < openAttempts) continue;
        await this.#database.reset();
        throw this.#failed('open the pool', error);
      }
    }
  }

  #failed(what: string, error: unknown): Error {
    const message = `cannot ${what} in ${this.name}: ${reasonOf(error)}`;
    return new Error(message, { cause: rootCause(error) });
  }

  async #read<T>(read: (db: Drizzle) => Promise<T>): Promise<T> {
    try {
      return await inTime(this.#times.commitTimeoutMs + answerMsMore, read(this.#database.db));
    } catch (error) {
      // The server would have ended it by now: whoever asks on these connections waits for nobody.
      if (error instanceof NoAnswer) await this.#database.resetReaders();
      throw error;
    }
  }

  #following(listener: CommitListener): CommitListener {
    const committed = (facts: readonly Fact[], commitMs: number): void => {
      this.#seq = facts.at(-1)?.seq ?? this.#seq;
      listener.committed(facts, commitMs);
    };
    return { ...listener, committed };
  }

  /** A commit of facts collides with whoever opened the pool meanwhile; a commit of none has to look. */
  async #appendOrLook(facts: readonly Fact[]): Promise<void> {
    await this.#database.append(facts);
    if (facts.length > 0) return;
    const [foreign] = await this.#database.db
      .select({ seq: tokenEvents.seq })
      .from(tokenEvents)
      .where(and(eq(tokenEvents.pool, this.#pool), gt(tokenEvents.seq, this.#seq)))
      .limit(1);
    if (foreign) throw new Fenced('another process has opened the pool');
  }

  /** A seq belongs to whoever opened the pool last: if its first fact is ours, so are the others. */
  async #isWritten([first]: readonly Fact[]): Promise<boolean> {
    if (first === undefined) return false;
    const [row] = await this.#database.db
      .select({ leaseId: tokenEvents.leaseId, type: tokenEvents.type })
      .from(tokenEvents)
      .where(and(eq(tokenEvents.pool, this.#pool), eq(tokenEvents.seq, first.seq)));
    return row?.leaseId === first.lease.leaseId && row.type === first.type;
  }
}
