/**
 * The event log of one pool: opens it, appends to it by group commit, and reads it. Knows facts and tables,
 * but neither machines nor rules.
 */
import { and, eq, gt } from 'drizzle-orm';
import type { Proof } from '../lease/command.ts';
import type { Fact } from '../lease/fact.ts';
import type { FactFilter, OrderedPage, Page } from '../lease/view.ts';
import { type Database, type DatabaseListener, failureOf } from './database.ts';
import { type CommitListener, type CommitTimes, Fenced, GroupCommit, Unconfirmed } from './group-commit.ts';
import { inTime } from './in-time.ts';
import { type Opening, type OpenRequest, openPool } from './opening.ts';
import { openPGlite } from './pglite.ts';
import { openPostgres } from './postgres.ts';
import { readEnding, readFacts, readHistory } from './read.ts';
import { tokenEvents } from './schema.ts';

const openAttempts = 5;

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
      ? await openPostgres(where.databaseUrl, pool, listener)
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
      return await this.#inTime(this.#database.hold());
    } catch (error) {
      // What hangs on this connection would keep the next question waiting too.
      await this.#database.reset();
      throw error;
    }
  }

  /** Opens the pool: from its `opened` fact on, whoever appended before can append no more. */
  async openPool(request: OpenRequest, listener: CommitListener): Promise<Opening> {
    for (let attempt = 1; ; attempt++) {
      try {
        const opening = await openPool(this.#database.db, this.#pool, request);
        const target = {
          append: (facts: readonly Fact[]) => this.#appendOrLook(facts),
          isWritten: (facts: readonly Fact[]) => this.#isWritten(facts),
          reset: () => this.#database.reset(),
        };
        this.#seq = opening.seq;
        this.#commits = new GroupCommit(target, this.#following(listener), this.#times);
        return opening;
      } catch (error) {
        // The process that held the pool has just appended: read again what there is, and try again.
        if (failureOf(error) !== 'conflict' || attempt === openAttempts) throw error;
      }
    }
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

  /** Resolves when nothing is left to commit, or nothing can be. */
  async drained(): Promise<void> {
    await this.#commits?.drained();
  }

  /** Drops what is not committed, and commits nothing more. */
  abandon(): void {
    this.#commits?.close(new Unconfirmed('the journal was abandoned'));
  }

  facts(filter: FactFilter, page: OrderedPage) {
    return this.#inTime(readFacts(this.#database.db, this.#pool, filter, page));
  }

  history(tokenId: string, page: Page) {
    return this.#inTime(readHistory(this.#database.db, this.#pool, tokenId, page));
  }

  ending(tokenId: string, proof: Proof) {
    return this.#inTime(readEnding(this.#database.db, this.#pool, tokenId, proof));
  }

  /** Closes the database; what is not committed by then is dropped, unacknowledged. */
  async close(): Promise<void> {
    this.#commits?.close(new Error('the journal is closed'));
    await this.#database.close();
  }

  #inTime<T>(read: Promise<T>): Promise<T> {
    return inTime(this.#times.commitTimeoutMs, read);
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
