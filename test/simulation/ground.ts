/** Where a simulated database keeps its rows: in memory, or in a real PGlite. No process, network or time is known here. */
import type { LoggedFact } from '../../src/journal/chain.ts';
import type { Store } from '../../src/journal/store.ts';
import type { TokenState } from '../../src/lease/lease.ts';

export type LogRow = LoggedFact & { digest: string };

export interface Ground
  extends Pick<
    Store,
    | 'checkSize'
    | 'openPool'
    | 'append'
    | 'digestAt'
    | 'hasFactsAfter'
    | 'facts'
    | 'history'
    | 'token'
    | 'ending'
    | 'keyed'
    | 'prune'
    | 'pruneKeyed'
    | 'standing'
    | 'portion'
  > {
  /** The facts after `seq`, oldest first. */
  logAfter(seq: number): Promise<LogRow[]>;
  /** The token rows, in the order of the pool's making. */
  tokens(): Promise<TokenState[]>;
}
