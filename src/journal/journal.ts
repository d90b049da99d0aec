/**
 * The event logs of all pools of a database: opens them, commits what is appended to any of them together, and gives
 * each pool its own. Knows facts and their order, but neither machines nor rules.
 */
import type { PastLease } from '../lease/view.ts';
import { Asking } from './asking.ts';
import type { AuditedLog } from './audited.ts';
import { type DatabaseListener, failureOf } from './database.ts';
import { type CommitListener, type CommitTimes, GroupCommit, Unconfirmed } from './group-commit.ts';
import { checkMembership, freeTokens, type OpenedPool, openedPool, placed, stateOf } from './opening.ts';
import { openPGlite } from './pglite.ts';
import { PoolJournal, standingTimeoutMs } from './pool-journal.ts';
import { PoolLog } from './pool-log.ts';
import { openPostgres, type PostgresTimes } from './postgres.ts';
import { SqlStore } from './sql-store.ts';
import { type Opening, type OpenRequest, type PoolRequest, type Store, Unfit } from './store.ts';
import { Upkeep } from './upkeep.ts';
import { isWritten } from './written.ts';

const openAttempts = 5;
/** What opening may take for each token, many times over. */
const openMsPerToken = 1;
/** So many are no long step. */
const tokensAtOnce = 1000;
/** Making or opening a token takes longer than any step takes for it later. */
const comingCounts = 2;

export interface JournalTimes extends CommitTimes {
  /** How long asking for the pools may take without an answer. */
  holdTimeoutMs: number;
}

/** What belongs to one opening, and ends with it. */
interface Open {
  number: number;
  commits: GroupCommit;
  logs: Map<string, PoolLog>;
  journals: Map<string, PoolJournal>;
}

export class Journal {
  readonly #store: Store;
  readonly #times: JournalTimes;
  readonly #asking: Asking;
  readonly upkeep: Upkeep;
  #open: Open | null = null;
  #coming = 0;
  /** The pools that are there and are not open, and why. */
  damaged: ReadonlyMap<string, string> = new Map();

  /**
   * Postgres at `databaseUrl`, or embedded in the folder `dataDir`; null: in memory, and gone when
   * it is closed. Applies what migrations are missing.
   * `process` is an id of this process, no other's.
   */
  static async open(
    where: { databaseUrl?: string | undefined; dataDir: string | null },
    process: string,
    times: JournalTimes & PostgresTimes,
  ): Promise<Journal> {
    let journal: Journal | undefined;
    const listener: DatabaseListener = { connectionLost: () => journal?.probe() };
    const database = where.databaseUrl
      ? await openPostgres(where.databaseUrl, process, times, listener)
      : await openPGlite(where.dataDir);
    journal = new Journal(new SqlStore(database), times);
    return journal;
  }

  constructor(store: Store, times: JournalTimes) {
    this.#store = store;
    this.#times = times;
    this.#asking = new Asking(store, times);
    this.upkeep = new Upkeep(this.#asking.read, (pool) => this.damaged.has(pool));
  }

  get name(): string {
    return this.#store.name;
  }

  /** How many tokens there are in the pools that are open here; those that are about to come count twice. */
  get tokens(): number {
    let tokens = this.#coming;
    for (const { size } of this.#open?.logs.values() ?? []) tokens += size;
    return tokens;
  }

  /** Takes a step with so many tokens more: other processes are told before it that it may be a long one. */
  async step<T>(tokens: number, take: () => Promise<T>): Promise<T> {
    this.#coming += comingCounts * tokens;
    try {
      // If that fails, nothing is lost but time: whoever takes the pools meanwhile fences this process out.
      if (tokens > tokensAtOnce) await this.#store.renew().catch(() => {});
      return await take();
    } finally {
      this.#coming -= comingCounts * tokens;
    }
  }

  /** Whether this process may open the pools; false while another one is about it. */
  async hold(): Promise<boolean> {
    try {
      return await this.#asking.inTime(this.#times.holdTimeoutMs, this.#store.hold());
    } catch (error) {
      // What hangs on this connection would keep the next question waiting too.
      await this.#store.reset();
      throw this.#asking.failed('ask for the pools', error);
    }
  }

  /** Throws `Unfit` where a pool is declared as what it cannot become, before anybody has to open it. */
  async check(declared: readonly PoolRequest[]): Promise<void> {
    const known = await this.#asking.read((store) => store.known());
    for (const each of known)
      checkMembership(
        each,
        declared.find(({ pool }) => pool === each.pool),
      );
  }

  /**
   * Opens every pool that is there, and makes those declared that are not: from then on, whoever appended before can
   * append no more, to none of them.
   */
  async openPools(request: OpenRequest, listener: CommitListener): Promise<OpenedPool[]> {
    const { number, pools, closed, damaged } = await this.#openedAtLast(request);
    this.#open?.commits.close(new Unconfirmed('the pools have been opened anew'));
    const commits = new GroupCommit(
      {
        append: (entries) => this.#store.append(entries, number),
        isWritten: (entries) => isWritten(this.#store, entries),
        reset: () => this.#store.reset(),
      },
      listener,
      this.#times,
    );
    this.#open = { number, commits, logs: new Map(), journals: new Map() };
    this.damaged = new Map(damaged.map(({ pool, why }) => [pool, why]));
    for (const pool of pools) this.#add(this.#open, new PoolLog(pool, pool.tokens.map(placed)));
    for (const pool of closed) this.#open.logs.set(pool.pool, new PoolLog(pool, []));
    // The hold was lost while they were opened: somebody else may have opened them since.
    if (!this.#store.held) this.probe();
    return pools.map(openedPool);
  }

  /** Of a pool that is open here. */
  pool(name: string): PoolJournal {
    const journal = this.#open?.journals.get(name);
    if (journal === undefined || journal.isClosed) throw new Error(`pool '${name}' is not open`);
    return journal;
  }

  /** Makes a pool with the next commit: a new one, or one that was closed, whose log goes on. */
  make(request: PoolRequest, at: number): { journal: PoolJournal; opened: OpenedPool } {
    const open = this.#open;
    if (open === null) throw new Error('the pools are not open');
    const log = open.logs.get(request.pool) ?? PoolLog.ofNew(request.pool);
    const made = log.make(request, at);
    open.commits.add(made);
    const { pool, options } = request;
    return {
      journal: this.#add(open, log),
      opened: { pool, seq: log.seq, options, tokens: freeTokens(made.tokens).map(stateOf) },
    };
  }

  /** The pool has been closed: of it is kept only where its log ends. */
  drop(name: string): void {
    this.#open?.journals.delete(name);
  }

  /** What became of a lease of any pool that has ended. null: the logs know no such lease, or it is still live. */
  lease(leaseId: string): Promise<PastLease | null> {
    return this.#asking.read((store) => store.lease(null, leaseId));
  }

  /** What a check reads of a pool, open here or not. */
  audited(pool: string): AuditedLog {
    return {
      standing: () => this.#asking.read((store) => store.standing(pool), standingTimeoutMs),
      portion: (...asked) => this.#asking.read((store) => store.portion(pool, ...asked)),
    };
  }

  /** Finds out whether commits still go through. */
  probe(): void {
    this.#open?.commits.probe();
  }

  /**
   * How many facts are not durable, once none is left to commit, or `timeoutMs` later. A lease that ran out does not
   * count: whoever opens the pool next finds it so again.
   */
  async drained(timeoutMs: number): Promise<number> {
    const commits = this.#open?.commits;
    if (commits === undefined) return 0;
    await this.#asking.inTime(timeoutMs, commits.drained()).catch(() => {});
    return commits.uncommitted.filter(({ type }) => type !== 'expired').length;
  }

  /** Drops what is not committed, and commits nothing more. */
  abandon(): void {
    this.#open?.commits.close(new Unconfirmed('the journal was abandoned'));
  }

  /** Closes the database; what is not committed by then is dropped, unacknowledged. */
  async close(): Promise<void> {
    this.#open?.commits.close(new Error('the journal is closed'));
    await this.#store.close();
  }

  #add(open: Open, log: PoolLog): PoolJournal {
    const journal = new PoolJournal(log, open.commits, this.#store.alone, this.#asking.read);
    open.logs.set(log.pool, log);
    open.journals.set(log.pool, journal);
    return journal;
  }

  async #openedAtLast(request: OpenRequest): Promise<Opening> {
    for (let attempt = 1; ; attempt++) {
      try {
        const declared = request.declared.reduce((sum, { tokens }) => sum + tokens.length, 0);
        const tokens = declared + (await this.#asking.read((store) => store.tokenCount()));
        const limitMs = this.#times.commitTimeoutMs + tokens * openMsPerToken;
        return await this.step(tokens, () => this.#asking.inTime(limitMs, this.#store.openPools(request)));
      } catch (error) {
        if (error instanceof Unfit) throw error;
        // A process that knows nothing of openings has just appended: read again what there is, and try again.
        if (failureOf(error) === 'conflict' && attempt < openAttempts) continue;
        await this.#store.reset();
        throw this.#asking.failed('open the pools', error);
      }
    }
  }
}
