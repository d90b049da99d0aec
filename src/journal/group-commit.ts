/**
 * Group commit: facts that arrive while a commit is under way go into the next one, as one statement. A commit
 * that fails is tried again until it is known to be in the log, or somebody else's; nothing is written twice.
 */

import { Batch } from './batch.ts';
import { type Failure, failureOf } from './database.ts';
import { inTime, type Timers } from './in-time.ts';
import type { Written } from './pool-log.ts';
import type { Entries, KeyedOutcome, PoolOutcome, SealedFact } from './store.ts';

/** The facts were not confirmed in time: they may yet be recorded. */
export class Unconfirmed extends Error {}
/** Another process writes these logs now: the facts are not recorded, and never will be. */
export class Fenced extends Error {}

export interface CommitTarget {
  append(entries: Entries): Promise<void>;
  /** Whether these are in the log. */
  isWritten(entries: Entries): Promise<boolean>;
  reset(): Promise<void>;
}

export interface CommitListener {
  /** A commit failed, and is tried again from now on. */
  lost(error: unknown): void;
  /** It went through. */
  back(): void;
  /** Another process writes these logs now: nothing more is committed. */
  fenced(): void;
  /** The database refuses what no retry can mend: a bug. Nothing more is committed. */
  broken(error: unknown): void;
  /** `facts` are durable, `commitMs` after they were sent. */
  committed(facts: readonly SealedFact[], commitMs: number): void;
}

export interface CommitTimes {
  /** A commit without an answer for so long counts as lost, a large one after more, and a read as failed. */
  commitTimeoutMs: number;
  /** How long callers wait for a lost commit before they are told that its outcome is unknown. */
  patienceMs: number;
  retryMs: number;
  retryMsMax: number;
  /** Elapsed time, for measuring only. */
  now(): number;
  timers: Timers;
}

/** What a commit may take longer for each row, many times over, beyond those that any commit may have. */
const msPerRow = 1;
const rowsOfAny = 1000;

const settled = Promise.resolve();
const nextTurn = () => new Promise<void>((resolve) => setImmediate(resolve));

export class GroupCommit {
  readonly #target: CommitTarget;
  readonly #listener: CommitListener;
  readonly #times: CommitTimes;
  #pending: Batch | null = null;
  #underWay: Batch | null = null;
  #running: Promise<void> | null = null;
  #closed: Error | null = null;

  constructor(target: CommitTarget, listener: CommitListener, times: CommitTimes) {
    this.#target = target;
    this.#listener = listener;
    this.#times = times;
  }

  append(fact: SealedFact): void {
    this.#waiting().facts.push(fact);
  }

  /** The same, of facts that bring more along. */
  add(written: Written): void {
    this.#waiting().add(written);
  }

  /** Goes with the facts that were appended in the same breath. */
  keep(outcome: PoolOutcome): void {
    this.#waiting().outcomes.push(outcome);
  }

  /** What is not durable yet of the request with this key. */
  keeping(pool: string, key: string): KeyedOutcome | undefined {
    const isAsked = (each: PoolOutcome) => each.key === key && each.pool === pool;
    return this.#underWay?.outcomes.find(isAsked) ?? this.#pending?.outcomes.find(isAsked);
  }

  /** Resolves once every fact appended so far is durable; rejects with `Unconfirmed` or `Fenced`. */
  committed(): Promise<void> {
    if (this.#closed) return Promise.reject(this.#closed);
    return (this.#pending ?? this.#underWay)?.done ?? settled;
  }

  /** The same, by a commit that begins after this call: until then nobody else had opened the pools. */
  confirmed(): Promise<void> {
    if (this.#closed) return Promise.reject(this.#closed);
    return this.#waiting().done;
  }

  /** Finds out, by a commit of nothing, whether commits still go through. */
  probe(): void {
    this.#waiting();
  }

  /** The facts that are not durable yet. */
  get uncommitted(): readonly SealedFact[] {
    return [...(this.#underWay?.facts ?? []), ...(this.#pending?.facts ?? [])];
  }

  /** Resolves when no fact is left to commit, or none can be. */
  async drained(): Promise<void> {
    if (this.uncommitted.length > 0) await this.#running;
  }

  /** Takes nothing more, and tells all who wait. */
  close(error: Error): void {
    this.#closed ??= error;
    this.#pending?.reject(error);
    this.#underWay?.reject(error);
    this.#pending = null;
  }

  #waiting(): Batch {
    // What comes too late goes nowhere, and is not kept.
    if (this.#closed) return new Batch();
    this.#pending ??= new Batch();
    if (!this.#running) this.#running = this.#run();
    return this.#pending;
  }

  async #run(): Promise<void> {
    while (this.#pending && !this.#closed) {
      // Lets the sockets bring what has arrived meanwhile: it shares this commit.
      await nextTurn();
      const batch = this.#pending;
      this.#pending = null;
      if (batch === null) break;
      this.#underWay = batch;
      await this.#commit(batch);
      this.#underWay = null;
    }
    this.#running = null;
  }

  async #commit(batch: Batch): Promise<void> {
    const done = await this.#commitAtLast(batch);
    if (done === null) return;
    this.#listener.committed(batch.facts, done.ms);
    if (done.retried) this.#listener.back();
    batch.resolve();
  }

  /** How long the commit took that went through; null if none ever will. */
  async #commitAtLast(entries: Entries): Promise<{ ms: number; retried: boolean } | null> {
    const { timers, commitTimeoutMs, patienceMs } = this.#times;
    let patience: unknown;
    // Again and again: those who come later have patience too, and no more of it.
    const bePatient = (): void => {
      patience = timers.setTimeout(() => {
        this.#giveUpWaiting();
        bePatient();
      }, patienceMs);
    };
    try {
      for (let retryMs = 0; !this.#closed; retryMs = this.#nextRetryMs(retryMs)) {
        try {
          if (retryMs > 0) {
            await this.#pause(retryMs);
            // Closed meanwhile: connecting anew would leave a connection behind that nobody closes.
            if (this.#closed) break;
            await this.#target.reset();
          }
          const sentAt = this.#times.now();
          const rows = entries.facts.length + entries.tokens.length + entries.gone.length;
          const limitMs = commitTimeoutMs + Math.max(0, rows - rowsOfAny) * msPerRow;
          await inTime(timers, limitMs, retryMs > 0 ? this.#appendAgain(entries) : this.#appendOnce(entries));
          return { ms: this.#times.now() - sentAt, retried: retryMs > 0 };
        } catch (error) {
          const failure: Failure = error instanceof Fenced ? 'conflict' : failureOf(error);
          if (failure !== 'lost') this.#end(failure, error);
          else if (retryMs === 0) {
            this.#listener.lost(error);
            bePatient();
          }
        }
      }
      return null;
    } finally {
      timers.clearTimeout(patience);
    }
  }

  #nextRetryMs(retryMs: number): number {
    return retryMs === 0 ? this.#times.retryMs : Math.min(retryMs * 2, this.#times.retryMsMax);
  }

  #pause(ms: number): Promise<void> {
    return new Promise((resolve) => this.#times.timers.setTimeout(resolve, ms));
  }

  /** What takes longer than anybody waits for it would else be sent again for ever. */
  async #appendAgain(entries: Entries): Promise<void> {
    if (!(await this.#target.isWritten(entries))) await this.#appendOnce(entries);
  }

  async #appendOnce(entries: Entries): Promise<void> {
    try {
      await this.#target.append(entries);
    } catch (error) {
      if (failureOf(error) !== 'conflict') throw error;
      // Our own commit, whose answer was lost, or that of whoever opened the pools after us.
      if (!(await this.#target.isWritten(entries))) throw new Fenced('another process has opened the pools');
    }
  }

  #end(failure: 'conflict' | 'bug', error: unknown): void {
    const reason =
      failure === 'conflict' ? new Fenced('another process has opened the pools') : new Unconfirmed();
    this.close(reason);
    if (failure === 'conflict') this.#listener.fenced();
    else this.#listener.broken(error);
  }

  #giveUpWaiting(): void {
    const unknown = new Unconfirmed('the log did not confirm in time');
    this.#underWay?.reject(unknown);
    this.#pending?.reject(unknown);
  }
}
