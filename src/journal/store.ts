/**
 * What a journal stands on: one pool's log, its tokens and its keyed outcomes, wherever they are kept. Promises
 * what a database does (a call is done whole or not at all), and knows neither retries nor group commit.
 */
import type { Proof } from '../lease/command.ts';
import type { Fact } from '../lease/fact.ts';
import type { TokenState } from '../lease/lease.ts';
import type { Ending, FactFilter, FactView, LeaseView, OrderedPage, Page, TokenView } from '../lease/view.ts';
import type { AuditedLog } from './audited.ts';

/** A fact with its place in the chain of digests. */
export type SealedFact = Fact & { digest: string };

/** What was answered to a request with a key, so that it is answered the same when it comes again. */
export interface KeyedOutcome {
  key: string;
  /** Of the request: another one with the same key is another one. */
  fingerprint: string;
  /** Plain JSON. */
  outcome: unknown;
  at: number;
}

/** What becomes durable together. */
export interface Entries {
  facts: readonly SealedFact[];
  outcomes: readonly KeyedOutcome[];
}

export interface OpenRequest {
  /** How many tokens the pool has; they are made when it is opened for the first time. */
  size: number;
  newTokenId: () => string;
  /** Gives the time of the `opened` fact. */
  at(seen: Instants): number;
}

export interface Instants {
  /** What the database's own clock says. */
  database: number;
  /** When the newest fact of the log happened; null before the first. */
  last: number | null;
}

export interface Opening {
  /** The seq of the `opened` fact, and its digest. */
  seq: number;
  digest: string;
  /** The free ones first, then those with a lease, each in the order in which they were last freed or used. */
  tokens: TokenState[];
}

export interface Store extends AuditedLog {
  /** Where it is, to be shown to people: never with a password. */
  readonly name: string;
  /** Whether no other process can write it at all. */
  readonly alone: boolean;
  /**
   * Asks to be the only process that serves the pool. A courtesy between processes that spares them work:
   * safety rests on the log's numbers alone.
   */
  hold(): Promise<boolean>;
  /** Whether this process was the only one when last heard of. */
  readonly held: boolean;
  /** Throws `Unfit` if the pool has been opened before, with another size. */
  checkSize(size: number): Promise<void>;
  /**
   * Appends `opened`, with which the process that held the pool loses it. Fails with a conflict if another one appends;
   * throws `Unfit`, and leaves all as it was, if the pool cannot be served.
   */
  openPool(request: OpenRequest): Promise<Opening>;
  /** Fails with a conflict where a seq is taken. Without facts, writes nothing if there are any after `lastSeq`. */
  append(entries: Entries, lastSeq: number): Promise<void>;
  /** The digest of the fact `seq`, if there is one. */
  digestAt(seq: number): Promise<string | null>;
  /** Whether there is a fact after `seq`. */
  hasFactsAfter(seq: number): Promise<boolean>;

  facts(filter: FactFilter, page: OrderedPage): Promise<FactView[]>;
  history(tokenId: string, page: Page): Promise<LeaseView[]>;
  /** A token of the pool with its newest leases, both of one moment. */
  token(tokenId: string, limit: number): Promise<{ token: TokenView; history: LeaseView[] }>;
  ending(tokenId: string, proof: Proof): Promise<Ending | null>;
  /** What was answered with this key since `since`. */
  keyed(key: string, since: number): Promise<KeyedOutcome | null>;

  /** Deletes at most `most` of the facts before `before`, oldest first, never the newest. Says how many. */
  prune(before: number, most: number): Promise<number>;
  /** Deletes at most `most` of the outcomes up to `since` or beyond the newest `keysMax`. Says how many. */
  pruneKeyed(since: number, keysMax: number, most: number): Promise<number>;

  /** Breaks what is under way and connects anew. */
  reset(): Promise<void>;
  /** The same, for what reads only: what holds the pool goes on. */
  resetReaders(): Promise<void>;
  close(): Promise<void>;
}

/** A pool that this process cannot serve, however often it tries. */
export abstract class Unfit extends Error {}

/** The tables do not go together: facts or tokens are missing that are known to have been there. */
export class Damaged extends Unfit {
  constructor(pool: string, what: string) {
    super(
      `pool '${pool}' is not served, for its log is damaged: ${what}. 'leasehold verify' says what else is wrong`,
    );
  }
}

/** A pool's size is part of the pool, not of the process that opens it. */
export class SizeMismatch extends Unfit {
  constructor(pool: string, stored: number, asked: number) {
    super(
      `pool '${pool}' has ${stored} tokens, but POOL_SIZE is ${asked}: a fixed pool keeps its tokens. ` +
        `Set POOL_SIZE=${stored}, or use another database or DATA_DIR`,
    );
  }
}
