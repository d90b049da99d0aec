/** The order in which tokens are drawn, and which of them are evicted next. Pure; costs a sort of what is drawn. */
import { statusOf } from '../../../lease/lease.ts';
import type { PicturedLease } from '../../../lease/picture.ts';
import type { Token, WireOptions } from '../wire.ts';

export type Arrangement = 'making' | 'use' | 'time';

/**
 * `making`: as they were made. `use`: those that are held in the order in which they would be evicted, then the free ones in
 * that of being granted, then the others.
 * `time`: what ends soonest first.
 */
export function arranged(tokens: Iterable<Token>, by: Arrangement, options: WireOptions | null): Token[] {
  const all = [...tokens];
  if (by === 'making') return all;
  // Sorting is stable: what ranks the same stays as it was made.
  if (by === 'time') return all.sort((one, other) => endOf(one) - endOf(other));
  const place = placeInUse(options);
  return all.sort((one, other) => groupOf(one) - groupOf(other) || place(one) - place(other));
}

const groups = { active: 0, available: 1, resting: 2, withdrawn: 3 };
const groupOf = (token: Token): number => groups[statusOf(token)];
const last = Number.MAX_SAFE_INTEGER;

const endOf = ({ lease, restsUntil }: Token): number => lease?.expiresAt ?? restsUntil ?? last;

const placeInUse =
  (options: WireOptions | null) =>
  ({ lease, usedSeq }: Token): number =>
    lease !== null && options?.eviction === 'oldest' ? lease.fence : usedSeq;

/** The ids of those that are evicted next, the first first; none where the pool evicts nobody. */
export function nextEvicted(
  tokens: Iterable<Token>,
  options: WireOptions | null,
  now: number,
  most: number,
): string[] {
  if (options?.when_full !== 'evict') return [];
  const place = placeInUse(options);
  const found: Token[] = [];
  for (const token of tokens) {
    const { lease, withdrawn } = token;
    if (lease === null || withdrawn !== null || lease.activatedAt > now - options.min_hold_ms) continue;
    if (found.length === most && place(token) >= place(found[most - 1]!)) continue;
    found.push(token);
    found.sort((one, other) => place(one) - place(other));
    if (found.length > most) found.pop();
  }
  return found.map(({ tokenId }) => tokenId);
}

/** What is left of the time that a token is in what it is in; null where that does not end by itself. */
export function timeLeft(
  token: Token,
  options: WireOptions | null,
  now: number,
): { remainingMs: number; wholeMs: number } | null {
  const { lease, restsUntil, keptUntil } = token;
  if (lease !== null) {
    const remainingMs = Math.max(0, lease.expiresAt - now);
    return { remainingMs, wholeMs: wholeOf(token, lease, remainingMs, options) };
  }
  const status = statusOf(token);
  const end = status === 'resting' ? restsUntil : status === 'available' ? keptUntil : null;
  if (end === null) return null;
  const known = options?.[status === 'resting' ? 'cool_down_ms' : 'idle_ttl_ms'];
  const remainingMs = Math.max(0, end - now);
  return { remainingMs, wholeMs: Math.max(remainingMs, typeof known === 'number' ? known : 0) };
}

/** A lease that was renewed runs, as a rule, for the TTL of its pool from then. */
function wholeOf(
  { usedSeq }: Token,
  { fence, activatedAt, expiresAt }: PicturedLease,
  remainingMs: number,
  options: WireOptions | null,
): number {
  const sinceGrantMs = expiresAt - activatedAt;
  if (usedSeq === fence || options === null) return sinceGrantMs;
  return Math.min(sinceGrantMs, Math.max(options.ttl_ms, remainingMs));
}
