/**
 * One pool's tables in memory, by the rules of the schema: an append is done whole or not at all, a seq is taken
 * once, and a token's row changes with the facts. `store-contract.test.ts` holds it against the real databases.
 */
import type { AuditedPool, AuditedState, Standing } from '../../src/journal/audited.ts';
import {
  chainStart,
  digestOf,
  digestOfTokens,
  type LoggedFact,
  loggedFact,
} from '../../src/journal/chain.ts';
import { keptMs } from '../../src/journal/keyed.ts';
import {
  type Entries,
  type KeyedOutcome,
  type Opening,
  type OpenRequest,
  SizeMismatch,
} from '../../src/journal/store.ts';
import type { Proof } from '../../src/lease/command.ts';
import { evolve } from '../../src/lease/evolve.ts';
import type { Lease, TokenState } from '../../src/lease/lease.ts';
import type { FactFilter, OrderedPage, Page } from '../../src/lease/view.ts';
import type { Ground, LogRow } from './ground.ts';
import { endingIn, factsIn, historyIn } from './memory-reads.ts';

export class MemoryDatabase implements Ground {
  /** In the order of their seq. */
  readonly log: LogRow[] = [];
  readonly #seqs = new Set<number>();
  /** In the order of the pool's making. */
  readonly #tokens = new Map<string, TokenState>();
  /** In the order of their writing. */
  readonly #outcomes = new Map<string, KeyedOutcome>();
  #pool: AuditedPool | null = null;
  readonly #pruned = new Map<string, TokenState>();
  readonly #now: () => number;

  constructor(now: () => number) {
    this.#now = now;
  }

  async checkSize(size: number): Promise<void> {
    this.#mustFit(size);
  }

  async openPool({ size, newTokenId, at }: OpenRequest): Promise<Opening> {
    const last = this.log.at(-1);
    const seq = (last?.seq ?? 0) + 1;
    const fact: LoggedFact = {
      ...opened,
      seq,
      at: at({ database: Math.floor(this.#now()), last: last?.at ?? null }),
    };
    this.#mustFit(size);
    const digest = digestOf(last?.digest ?? chainStart, fact);
    this.#insert([{ ...fact, digest }]);
    for (let made = this.#tokens.size; made < size; made++) {
      const tokenId = newTokenId();
      this.#tokens.set(tokenId, { tokenId, lease: null, seq: 0 });
    }
    this.#pool = {
      ...(this.#pool ?? {
        tokensDigest: digestOfTokens([...this.#tokens.keys()]),
        chainSeq: 0,
        chainDigest: chainStart,
        prunedSeq: 0,
      }),
      openedSeq: seq,
    };
    return { seq, digest, tokens: this.#inOrderOfUse() };
  }

  async append({ facts, outcomes }: Entries, lastSeq: number): Promise<void> {
    const rows = facts.map((fact) => stored<LogRow>({ ...loggedFact(fact), digest: fact.digest }));
    if (facts.length === 0 && (this.log.at(-1)?.seq ?? 0) > lastSeq) return;
    this.#mustBeKeptOnce(outcomes);
    this.#insert(rows);
    for (const fact of facts) {
      if (this.#tokens.has(fact.tokenId)) this.#tokens.set(fact.tokenId, stored(evolve(fact)));
    }
    for (const outcome of outcomes) {
      const before = this.#outcomes.get(outcome.key);
      if (facts.length === 0 && before && before.at > outcome.at - keptMs) continue;
      this.#outcomes.delete(outcome.key);
      this.#outcomes.set(outcome.key, stored(outcome));
    }
  }

  async digestAt(seq: number): Promise<string | null> {
    return this.log.find((row) => row.seq === seq)?.digest ?? null;
  }

  async hasFactsAfter(seq: number): Promise<boolean> {
    return (this.log.at(-1)?.seq ?? 0) > seq;
  }

  async facts(filter: FactFilter, page: OrderedPage) {
    return factsIn(this.log, filter, page);
  }

  async history(tokenId: string, page: Page) {
    return historyIn(this.log, tokenId, page);
  }

  async token(tokenId: string, limit: number) {
    return { token: stored(this.#tokens.get(tokenId)!), history: historyIn(this.log, tokenId, { limit }) };
  }

  async ending(tokenId: string, proof: Proof) {
    return endingIn(this.log, tokenId, proof);
  }

  async keyed(key: string, since: number): Promise<KeyedOutcome | null> {
    const kept = this.#outcomes.get(key);
    return kept && kept.at > since ? stored(kept) : null;
  }

  async prune(before: number, most: number): Promise<number> {
    const last = this.log.at(-1);
    const kept = this.log.findIndex((row) => row.at >= before || row === last);
    const gone = this.log.splice(0, Math.min(kept, most));
    for (const row of gone) if (row.tokenId !== null) this.#pruned.set(row.tokenId, this.#after(row));
    const end = gone.at(-1);
    if (end) Object.assign(this.#pool!, { prunedSeq: end.seq, chainSeq: end.seq, chainDigest: end.digest });
    return gone.length;
  }

  /** What a fact left of its token, where that is known of the facts before it. */
  #after({ tokenId, type, seq, at, ...row }: LogRow): TokenState {
    if (type === 'released' || type === 'expired') return { tokenId: tokenId!, lease: null, seq };
    const { leaseId, userId, fence, expiresAt, metadata } = row;
    const lease = { leaseId, userId, fence, expiresAt } as Lease;
    const granted =
      type === 'activated'
        ? { activatedAt: at, ttlMs: expiresAt! - at, metadata }
        : this.#pruned.get(tokenId!)!.lease!;
    return { tokenId: tokenId!, lease: { ...granted, ...lease }, seq };
  }

  async pruneKeyed(since: number, keysMax: number, most: number): Promise<number> {
    const beyond = this.#outcomes.size - keysMax;
    const gone = [...this.#outcomes.values()].filter(({ at }, place) => at <= since || place < beyond);
    for (const { key } of gone.slice(0, most)) this.#outcomes.delete(key);
    return Math.min(gone.length, most);
  }

  async standing(): Promise<Standing> {
    const tokens = [...this.#tokens.values()].map((state, place) => ({
      ...rowOf(state),
      ordinal: place + 1,
    }));
    return stored({
      headSeq: this.log.at(-1)?.seq ?? null,
      pool: this.#pool,
      tokens,
      prunedTokens: [...this.#pruned.values()].map(rowOf),
    });
  }

  async portion(afterSeq: number | null, headSeq: number, most: number): Promise<LogRow[]> {
    return this.log.filter(({ seq }) => seq > (afterSeq ?? 0) && seq <= headSeq).slice(0, most);
  }

  async logAfter(seq: number): Promise<LogRow[]> {
    return this.log.filter((row) => row.seq > seq);
  }

  async tokens(): Promise<TokenState[]> {
    return [...this.#tokens.values()];
  }

  /** Free ones first. Of the same seq there are only those that were never used, in the order of their making. */
  #inOrderOfUse(): TokenState[] {
    const held = ({ lease }: TokenState) => Number(lease !== null);
    return stored([...this.#tokens.values()].sort((a, b) => held(a) - held(b) || a.seq - b.seq));
  }

  #mustFit(size: number): void {
    const made = this.#tokens.size;
    if (made !== 0 && made !== size) throw new SizeMismatch('default', made, size);
  }

  #insert(rows: readonly LogRow[]): void {
    const seqs = new Set(rows.map(({ seq }) => seq));
    const taken = seqs.size < rows.length || rows.some(({ seq }) => this.#seqs.has(seq));
    if (taken) throw sqlError('23505', `a seq of ${[...seqs].join()} is taken`);
    for (const row of rows) checkTypes(row);
    for (const row of rows) {
      this.#seqs.add(row.seq);
      const place = this.log.findLastIndex(({ seq }) => seq < row.seq) + 1;
      this.log.splice(place, 0, row);
    }
  }

  /** One statement can write a row but once. */
  #mustBeKeptOnce(outcomes: readonly KeyedOutcome[]): void {
    const keys = new Set(outcomes.map(({ key }) => key));
    if (keys.size < outcomes.length) throw sqlError('21000', 'a key is there twice');
  }
}

const rowOf = ({ tokenId, lease, seq }: TokenState): AuditedState => ({
  id: tokenId,
  status: lease ? 'active' : 'available',
  userId: lease?.userId ?? null,
  leaseId: lease?.leaseId ?? null,
  fence: lease?.fence ?? null,
  activatedAt: lease?.activatedAt ?? null,
  expiresAt: lease?.expiresAt ?? null,
  ttlMs: lease?.ttlMs ?? null,
  metadata: lease?.metadata ?? null,
  seq,
});

function checkTypes({ seq, at, fence, expiresAt, tokenId, leaseId }: LogRow): void {
  for (const id of [tokenId, leaseId]) {
    if (id !== null && !uuid.test(id)) throw sqlError('22P02', `no uuid: ${id}`);
  }
  for (const whole of [seq, at, fence ?? 0, expiresAt ?? 0]) {
    if (!Number.isSafeInteger(whole)) throw sqlError('22003', `no whole number: ${whole}`);
  }
}

export const sqlError = (code: string, message: string): Error => Object.assign(new Error(message), { code });

/** As it comes back from a database: nobody else has a hand on it, and what is undefined is not there. */
const stored = <T>(value: T): T => JSON.parse(JSON.stringify(value)) as T;

const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

const opened = {
  tokenId: null,
  type: 'opened',
  reason: 'pool_opened',
  userId: null,
  leaseId: null,
  fence: null,
  expiresAt: null,
  metadata: null,
} as const;
