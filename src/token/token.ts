/** The words between a token and its supervisor: what it knows, what it is told, and what it tells. Plain data. */
import type { Release, Renew } from '../lease/command.ts';
import type { Reason } from '../lease/fact.ts';
import type { Lease, TokenState } from '../lease/lease.ts';

/** What its pool's options mean for a token, in milliseconds. They hold for what begins from now on. */
export interface TokenRules {
  /** How long it rests after a lease that did not end by release. */
  coolDownMs: number;
  /** How long it is kept while nobody asks for it; null: for ever. */
  idleTtlMs: number | null;
}

export interface TokenContext extends Omit<TokenState, 'seq'> {
  rules: TokenRules;
  /** Why it is deleted as soon as nobody holds it; null: it stays. */
  leaving: Reason<'deleted'> | null;
  /** Why it was created, until that is recorded. */
  created: Reason<'created'> | null;
  /** The lease that ended last, for as long as that is recorded. */
  ended: Lease | null;
  /** When it was told something last, or something in it ended by itself; timers run from here. */
  at: number;
}

/** What the log says of it at `at`: a token is never restored from a snapshot of XState's. */
export type TokenInput = TokenContext;

export type TokenCommand =
  | { type: 'ALLOCATE'; at: number; lease: Lease; reason: 'allocated' | 'allocated_after_waiting' }
  /** Its holder's lease ends and the newcomer's begins: one step, and two facts. */
  | { type: 'EVICT'; at: number; lease: Lease; reason: 'lru_eviction' | 'oldest_eviction' }
  | (Omit<Renew, 'tokenId'> & { maxLifetimeMs: number | null })
  | Omit<Release, 'tokenId'>
  /** The supervisor ends the lease for reasons of its own. */
  | { type: 'RECALL'; at: number; reason: Reason<'released'> }
  /** Does what is due by `at`, should the timer be late. */
  | { type: 'PASS'; at: number }
  | { type: 'WITHDRAW'; at: number; note: string | null; endLease: boolean }
  | { type: 'RESTORE'; at: number }
  /** The pool's options have changed, or the token is to leave, or is not to leave any more. */
  | { type: 'RULE'; at: number; rules: TokenRules; leaving: Reason<'deleted'> | null };

/** Where the supervisor has to look for it: among those to be granted, to be evicted, or neither. */
export type Place = 'free' | 'used' | 'aside';

/** What the supervisor is told. It cannot know what the holder or the time has done. */
export type TokenNews =
  | { type: 'USED'; tokenId: string; expiresAt: number }
  /** `dueAt`: when what it is in now ends by itself. `facts`: how many have been recorded. */
  | { type: 'MOVED'; tokenId: string; place: Place; isHeld: boolean; dueAt: number | null; facts: 0 | 1 }
  | { type: 'GONE'; tokenId: string };

type Standing = Pick<TokenContext, 'lease' | 'withdrawn' | 'restsUntil' | 'keptUntil'>;

/** When what the token is in ends by itself. In maintenance nothing does but its lease. */
export function dueAt({ lease, withdrawn, restsUntil, keptUntil }: Standing): number | null {
  if (lease !== null) return lease.expiresAt;
  return withdrawn === null ? (restsUntil ?? keptUntil) : null;
}

export function placeOf({
  lease,
  leaving,
  withdrawn,
  restsUntil,
}: Standing & Pick<TokenContext, 'leaving'>): Place {
  if (leaving !== null || withdrawn !== null || restsUntil !== null) return 'aside';
  return lease === null ? 'free' : 'used';
}
