/**
 * What a journal stands on: the logs of all pools, their tokens and their keyed outcomes, wherever they are kept.
 * Promises what a database does (a call is done whole or not at all), and knows neither retries nor group commit.
 */
import type { Proof } from '../lease/command.ts';
import type { Json, TokenState, TokenTraits } from '../lease/lease.ts';
import type { Moment, Snapshot, Span } from '../lease/picture.ts';
import type { PoolOptions } from '../lease/pool-options.ts';
import type { Statistics } from '../lease/statistics.ts';
import type {
  Ending,
  FactFilter,
  FactView,
  LeaseView,
  OrderedPage,
  Page,
  PastLease,
  TokenView,
} from '../lease/view.ts';
import type { AuditedFact, Standing } from './audited.ts';
import type { LoggedFact } from './chain.ts';
import type { PlacedToken } from './tokens-digest.ts';

/** A fact with its place in the chain of digests of its pool. */
export interface SealedFact extends LoggedFact {
  pool: string;
  digest: string;
  /** The token as it left it: null where it is no more, undefined where it is of no token. */
  after: Omit<TokenState, 'seq'> | null | undefined;
}

/** What was answered to a request with a key, so that it is answered the same when it comes again. */
export interface KeyedOutcome {
  key: string;
  /** Of the request: another one with the same key is another one. */
  fingerprint: string;
  /** Plain JSON. */
  outcome: unknown;
  at: number;
}

export type PoolOutcome = KeyedOutcome & { pool: string };

/** What is known of a pool beside its log, and changes with it. */
export interface PoolState {
  pool: string;
  /** Of its newest `opened` fact. */
  openedSeq: number;
  /** null where it is closed. */
  options: PoolOptions | null;
  tokensDigest: string;
  lastOrdinal: number;
}

/** A token, and the fact that it came by: its own, or that of the pool that was made with it. */
export type MadeToken = PlacedToken & { madeSeq: number };
export type NewToken = MadeToken & { pool: string };
/** One that is no more, and the fact that it went by. */
export type PastToken = NewToken & { goneSeq: number };

/** What becomes durable together. */
export interface Entries {
  /** Of any pools; those of one pool in their order. */
  facts: readonly SealedFact[];
  outcomes: readonly PoolOutcome[];
  /** The pools that these facts make or change, as they leave them. The tokens of those that they close go. */
  pools: readonly PoolState[];
  /** The tokens that these facts make. */
  tokens: readonly NewToken[];
  /** Those that they end. */
  gone: readonly PastToken[];
}

/** A pool, and the tokens that it is made with. */
export interface PoolRequest {
  pool: string;
  options: PoolOptions;
  /** As many as its size, or none where they come one by one. */
  tokens: readonly TokenTraits[];
}

export interface OpenRequest {
  /** Those that are not there are made. The first one is the default pool: without it, none is opened. */
  declared: readonly PoolRequest[];
  /** Gives the time of the facts of the opening. */
  at(seen: Instants): number;
}

export interface Instants {
  /** What the database's own clock says. */
  database: number;
  /** When the newest fact of all logs happened; null before the first. */
  last: number | null;
}

/** What is known of a pool beside its log, if anything is. */
export interface KnownPool {
  pool: string;
  known: { options: Json; closed: boolean } | null;
}

/** The end of a pool's log. */
export interface Head {
  seq: number;
  digest: string;
}

export type PoolOpening = PoolState &
  Head & {
    options: PoolOptions;
    /** The free ones first, then those with a lease, each in the order in which they were last freed or used. */
    tokens: (TokenState & MadeToken)[];
  };

export interface Opening {
  /** Of this opening among all: whoever writes by it can write until the next. */
  number: number;
  /** In the order of their names. */
  pools: PoolOpening[];
  /** Those that have been deleted, whose logs would go on. */
  closed: (PoolState & Head)[];
  /** Those that cannot be served, and why: nothing is written to them. */
  damaged: { pool: string; why: string }[];
}

/** Looking back. Where the moment is ahead of the log or no longer kept, only what there is; null where there is no log. */
export interface Past {
  snapshot(pool: string, moment: Moment): Promise<Snapshot | Span | null>;
  /** Of the hour before the fact; before the newest one with null. */
  statistics(pool: string, seq: number | null): Promise<Statistics | Span | null>;
}

export interface Store {
  /** Where it is, to be shown to people: never with a password. */
  readonly name: string;
  /** Whether no other process can write it at all. */
  readonly alone: boolean;
  /**
   * Asks to be the only process that serves the pools. A courtesy between processes that spares them work: safety
   * rests on the numbers of openings and of facts alone.
   */
  hold(): Promise<boolean>;
  /** Whether this process was the only one when last heard of. */
  readonly held: boolean;
  /** Says to the others at once how long this process may be silent, where it holds the pools. */
  renew(): Promise<void>;
  /** How many tokens there are in all: what opening them takes depends on it. */
  tokenCount(): Promise<number>;
  /** The pools that something is known of beside their logs, deleted ones included. */
  known(): Promise<KnownPool[]>;
  /**
   * Counts one opening more, from which on nobody can write by an earlier one. Appends `opened` to the log of each pool
   * that is not closed, and makes those declared that are not there. Throws `Unfit`, and leaves all as it was, if the
   * default pool cannot be served, or one is declared as what it cannot become.
   */
  openPools(request: OpenRequest): Promise<Opening>;
  /**
   * Fails with a conflict, and writes nothing, where a seq is taken, and where the pools have been opened since
   * `opening`: nothing at all can be appended too, to see whether they have. An outcome without facts leaves one
   * alone that is younger than a day.
   */
  append(entries: Entries, opening: number): Promise<void>;
  /** The digest of the fact `seq`, if there is one. */
  digestAt(pool: string, seq: number): Promise<string | null>;

  facts(pool: string, filter: FactFilter, page: OrderedPage): Promise<FactView[]>;
  history(pool: string, tokenId: string, page: Page): Promise<LeaseView[]>;
  /** A token that is there with its newest leases, both of one moment. */
  token(
    pool: string,
    tokenId: string,
    limit: number,
  ): Promise<{ token: TokenView; history: LeaseView[] } | null>;
  ending(pool: string, tokenId: string, proof: Proof): Promise<Ending | null>;
  /** What became of a lease that has ended, of the pool or, with null, of any. */
  lease(pool: string | null, leaseId: string): Promise<PastLease | null>;
  /** What was answered with this key since `since`. */
  keyed(pool: string, key: string, since: number): Promise<KeyedOutcome | null>;

  // What a check of a log reads, as `AuditedLog` has it.
  standing(pool: string): Promise<Standing>;
  portion(pool: string, afterSeq: number | null, headSeq: number, most: number): Promise<AuditedFact[]>;

  /** Absent where nobody looks back. */
  readonly past?: Past;

  /** The pools, deleted ones too, with facts before `before` that can be pruned, by their names. */
  due(before: number): Promise<string[]>;
  /** Deletes at most `most` of the facts before `before`, oldest first, never the newest. Says how many. */
  prune(pool: string, before: number, most: number): Promise<number>;
  /** Deletes at most `most` of the outcomes of all pools up to `since` or beyond the newest `keysMax`. Says how many. */
  pruneKeyed(since: number, keysMax: number, most: number): Promise<number>;

  /** Breaks what is under way and connects anew. */
  reset(): Promise<void>;
  /** The same, for what reads only: what holds the pools goes on. */
  resetReaders(): Promise<void>;
  close(): Promise<void>;
}

/** Somebody else has opened the pools since, or has written the same numbers. */
export class Conflict extends Error {}

/** A pool that this process cannot serve, however often it tries. */
export abstract class Unfit extends Error {}

/** What a pool is made as cannot be declared otherwise later on. */
export class OtherMembership extends Unfit {
  constructor(pool: string, membership: PoolOptions['membership']) {
    super(`pool '${pool}' is ${membership} and stays so: declare it as that, or another one by another name`);
  }
}

/** The tables do not go together: facts or tokens are missing that are known to have been there. */
export class Damaged extends Unfit {
  readonly pool: string;

  constructor(pool: string, what: string) {
    super(
      `pool '${pool}' is not served, for its log is damaged: ${what}. 'leasehold verify' says what else is wrong`,
    );
    this.pool = pool;
  }
}
