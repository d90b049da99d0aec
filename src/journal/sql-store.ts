/** The store that real services have: two SQL databases, PGlite and Postgres, in the same words. */
import { and, eq } from 'drizzle-orm';
import type { Proof } from '../lease/command.ts';
import type { FactFilter, OrderedPage, Page } from '../lease/view.ts';
import { readPortion, readStanding } from './auditing.ts';
import type { Database } from './database.ts';
import { pruneKeyed, readKeyed } from './keyed.ts';
import { openPools } from './open-pools.ts';
import { poolsDue, pruneFacts, reuseRoom } from './pruning.ts';
import { readEnding, readFacts, readHistory, readPastLease, readToken } from './read.ts';
import { pools, tokenEvents, tokens } from './schema.ts';
import { readSnapshot } from './snapshot.ts';
import { readStatistics } from './statistics.ts';
import type { Entries, KnownPool, OpenRequest, Past, Store } from './store.ts';

export class SqlStore implements Store {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  get name(): string {
    return this.#database.name;
  }

  get alone(): boolean {
    return this.#database.alone;
  }

  get held(): boolean {
    return this.#database.held;
  }

  hold(): Promise<boolean> {
    return this.#database.hold();
  }

  renew(): Promise<void> {
    return this.#database.renew();
  }

  tokenCount(): Promise<number> {
    return this.#db.$count(tokens);
  }

  async known(): Promise<KnownPool[]> {
    const { pool, options, closed } = pools;
    const rows = await this.#db.select({ pool, options, closed }).from(pools);
    return rows.map((row) => ({ pool: row.pool, known: row }));
  }

  openPools(request: OpenRequest) {
    return openPools(this.#database.opener, request);
  }

  append(entries: Entries, opening: number): Promise<void> {
    return this.#database.append(entries, opening);
  }

  async digestAt(pool: string, seq: number): Promise<string | null> {
    const [row] = await this.#db
      .select({ digest: tokenEvents.digest })
      .from(tokenEvents)
      .where(and(eq(tokenEvents.pool, pool), eq(tokenEvents.seq, seq)));
    return row?.digest ?? null;
  }

  facts(pool: string, filter: FactFilter, page: OrderedPage) {
    return readFacts(this.#db, pool, filter, page);
  }

  history(pool: string, tokenId: string, page: Page) {
    return readHistory(this.#db, pool, tokenId, page);
  }

  token(pool: string, tokenId: string, limit: number) {
    return readToken(this.#db, pool, tokenId, limit);
  }

  ending(pool: string, tokenId: string, proof: Proof) {
    return readEnding(this.#db, pool, tokenId, proof);
  }

  lease(pool: string | null, leaseId: string) {
    return readPastLease(this.#db, pool, leaseId);
  }

  keyed(pool: string, key: string, since: number) {
    return readKeyed(this.#db, pool, key, since);
  }

  standing(pool: string) {
    return readStanding(this.#db, pool);
  }

  portion(pool: string, afterSeq: number | null, headSeq: number, most: number) {
    return readPortion(this.#db, pool, afterSeq, headSeq, most);
  }

  readonly past: Past = {
    snapshot: (pool, moment) => readSnapshot(this.#db, pool, moment),
    statistics: (pool, seq) => readStatistics(this.#db, pool, seq),
  };

  due(before: number) {
    return poolsDue(this.#db, before);
  }

  prune(pool: string, before: number, most: number) {
    return this.#tidied(pruneFacts(this.#db, pool, before, most));
  }

  pruneKeyed(since: number, keysMax: number, most: number) {
    return this.#tidied(pruneKeyed(this.#db, since, keysMax, most));
  }

  reset(): Promise<void> {
    return this.#database.reset();
  }

  resetReaders(): Promise<void> {
    return this.#database.resetReaders();
  }

  close(): Promise<void> {
    return this.#database.close();
  }

  /** An embedded database has nobody else who would. */
  async #tidied(deleting: Promise<number>): Promise<number> {
    const rows = await deleting;
    if (rows > 0 && this.alone) await reuseRoom(this.#db);
    return rows;
  }

  get #db() {
    return this.#database.db;
  }
}
