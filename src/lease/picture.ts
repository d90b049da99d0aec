/**
 * What a pool looks like at one moment of its log, and how each fact changes that. Plain data, times in epoch
 * milliseconds, no libraries: a page carries the picture that it was given on from fact to fact by itself.
 */
import { type Json, type Labels, type Status, statusOf } from './lease.ts';
import type { FactView } from './view.ts';

/** A token as anybody may see it: never with the id of its lease. */
export interface PicturedToken {
  tokenId: string;
  name: string | null;
  labels: Labels;
  lease: PicturedLease | null;
  /** Until when it rests after a lease; null where it does not. */
  restsUntil: number | null;
  /** When it is deleted unless somebody asks for it; null where it is kept. */
  keptUntil: number | null;
  /** Out of use: a lease that it has runs out. */
  withdrawn: { note: string | null } | null;
  /**
   * The fact that gave it its place: whoever has the least among the free ones is granted next, and among those held
   * evicted next under `lru` (under `oldest` by the fence). 0 where no fact has named it, in the order of their making.
   */
  usedSeq: number;
}

export interface PicturedLease {
  userId: string;
  /** Of the grant: the seq of its fact. */
  fence: number;
  activatedAt: number;
  expiresAt: number;
}

export interface Picture {
  /** The fact after which it looks so, and when that happened. */
  seq: number;
  at: number;
  /** As they are written on the wire; null where there is no pool, or its log does not say. */
  options: Json;
  /** By their ids, in the order of their making. */
  tokens: Map<string, PicturedToken>;
}

/** Which facts of a log can be looked back to: from the oldest that is kept to the newest. */
export interface Span {
  oldestSeq: number;
  headSeq: number;
}

/** After the newest fact, after this one, or after the newest at or before this instant. */
export type Moment = 'newest' | { seq: number } | { at: number };

/** A picture as it is read; the tokens in the order of their making. */
export type Snapshot = Span & Omit<Picture, 'tokens'> & { tokens: PicturedToken[] };

export type PictureCounts = Record<Status | 'total', number>;

/**
 * Changes the picture by the fact that follows it. false: the facts do not say all of what it looks like from here on, and
 * it has to be asked for again. That is so where the fact does not follow, where a pool is made with tokens, for its
 * facts do not name them, and where a token is named that is not there. What was known before is left as it was then.
 */
export function apply(picture: Picture, fact: FactView): boolean {
  if (fact.seq !== picture.seq + 1 || !changed(picture, fact)) return false;
  picture.seq = fact.seq;
  picture.at = fact.at;
  return true;
}

export function countsOf(tokens: Iterable<PicturedToken>): PictureCounts {
  const counts = { available: 0, active: 0, resting: 0, withdrawn: 0, total: 0 };
  for (const token of tokens) {
    counts[statusOf(token)]++;
    counts.total++;
  }
  return counts;
}

function changed(picture: Picture, fact: FactView): boolean {
  const { type, metadata } = fact;
  if (type === 'opened') return metadata === null || made(picture, metadata);
  if (type === 'changed') picture.options = shown(metadata);
  else if (type === 'closed') {
    picture.options = null;
    picture.tokens.clear();
  } else return turned(picture.tokens, fact);
  return true;
}

/** A pool that is made begins without tokens, or with some that no fact names. */
function made(picture: Picture, stored: Json): boolean {
  if ((stored as { membership?: Json }).membership !== 'elastic') return false;
  picture.options = shown(stored);
  picture.tokens.clear();
  return true;
}

/** The log has one member more than anybody chose. */
export function shown(stored: Json): Json {
  const { declaration: _, ...options } = stored as { [name: string]: Json };
  return options;
}

function turned(tokens: Picture['tokens'], fact: FactView): boolean {
  const tokenId = fact.tokenId!;
  if (fact.type === 'created') {
    tokens.set(tokenId, newToken(tokenId, fact));
    return true;
  }
  const token = tokens.get(tokenId);
  if (token === undefined) return false;
  if (fact.type === 'deleted') return tokens.delete(tokenId);
  Object.assign(token, stateAfter(token, fact));
  return true;
}

const newToken = (tokenId: string, { seq, metadata }: FactView): PicturedToken => {
  const { name = null, labels = {} } = (metadata ?? {}) as { name?: string; labels?: Labels };
  return { tokenId, name, labels, lease: null, ...waits(metadata), withdrawn: null, usedSeq: seq };
};

/** What became of it. What goes with a grant is its user's. */
function stateAfter({ lease }: PicturedToken, fact: FactView): Partial<PicturedToken> {
  const { type, seq, at, userId, expiresAt, metadata } = fact;
  const used = { usedSeq: seq };
  switch (type) {
    case 'activated': {
      const granted = { userId: userId!, fence: seq, activatedAt: at, expiresAt: expiresAt! };
      return { ...used, lease: granted, restsUntil: null, keptUntil: null };
    }
    case 'renewed':
      return { ...used, lease: lease && { ...lease, expiresAt: expiresAt! } };
    case 'released':
    case 'expired':
      return { ...used, lease: null, ...waits(metadata) };
    case 'withdrawn': {
      const { note = null } = (metadata ?? {}) as { note?: string };
      return { ...used, withdrawn: { note }, ...waits(metadata) };
    }
    case 'restored':
      return { ...used, withdrawn: null, ...waits(metadata) };
    default:
      return { ...used, ...waits(metadata) };
  }
}

/** Each fact says them anew. */
export function waits(metadata: Json): Pick<PicturedToken, 'restsUntil' | 'keptUntil'> {
  const { rests_until, kept_until } = (metadata ?? {}) as { rests_until?: string; kept_until?: string };
  return { restsUntil: instantOf(rests_until), keptUntil: instantOf(kept_until) };
}

const instantOf = (written: string | undefined): number | null =>
  written === undefined ? null : Date.parse(written);
