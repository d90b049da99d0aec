/** A log that exists in the test alone: every write waits until the test says how it went; so does every timer. */
import { afterEach, beforeEach, expect, vi } from 'vitest';
import { type CommitTarget, GroupCommit } from '../../src/journal/group-commit.ts';
import type { Entries, SealedFact } from '../../src/journal/store.ts';
import { listening, type Told } from './journal.ts';
import { realTimers } from './world.ts';

export const times = {
  commitTimeoutMs: 1000,
  patienceMs: 5000,
  retryMs: 100,
  retryMsMax: 400,
  now: () => 0,
  timers: realTimers,
};

export const fact = (seq: number) => ({ seq }) as SealedFact;
export const connectionClosed = () => Object.assign(new Error('closed'), { code: 'CONNECTION_CLOSED' });
export const sqlError = (code: string) =>
  new Error('Failed query', { cause: Object.assign(new Error(), { code }) });

/** Long enough for whatever waits for no timer. */
export async function turns(): Promise<void> {
  for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve));
}

export async function pass(ms: number): Promise<void> {
  await vi.advanceTimersByTimeAsync(ms);
  await turns();
}

/** What has become of a promise by now: 'waiting', 'durable', or the class of what it was rejected with. */
export function follow(promise: Promise<void>): { fate: unknown } {
  const followed: { fate: unknown } = { fate: 'waiting' };
  promise.then(
    () => {
      followed.fate = 'durable';
    },
    (error: Error) => {
      followed.fate = error.constructor;
    },
  );
  return followed;
}

export class ScriptedLog implements CommitTarget {
  readonly writes: { seqs: number[]; resolve: () => void; reject: (error: Error) => void }[] = [];
  resets = 0;
  /** What a look into the log will find. */
  found = false;

  append({ facts }: Entries): Promise<void> {
    return new Promise((resolve, reject) => {
      this.writes.push({ seqs: facts.map(({ seq }) => seq), resolve, reject });
    });
  }

  async isWritten(): Promise<boolean> {
    return this.found;
  }

  async reset(): Promise<void> {
    this.resets++;
  }

  get seqs(): number[][] {
    return this.writes.map(({ seqs }) => seqs);
  }

  /** The write under way ends, well or with the error. */
  async answer(error?: Error): Promise<void> {
    await turns();
    const write = this.writes.at(-1)!;
    if (error) write.reject(error);
    else write.resolve();
    await turns();
  }
}

export interface Scripted {
  log: ScriptedLog;
  commits: GroupCommit;
  told: Told;
  append(...seqs: number[]): void;
}

/** A new group commit for each test of the suite, which must leave no timer behind. */
export function scripted(): Scripted {
  const script = {
    append: (...seqs) => {
      for (const seq of seqs) script.commits.append(fact(seq));
    },
  } as Scripted;
  beforeEach(() => {
    // Not setImmediate: yielding to the event loop is what is tested.
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    script.log = new ScriptedLog();
    const { listener, told } = listening();
    script.told = told;
    script.commits = new GroupCommit(script.log, listener, times);
  });
  afterEach(() => {
    expect(vi.getTimerCount(), 'timers left behind').toBe(0);
    vi.useRealTimers();
  });
  return script;
}
