/** A pool in memory, on a stepped clock: its facts are kept, and no journal is near. */

import type { Allocate, Change, Command } from '../../src/lease/command.ts';
import { type Fact, isOfLease } from '../../src/lease/fact.ts';
import type { Labels, Lease, TokenState, TokenTraits } from '../../src/lease/lease.ts';
import { optionDefaults, type PoolOptions } from '../../src/lease/pool-options.ts';
import { type Answer, Pool } from '../../src/pool/pool.ts';
import type { PoolHost } from '../../src/pool/pool-host.ts';
import { waiterViews } from '../../src/pool/pool-view.ts';
import { SteppedClock, twoMinutes } from './world.ts';

export interface PoolWorld {
  clock: SteppedClock;
  pool: Pool;
  facts: Fact[];
  /** Changes of the options, and after which fact. */
  changes: { seq: number; change: Change }[];
  /** Who has been told that their turn has come, and how it went: the last fact of it, and all of it. */
  served: ({ leaseId: string; fact: Fact | null } & Answer)[];
  /** When it was closed, and after which fact. */
  closed: { seq: number; at: number } | null;
  crashes: unknown[];
  allocate(userId?: string, ttlMs?: number, more?: Partial<Allocate>): Answer;
  renew(tokenId: string, proof?: { leaseId?: string; userId?: string; ttlMs?: number }): Answer;
  release(tokenId: string, proof?: { leaseId?: string; userId?: string }): Answer;
  releaseAll(): Answer;
  close(): Answer;
  leave(leaseId: string): Answer;
  create(token?: Partial<TokenTraits>): Answer;
  delete(tokenId: string): Answer;
  withdraw(tokenId: string, endLease?: boolean, note?: string | null): Answer;
  restore(tokenId: string): Answer;
  change(options: Partial<PoolOptions>, newTokens?: TokenTraits[]): Answer;
  /** Where a token's lease went, or null. */
  holder(tokenId: string): string | null;
  /** Who waits, in order. */
  line(): string[];
  /** The tokens as the log would have them, for another pool to begin with. */
  rows(): TokenState[];
}

export const idOf = (index: number): string => `00000000-0000-4000-8000-${String(index).padStart(12, '0')}`;
export const indexOf = (tokenId: string): number => Number(tokenId.slice(-12));

export const traitsOf = (index: number, labels: Labels = {}, name: string | null = null): TokenTraits => ({
  tokenId: idOf(index),
  name,
  labels,
});

export const rowOf = (traits: TokenTraits, changes: Partial<TokenState> = {}): TokenState => ({
  ...traits,
  lease: null,
  restsUntil: null,
  keptUntil: null,
  withdrawn: null,
  seq: 0,
  ...changes,
});

export const freeTokens = (size: number): TokenState[] =>
  Array.from({ length: size }, (_, index) => rowOf(traitsOf(index)));

export const optionsOf = (changes: Partial<PoolOptions> = {}): PoolOptions => ({
  ...optionDefaults,
  size: 3,
  ttlMs: twoMinutes,
  ttlMsMax: 30 * 24 * 3_600_000,
  ...changes,
});

/** A host that listens to nothing. */
export const deafHost = (host: Partial<PoolHost> = {}): PoolHost => ({
  record() {},
  recordChange: () => 0,
  recordClosing() {},
  served() {},
  crashed() {},
  ...host,
});

export interface StartOptions extends Partial<PoolOptions> {
  proofRequired?: boolean;
  /** The tokens as the log has them; without, `size` free ones, or in an elastic pool none. */
  rows?: TokenState[];
  seq?: number;
  clock?: SteppedClock;
  /** Whether it is opened at once, as it is by default. */
  opened?: boolean;
}

export function startPool(start: StartOptions = {}): PoolWorld {
  const { proofRequired = false, rows, seq = 1, clock = new SteppedClock(), opened = true, ...rest } = start;
  const options = optionsOf(rest);
  const world = {
    clock,
    facts: [],
    changes: [],
    served: [],
    closed: null,
    crashes: [],
  } as unknown as PoolWorld;
  let last = seq;
  let leases = 0;
  let created = 1000;
  const pool = new Pool(
    clock,
    { proofRequired, options },
    {
      record: (fact) => {
        last = fact.seq;
        world.facts.push(fact);
      },
      recordChange: (change) => {
        world.changes.push({ seq: ++last, change });
        return last;
      },
      recordClosing: (at) => {
        world.closed = { seq: ++last, at };
      },
      served: (leaseId, answer) =>
        world.served.push({ leaseId, fact: answer.facts.at(-1) ?? null, ...answer }),
      crashed: (error) => world.crashes.push(error),
    },
  );
  const own = rows ?? (options.membership === 'elastic' ? [] : freeTokens(options.size));
  if (opened) pool.open({ seq, options, tokens: own });
  const ask = <T extends Command['type']>(
    type: T,
    rest: Omit<Extract<Command, { type: T }>, 'type' | 'at'>,
  ) => pool.command({ type, at: clock.now(), ...rest } as unknown as Command);
  return Object.assign(world, {
    pool,
    allocate: (userId = 'ada', ttlMs = twoMinutes, more: Partial<Allocate> = {}) =>
      ask('ALLOCATE', { userId, leaseIds: [`lease ${++leases}`], ttlMs, metadata: null, ...more }),
    renew: (tokenId: string, proof = {}) => ask('RENEW', { tokenId, ...proof }),
    release: (tokenId: string, proof = {}) =>
      ask('RELEASE', { tokenId, reason: 'released_by_client', ...proof }),
    releaseAll: () => ask('RELEASE_ALL', { reason: 'cleanup' }),
    close: () => ask('CLOSE', {}),
    leave: (leaseId: string) => ask('LEAVE', { leaseId }),
    create: (token: Partial<TokenTraits> = {}) =>
      ask('CREATE', { token: { ...traitsOf(++created), ...token } }),
    delete: (tokenId: string) => ask('DELETE', { tokenId }),
    withdraw: (tokenId: string, endLease = false, note: string | null = null) =>
      ask('WITHDRAW', { tokenId, endLease, note }),
    restore: (tokenId: string) => ask('RESTORE', { tokenId }),
    change: (changes: Partial<PoolOptions>, newTokens: TokenTraits[] = []) =>
      ask('CHANGE', { options: { ...pool.options, ...changes }, newTokens }),
    holder: (tokenId: string) => pool.token(tokenId, clock.now())?.lease?.userId ?? null,
    line: () => Array.from(pool.see(waiterViews), ({ userId }) => userId),
    rows: () => rowsAfter(own, world.facts),
  });
}

/** What folding the facts makes of the tokens: free ones first, each kind in the order of their last facts. */
export function rowsAfter(own: readonly TokenState[], facts: readonly Fact[]): TokenState[] {
  const rows = new Map(own.map((row) => [row.tokenId, row]));
  for (const { tokenId, seq, after } of facts) {
    rows.delete(tokenId);
    if (after !== null) rows.set(tokenId, { ...after, seq });
  }
  const all = [...rows.values()].sort((a, b) => a.seq - b.seq);
  return [...all.filter(({ lease }) => lease === null), ...all.filter(({ lease }) => lease !== null)];
}

/** The facts of an answer, as `type reason token`, which is what most tests are about. */
export const told = ({ facts }: { facts: readonly Fact[] }): string[] =>
  facts.map(({ type, reason, tokenId }) => `${type} ${reason} ${indexOf(tokenId)}`);

/** The lease of a fact that has one. */
export function leaseOf(fact: Fact | undefined): Lease {
  if (fact === undefined || !isOfLease(fact)) throw new Error(`${fact?.type} is of no lease`);
  return fact.lease;
}
