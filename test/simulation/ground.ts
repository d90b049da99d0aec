/** Where a simulated database keeps its rows: in memory, or in a real PGlite. No process, network or time is known here. */
import type { LoggedFact } from '../../src/journal/chain.ts';
import type { Store } from '../../src/journal/store.ts';
import type { PlacedToken } from '../../src/journal/tokens-digest.ts';
import type { TokenState } from '../../src/lease/lease.ts';

export type LogRow = LoggedFact & { digest: string };
export type TokenRow = TokenState & PlacedToken;

export interface Ground
  extends Pick<
    Store,
    | 'tokenCount'
    | 'known'
    | 'openPools'
    | 'append'
    | 'digestAt'
    | 'facts'
    | 'history'
    | 'token'
    | 'ending'
    | 'lease'
    | 'keyed'
    | 'due'
    | 'prune'
    | 'pruneKeyed'
    | 'standing'
    | 'portion'
  > {
  /** The facts of a pool after `seq`, oldest first. */
  logAfter(pool: string, seq: number): Promise<LogRow[]>;
  /** The token rows of a pool, in the order of their making. */
  tokens(pool: string): Promise<TokenRow[]>;
}
