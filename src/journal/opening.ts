/** Opening the pools: the facts that fence out whoever served them before, and the tokens as they stand. */
import type { Json, TokenState } from '../lease/lease.ts';
import { optionDefaults, type PoolOptions } from '../lease/pool-options.ts';
import { chainStart } from './chain.ts';
import { PoolLog, type Written } from './pool-log.ts';
import {
  Damaged,
  type Entries,
  type KnownPool,
  type MadeToken,
  type Opening,
  type OpenRequest,
  OtherMembership,
  type PoolOpening,
  type PoolRequest,
} from './store.ts';
import { readOptions } from './stored-options.ts';
import { digestOfTokens, isOfTokens, isOlder as isOlderDigest, type PlacedToken } from './tokens-digest.ts';

/** What there is of a pool before it is opened. */
export interface StoredPool {
  pool: string;
  /** null before it was first opened, and where that was before there was anything known beside the log. */
  known: {
    openedSeq: number;
    options: Json;
    closed: boolean;
    tokensDigest: string;
    lastOrdinal: number;
  } | null;
  /** The newest fact. */
  last: { seq: number; at: number; digest: string } | null;
  /** The free ones first, then those with a lease, each in the order in which they were last freed or used. */
  tokens: (TokenState & MadeToken)[];
}

export interface Opened {
  entries: Entries;
  opening: Omit<Opening, 'number'>;
  /** Pools that are older than options: their logs tell of them from here on. */
  adopted: StoredPool[];
}

/**
 * What an opening appends to the logs, and what it leaves: `opened` to each pool that is there, and to those that are
 * made. Throws `Unfit` as `Store` says. `database` is the time by the database's clock.
 */
export function openingOf(stored: readonly StoredPool[], request: OpenRequest, database: number): Opened {
  const ends = stored.flatMap(({ last }) => last ?? []);
  const last = ends.length === 0 ? null : ends.reduce((latest, { at }) => Math.max(latest, at), -Infinity);
  const at = request.at({ database, last });
  const declared = new Map(request.declared.map((each) => [each.pool, each]));
  const written: Written[] = [];
  const opened: Opened = { entries: noEntries, opening: { pools: [], closed: [], damaged: [] }, adopted: [] };
  const add = (log: PoolLog, tokens: StoredPool['tokens']) => {
    const { options, ...state } = log.state;
    if (options === null) opened.opening.closed.push({ ...state, options });
    else opened.opening.pools.push({ ...state, options, tokens });
  };
  for (const pool of stored) {
    const asked = declared.get(pool.pool);
    declared.delete(pool.pool);
    const log = logUnlessDamaged(pool, request, opened.opening.damaged);
    if (log === null) continue;
    checkMembership(pool, asked);
    if (isOlder(pool)) {
      opened.adopted.push(pool);
      written.push(log.open(at), log.change(optionsFor(pool, asked), at));
      add(log, pool.tokens);
    } else if (!log.isClosed) {
      written.push(log.open(at));
      add(log, pool.tokens);
    } else if (asked === undefined) add(log, []);
    else add(log, made(log, asked, at, written));
  }
  for (const asked of declared.values()) {
    const log = PoolLog.ofNew(asked.pool);
    add(log, made(log, asked, at, written));
  }
  opened.opening.pools.sort((a, b) => (a.pool < b.pool ? -1 : 1));
  opened.entries = {
    facts: written.flatMap(({ facts }) => facts),
    outcomes: [],
    // Of each only the last: one row a pool.
    pools: [...new Map(written.flatMap(({ pools }) => pools).map((state) => [state.pool, state])).values()],
    tokens: written.flatMap(({ tokens }) => tokens),
    gone: [],
  };
  return opened;
}

/** What is known of it tells of no options: it is older than them. */
const isOlder = ({ known }: KnownPool): boolean =>
  known === null || (known.options === null && !known.closed);

/** Throws `OtherMembership` where it is declared as what it cannot become. */
export function checkMembership(pool: KnownPool, asked: PoolRequest | undefined): void {
  const options = readOptions(pool.known?.options ?? null);
  const membership = isOlder(pool) ? 'fixed' : options?.membership;
  if (asked === undefined || membership === undefined || membership === asked.options.membership) return;
  if (options?.declaration !== asked.options.declaration || options === null)
    throw new OtherMembership(pool.pool, membership);
}

/** Others are served without one that is damaged, unless it is the default pool. */
function logUnlessDamaged(
  pool: StoredPool,
  { declared }: OpenRequest,
  damaged: Opening['damaged'],
): PoolLog | null {
  try {
    return logOf(pool);
  } catch (error) {
    if (!(error instanceof Damaged) || pool.pool === declared[0]?.pool) throw error;
    damaged.push({ pool: pool.pool, why: error.message });
    return null;
  }
}

const noEntries: Entries = { facts: [], outcomes: [], pools: [], tokens: [], gone: [] };

function made(log: PoolLog, request: PoolRequest, at: number, written: Written[]): StoredPool['tokens'] {
  const making = log.make(request, at);
  written.push(making);
  return freeTokens(making.tokens);
}

/** Tokens that no fact has been of. */
export const freeTokens = (tokens: readonly MadeToken[]): (TokenState & MadeToken)[] =>
  tokens.map(({ tokenId, name, labels, ordinal, madeSeq }) => ({
    tokenId,
    name,
    labels,
    ordinal,
    madeSeq,
    lease: null,
    restsUntil: null,
    keptUntil: null,
    withdrawn: null,
    seq: 0,
  }));

/** A pool as it is when it is opened. */
export interface OpenedPool {
  pool: string;
  /** Of its newest fact. */
  seq: number;
  options: PoolOptions;
  /** The free ones first, then those with a lease, each in the order in which they were last freed or used. */
  tokens: TokenState[];
}

export const openedPool = ({ pool, seq, options, tokens }: PoolOpening): OpenedPool => ({
  pool,
  seq,
  options,
  tokens: tokens.map(stateOf),
});

export const stateOf = ({ ordinal: _, madeSeq: __, ...state }: TokenState & MadeToken): TokenState => state;

export const placed = ({ tokenId, name, labels, ordinal, madeSeq }: MadeToken): MadeToken => ({
  tokenId,
  name,
  labels,
  ordinal,
  madeSeq,
});

/** Where its log goes on. Of one that is closed nothing is left that could be wrong but the log, which is not read. */
function logOf(stored: StoredPool): PoolLog {
  const { pool, known, last, tokens } = stored;
  const inOrder = tokens.toSorted((a, b) => a.ordinal - b.ordinal);
  const options = known && readOptions(known.options);
  if (!known?.closed) checkWhole(stored, inOrder, options);
  else if (tokens.length > 0) throw new Damaged(pool, 'it is deleted, and has tokens');
  const lastSeq = Math.max(last?.seq ?? 0, known?.openedSeq ?? 0);
  return new PoolLog(
    {
      pool,
      seq: lastSeq,
      digest: last?.digest ?? chainStart,
      openedSeq: known?.openedSeq ?? 0,
      options: known?.closed ? null : options,
      tokensDigest: digestOfTokens(inOrder),
      lastOrdinal: Math.max(known?.lastOrdinal ?? 0, inOrder.at(-1)?.ordinal ?? 0),
    },
    inOrder.map(placed),
  );
}

/** Its tokens must be those that it is known to have, no fact newer than the newest, and nothing else be lost. */
function checkWhole(
  { pool, known, last, tokens }: StoredPool,
  inOrder: readonly PlacedToken[],
  options: PoolOptions | null,
): void {
  const lastSeq = last?.seq ?? 0;
  const knownSeq = tokens.reduce((newest, { seq }) => Math.max(newest, seq), known?.openedSeq ?? 0);
  // Numbers that have been used would be used again: fences would not rise.
  if (knownSeq > lastSeq)
    throw new Damaged(pool, `it ends at fact ${lastSeq}, but the tables know of fact ${knownSeq}`);
  // Whatever has digests has been known since.
  if (known === null && last?.digest !== '') throw new Damaged(pool, 'the table pools does not know it');
  if (known === null) return;
  if (!isOfTokens(known.tokensDigest, inOrder))
    throw new Damaged(pool, 'its tokens are not those that it was left with');
  if (options === null && (known.options !== null || !isOlderDigest(known.tokensDigest)))
    throw new Damaged(pool, 'its options are not such as were ever written');
}

/** A pool that was made before there were options has had those of its tokens, whatever is declared. */
function optionsFor({ tokens }: StoredPool, asked: PoolRequest | undefined): PoolOptions {
  const declared = asked?.options ?? { ...optionDefaults, ttlMs: ttlMsThen, ttlMsMax: ttlMsMaxThen };
  return {
    ...declared,
    membership: 'fixed',
    size: tokens.length,
    tokens: null,
    idleTtlMs: null,
    declaration: null,
  };
}

/** What they were by default. */
const ttlMsThen = 120_000;
const ttlMsMaxThen = 30 * 24 * 60 * 60 * 1000;
