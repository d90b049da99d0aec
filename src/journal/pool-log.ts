/**
 * The end of one pool's log, where it is written: numbers and chains facts, and moves on what is known of the pool
 * with them. Does no I/O: where the facts go is for others to say.
 */
import type { Fact } from '../lease/fact.ts';
import type { TokenState, TokenTraits } from '../lease/lease.ts';
import type { PoolOptions } from '../lease/pool-options.ts';
import { chainStart, digestOf, type LoggedFact, loggedFact, loggedPoolFact } from './chain.ts';
import type {
  Entries,
  Head,
  MadeToken,
  NewToken,
  PastToken,
  PoolRequest,
  PoolState,
  SealedFact,
} from './store.ts';
import { storedOptions, tokensAtFirst } from './stored-options.ts';
import { noTokens, withoutToken, withToken } from './tokens-digest.ts';

/** What a fact brings along. */
export type Written = Omit<Entries, 'outcomes'>;

export class PoolLog {
  readonly pool: string;
  #seq: number;
  #digest: string;
  #openedSeq: number;
  #options: PoolOptions | null;
  #tokensDigest: string;
  #lastOrdinal: number;
  readonly #tokens = new Map<string, MadeToken>();

  /** Of a pool that there has never been. */
  static ofNew(pool: string): PoolLog {
    const state = { pool, openedSeq: 0, options: null, tokensDigest: noTokens, lastOrdinal: 0 };
    return new PoolLog({ ...state, seq: 0, digest: chainStart }, []);
  }

  constructor(state: PoolState & Head, tokens: readonly MadeToken[]) {
    this.pool = state.pool;
    this.#seq = state.seq;
    this.#digest = state.digest;
    this.#openedSeq = state.openedSeq;
    this.#options = state.options;
    this.#tokensDigest = state.tokensDigest;
    this.#lastOrdinal = state.lastOrdinal;
    for (const token of tokens) this.#tokens.set(token.tokenId, token);
  }

  get state(): PoolState & Head {
    return {
      pool: this.pool,
      seq: this.#seq,
      digest: this.#digest,
      openedSeq: this.#openedSeq,
      options: this.#options,
      tokensDigest: this.#tokensDigest,
      lastOrdinal: this.#lastOrdinal,
    };
  }

  get isClosed(): boolean {
    return this.#options === null;
  }

  /** How many tokens there are. */
  get size(): number {
    return this.#tokens.size;
  }

  get seq(): number {
    return this.#seq;
  }

  /** A fact that changes no more than the state of its token; null if it is another one. */
  append(fact: Fact): SealedFact | null {
    if (fact.type === 'created' || fact.type === 'deleted') return null;
    return this.#seal(loggedFact(fact), fact.after);
  }

  /** A token that comes or goes. */
  move(fact: Fact): Written {
    const sealed = this.#seal(loggedFact(fact), fact.after);
    const tokens = fact.type === 'created' && fact.after !== null ? [this.#make(fact.after, fact.seq)] : [];
    const gone = fact.type === 'deleted' ? [this.#forget(fact.tokenId)] : [];
    return { facts: [sealed], pools: [this.state], tokens, gone };
  }

  /** A process has taken the pool. */
  open(at: number): Written {
    return this.#opened(at, null);
  }

  /** Made, with its tokens; of its options the log tells by this fact. */
  make({ pool, options, tokens }: PoolRequest, at: number): Written {
    if (!this.isClosed) throw new Error(`pool '${pool}' is there already`);
    if (tokens.length !== tokensAtFirst(options))
      throw new Error(`pool '${pool}' is made with ${tokensAtFirst(options)} tokens, not ${tokens.length}`);
    this.#options = options;
    const made = tokens.map((token) => this.#make(token, this.#seq + 1));
    return { ...this.#opened(at, options), tokens: made };
  }

  change(options: PoolOptions, at: number): Written {
    this.#options = options;
    return this.#ofPool(
      loggedPoolFact('changed', 'options_changed', this.#seq + 1, at, storedOptions(options)),
    );
  }

  /** From here on there is no pool, and no token. */
  close(at: number): Written {
    const goneSeq = this.#seq + 1;
    const gone = Array.from(this.#tokens.values(), (token) => ({ ...token, pool: this.pool, goneSeq }));
    this.#options = null;
    this.#tokens.clear();
    this.#tokensDigest = noTokens;
    return { ...this.#ofPool(loggedPoolFact('closed', 'pool_deleted', goneSeq, at, null)), gone };
  }

  #opened(at: number, options: PoolOptions | null): Written {
    this.#openedSeq = this.#seq + 1;
    const metadata = options && storedOptions(options);
    return this.#ofPool(loggedPoolFact('opened', 'pool_opened', this.#openedSeq, at, metadata));
  }

  #ofPool(fact: LoggedFact): Written {
    const sealed = this.#seal(fact);
    return { facts: [sealed], pools: [this.state], tokens: [], gone: [] };
  }

  #seal(fact: LoggedFact, after?: Omit<TokenState, 'seq'> | null): SealedFact {
    if (fact.seq !== this.#seq + 1)
      throw new Error(`fact ${fact.seq} of pool '${this.pool}' does not follow fact ${this.#seq}`);
    const digest = digestOf(this.#digest, fact);
    this.#seq = fact.seq;
    this.#digest = digest;
    return { ...fact, pool: this.pool, digest, after };
  }

  #make({ tokenId, name, labels }: TokenTraits, madeSeq: number): NewToken {
    const token = { tokenId, name, labels, ordinal: ++this.#lastOrdinal, madeSeq };
    this.#tokens.set(tokenId, token);
    this.#tokensDigest = withToken(this.#tokensDigest, token);
    return { ...token, pool: this.pool };
  }

  #forget(tokenId: string): PastToken {
    const token = this.#tokens.get(tokenId);
    if (token === undefined) throw new Error(`token ${tokenId} of pool '${this.pool}' is not there`);
    this.#tokens.delete(tokenId);
    this.#tokensDigest = withoutToken(this.#tokensDigest, token);
    return { ...token, pool: this.pool, goneSeq: this.#seq };
  }
}
