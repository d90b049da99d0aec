/** The store that real services have: two SQL databases, PGlite and Postgres, in the same words. */
import { and, eq, gt } from 'drizzle-orm';
import type { Proof } from '../lease/command.ts';
import type { FactFilter, OrderedPage, Page } from '../lease/view.ts';
import { readPortion, readStanding } from './auditing.ts';
import type { Database } from './database.ts';
import { pruneKeyed, readKeyed } from './keyed.ts';
import { checkSize, openPool } from './opening.ts';
import { pruneFacts, reuseRoom } from './pruning.ts';
import { readEnding, readFacts, readHistory, readToken } from './read.ts';
import { tokenEvents } from './schema.ts';
import type { Entries, OpenRequest, Store } from './store.ts';

export class SqlStore implements Store {
  readonly #database: Database;
  readonly #pool: string;

  constructor(database: Database, pool: string) {
    this.#database = database;
    this.#pool = pool;
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

  async checkSize(size: number): Promise<void> {
    await checkSize(this.#db, this.#pool, size);
  }

  openPool(request: OpenRequest) {
    return openPool(this.#database.opener, this.#pool, request);
  }

  append(entries: Entries, lastSeq: number): Promise<void> {
    return this.#database.append(entries, lastSeq);
  }

  async digestAt(seq: number): Promise<string | null> {
    const [row] = await this.#db
      .select({ digest: tokenEvents.digest })
      .from(tokenEvents)
      .where(and(eq(tokenEvents.pool, this.#pool), eq(tokenEvents.seq, seq)));
    return row?.digest ?? null;
  }

  async hasFactsAfter(seq: number): Promise<boolean> {
    const [row] = await this.#db
      .select({ seq: tokenEvents.seq })
      .from(tokenEvents)
      .where(and(eq(tokenEvents.pool, this.#pool), gt(tokenEvents.seq, seq)))
      .limit(1);
    return row !== undefined;
  }

  facts(filter: FactFilter, page: OrderedPage) {
    return readFacts(this.#db, this.#pool, filter, page);
  }

  history(tokenId: string, page: Page) {
    return readHistory(this.#db, this.#pool, tokenId, page);
  }

  token(tokenId: string, limit: number) {
    return readToken(this.#db, this.#pool, tokenId, limit);
  }

  ending(tokenId: string, proof: Proof) {
    return readEnding(this.#db, this.#pool, tokenId, proof);
  }

  keyed(key: string, since: number) {
    return readKeyed(this.#db, this.#pool, key, since);
  }

  standing() {
    return readStanding(this.#db, this.#pool);
  }

  portion(afterSeq: number | null, headSeq: number, most: number) {
    return readPortion(this.#db, this.#pool, afterSeq, headSeq, most);
  }

  prune(before: number, most: number) {
    return this.#tidied(pruneFacts(this.#db, this.#pool, before, most));
  }

  pruneKeyed(since: number, keysMax: number, most: number) {
    return this.#tidied(pruneKeyed(this.#db, this.#pool, since, keysMax, most));
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
