/**
 * The tables of all pools in memory, by the rules of the schema: an append is done whole or not at all, a seq is taken
 * once, nobody writes by an opening that is not the newest, and a token's row changes with the facts.
 * `store-contract.test.ts` holds it against the real databases.
 */
import { keptMs } from '../../src/journal/keyed.ts';
import { openingOf, type StoredPool } from '../../src/journal/opening.ts';
import {
  Conflict,
  type Entries,
  type Opening,
  type OpenRequest,
  type PoolOutcome,
} from '../../src/journal/store.ts';
import type { Proof } from '../../src/lease/command.ts';
import type { FactFilter, OrderedPage, Page } from '../../src/lease/view.ts';
import type { Ground } from './ground.ts';
import { MemoryPool, sqlError, stored } from './memory-pool.ts';
import { endingIn, factsIn, historyIn, pastLeaseIn } from './memory-reads.ts';

export class MemoryDatabase implements Ground {
  readonly #pools = new Map<string, MemoryPool>();
  /** In the order of their writing, by pool and key. */
  readonly #outcomes = new Map<string, PoolOutcome>();
  #opening = 0;
  readonly #now: () => number;

  constructor(now: () => number) {
    this.#now = now;
  }

  /** The rows of a pool's log, in the order of their seq. */
  logOf(pool: string) {
    return this.#pool(pool).log;
  }

  async tokenCount(): Promise<number> {
    return [...this.#pools.values()].reduce((sum, { tokens }) => sum + tokens.size, 0);
  }

  async known() {
    return Array.from(this.#pools, ([name, pool]) => pool.stored(name)).filter(({ known }) => known !== null);
  }

  async openPools(request: OpenRequest): Promise<Opening> {
    const there = Array.from(this.#pools, ([name, pool]) => pool.stored(name)).filter(isThere);
    const { entries, opening } = openingOf(there, request, Math.floor(this.#now()));
    const number = ++this.#opening;
    await this.append(entries, number);
    return stored({ number, ...opening });
  }

  async append(entries: Entries, opening: number): Promise<void> {
    if (opening !== this.#opening) throw new Conflict('the pools have been opened since');
    const { facts, outcomes, pools, tokens } = entries;
    mustBeKeptOnce(outcomes);
    const of = <T extends { pool: string }>(all: readonly T[], name: string) =>
      all.filter(({ pool }) => pool === name);
    const names = new Set([...facts, ...pools, ...tokens].map(({ pool }) => pool));
    for (const name of names) this.#pool(name).checkFacts(of(facts, name));
    for (const name of names)
      this.#pool(name).write(of(facts, name), of(tokens, name), of(pools, name).at(-1));
    for (const outcome of outcomes) {
      const before = this.#outcomes.get(keyOf(outcome));
      if (facts.length === 0 && before && before.at > outcome.at - keptMs) continue;
      this.#outcomes.delete(keyOf(outcome));
      this.#outcomes.set(keyOf(outcome), stored(outcome));
    }
  }

  async digestAt(pool: string, seq: number): Promise<string | null> {
    return this.logOf(pool).find((row) => row.seq === seq)?.digest ?? null;
  }

  async facts(pool: string, filter: FactFilter, page: OrderedPage) {
    return factsIn(this.logOf(pool), filter, page);
  }

  async history(pool: string, tokenId: string, page: Page) {
    return historyIn(this.logOf(pool), tokenId, page);
  }

  async token(pool: string, tokenId: string, limit: number) {
    const found = this.#pool(pool).tokens.get(tokenId);
    if (found === undefined) return null;
    const { seq: _, ordinal: __, madeSeq: ___, ...token } = stored(found);
    return { token, history: historyIn(this.logOf(pool), tokenId, { limit }) };
  }

  async ending(pool: string, tokenId: string, proof: Proof) {
    return endingIn(this.logOf(pool), tokenId, proof);
  }

  async lease(within: string | null, leaseId: string) {
    for (const [pool, { log }] of this.#pools) {
      const found = within === null || within === pool ? pastLeaseIn(log, pool, leaseId) : null;
      if (found) return found;
    }
    return null;
  }

  async keyed(pool: string, key: string, since: number) {
    const kept = this.#outcomes.get(keyOf({ pool, key }));
    if (kept === undefined || kept.at <= since) return null;
    const { pool: _, ...outcome } = stored(kept);
    return outcome;
  }

  async prune(pool: string, before: number, most: number): Promise<number> {
    return this.#pool(pool).prune(before, most);
  }

  async due(before: number): Promise<string[]> {
    const isDue = ({ log }: MemoryPool) => log.length > 1 && log[0]!.at < before;
    return Array.from(this.#pools, ([name, pool]) => (isDue(pool) ? name : []))
      .flat()
      .sort();
  }

  async pruneKeyed(since: number, keysMax: number, most: number): Promise<number> {
    const all = [...this.#outcomes.values()];
    const beyond = all.length - keysMax;
    const gone = all.filter((each, place) => each.at <= since || place < beyond);
    for (const each of gone.slice(0, most)) this.#outcomes.delete(keyOf(each));
    return Math.min(gone.length, most);
  }

  async standing(pool: string) {
    return this.#pool(pool).standing(this.#opening || null);
  }

  async portion(pool: string, afterSeq: number | null, headSeq: number, most: number) {
    return this.logOf(pool)
      .filter(({ seq }) => seq > (afterSeq ?? 0) && seq <= headSeq)
      .slice(0, most);
  }

  async logAfter(pool: string, seq: number) {
    return this.logOf(pool).filter((row) => row.seq > seq);
  }

  async tokens(pool: string) {
    const rows = Array.from(this.#pool(pool).tokens.values(), ({ madeSeq: _, ...row }) => row);
    return rows.sort((a, b) => a.ordinal - b.ordinal);
  }

  #pool(name: string): MemoryPool {
    const known = this.#pools.get(name);
    if (known) return known;
    const pool = new MemoryPool();
    this.#pools.set(name, pool);
    return pool;
  }
}

const keyOf = ({ pool, key }: { pool: string; key: string }): string => JSON.stringify([pool, key]);

const isThere = ({ known, last, tokens }: StoredPool): boolean =>
  known !== null || last !== null || tokens.length > 0;

/** One statement can write a row but once. */
function mustBeKeptOnce(outcomes: readonly PoolOutcome[]): void {
  if (new Set(outcomes.map(keyOf)).size < outcomes.length) throw sqlError('21000', 'a key is there twice');
}
