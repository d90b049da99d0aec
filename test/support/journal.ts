/** Journals without a pool: facts written by hand, what a journal tells, and the log as plain SQL has it. */
import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { asc, sql } from 'drizzle-orm';
import { afterAll, expect, onTestFinished } from 'vitest';
import type { Database } from '../../src/journal/database.ts';
import type { CommitListener } from '../../src/journal/group-commit.ts';
import { Journal } from '../../src/journal/journal.ts';
import { openPGlite } from '../../src/journal/pglite.ts';
import { openPostgres } from '../../src/journal/postgres.ts';
import { keyedOutcomes, pools, prunedTokens, tokenEvents, tokens } from '../../src/journal/schema.ts';
import { SqlStore } from '../../src/journal/sql-store.ts';
import type { Opening } from '../../src/journal/store.ts';
import { evolve } from '../../src/lease/evolve.ts';
import type { Fact, Reason, TokenFactType } from '../../src/lease/fact.ts';
import type { Lease, TokenState } from '../../src/lease/lease.ts';
import { newId, newLeaseId } from '../../src/random.ts';
import { type DatabaseKind, freshDatabase, freshFolder, type Where } from './databases.ts';
import { commitTimes, start, twoMinutes } from './world.ts';

export type LogRow = typeof tokenEvents.$inferSelect;

let template: Promise<string> | undefined;
let embedded: Promise<Database> | undefined;

const lastingFolders: string[] = [];

afterAll(async () => {
  await (await embedded)?.close();
  for (const folder of lastingFolders) rmSync(folder, { recursive: true, force: true });
});

/** A folder that outlasts the test, and goes with the file. */
function lastingFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'leasehold-test-'));
  lastingFolders.push(folder);
  return folder;
}

/** An empty folder takes PGlite seconds to fill: one is filled for the whole file, and copied for each test. */
async function fillTemplate(): Promise<string> {
  const folder = lastingFolder();
  await (await openPGlite(folder, 'default')).close();
  return folder;
}

/** A place where no pool is yet; where it is a folder, the migrations have been applied. */
export async function preparedDatabase(kind: DatabaseKind): Promise<Where> {
  if (kind === 'postgres') return freshDatabase(kind);
  template ??= fillTemplate();
  const dataDir = freshFolder();
  cpSync(await template, dataDir, { recursive: true });
  return { dataDir };
}

/** A database without a pool. One that is embedded takes long to start: it serves the whole file, emptied. */
export async function emptyDatabase(kind: DatabaseKind): Promise<Database> {
  if (kind === 'postgres') return openDatabase(await freshDatabase(kind));
  embedded ??= openPGlite(lastingFolder(), 'default');
  const database = await embedded;
  await database.db.execute(
    sql`truncate ${tokenEvents}, ${tokens}, ${pools}, ${prunedTokens}, ${keyedOutcomes}`,
  );
  return database;
}

/** The database beneath a journal, migrated. `close` may be called early; the test's end sees to it otherwise. */
export async function openDatabase(where: Where, pool = 'default'): Promise<Database> {
  const database = where.databaseUrl
    ? await openPostgres(where.databaseUrl, pool, newId(), commitTimes, { connectionLost() {} })
    : await openPGlite(where.dataDir, pool);
  const close = database.close.bind(database);
  let closing: Promise<void> | undefined;
  database.close = () => {
    closing ??= close();
    return closing;
  };
  onTestFinished(() => database.close());
  return database;
}

/** What a journal has told its listener. */
export interface Told {
  commits: Fact[][];
  lost: unknown[];
  back: number;
  fenced: number;
  broken: unknown[];
}

export function listening(): { told: Told; listener: CommitListener } {
  const told: Told = { commits: [], lost: [], back: 0, fenced: 0, broken: [] };
  const listener: CommitListener = {
    lost: (error) => told.lost.push(error),
    back: () => told.back++,
    fenced: () => told.fenced++,
    broken: (error) => told.broken.push(error),
    committed: (facts) => told.commits.push([...facts]),
  };
  return { told, listener };
}

export interface OpenJournal {
  journal: Journal;
  opening: Opening;
  told: Told;
  /** Writes the facts that come next. */
  scribe: Scribe;
}

/** A journal whose pool is open. Several can stand on one database: only the last may write. */
export async function openJournal(database: Database, size = 3, pool = 'default'): Promise<OpenJournal> {
  const { told, listener } = listening();
  const journal = new Journal(new SqlStore(database, pool), commitTimes);
  const opening = await journal.openPool({ at: () => start, size, newTokenId: newId }, listener);
  return { journal, opening, told, scribe: new Scribe(opening) };
}

/** Writes facts as a pool would: numbered, and in keeping with the lease that each token has. */
export class Scribe {
  at = start;
  #seq: number;
  readonly #leases = new Map<string, Lease>();

  constructor({ seq, tokens }: Opening) {
    this.#seq = seq;
    for (const { tokenId, lease } of tokens) if (lease) this.#leases.set(tokenId, lease);
  }

  activated(tokenId: string, given: Partial<Lease> = {}): Fact {
    const ttlMs = given.ttlMs ?? twoMinutes;
    const lease: Lease = {
      leaseId: newLeaseId(this.at),
      userId: newId(),
      fence: this.#seq + 1,
      activatedAt: this.at,
      expiresAt: this.at + ttlMs,
      ttlMs,
      metadata: null,
      ...given,
    };
    return this.#fact(tokenId, 'activated', 'allocated', lease);
  }

  renewed(tokenId: string): Fact {
    const lease = this.#leases.get(tokenId)!;
    return this.#fact(tokenId, 'renewed', 'renewed_by_client', {
      ...lease,
      expiresAt: this.at + lease.ttlMs,
    });
  }

  released(tokenId: string, reason: Reason<'released'> = 'released_by_client'): Fact {
    return this.#fact(tokenId, 'released', reason, this.#leases.get(tokenId)!);
  }

  expired(tokenId: string): Fact {
    return this.#fact(tokenId, 'expired', 'ttl_expired', this.#leases.get(tokenId)!);
  }

  #fact(tokenId: string, type: TokenFactType, reason: Reason<TokenFactType>, lease: Lease): Fact {
    this.#leases.set(tokenId, lease);
    return { seq: ++this.#seq, at: this.at, type, reason, tokenId, lease } as Fact;
  }
}

/** The whole log, oldest first. */
export function logOf({ db }: Database): Promise<LogRow[]> {
  return db.select().from(tokenEvents).orderBy(asc(tokenEvents.pool), asc(tokenEvents.seq));
}

/** The table `tokens`, in the order of the pool's making. */
export async function tokensOf({ db }: Database): Promise<TokenState[]> {
  const rows = await db.select().from(tokens).orderBy(asc(tokens.ordinal));
  return rows.map(({ id, seq, status, ordinal: _, pool: __, ...lease }) => ({
    tokenId: id,
    seq,
    lease: status === 'active' ? (lease as Lease) : null,
  }));
}

/** Checks that seq has no gaps [I3] and that folding the log gives the table `tokens` [I8]; returns the log. */
export async function expectSoundLog(database: Database): Promise<LogRow[]> {
  const log = await logOf(database);
  expect(log.map(({ seq }) => seq)).toEqual(Array.from(log, (_, index) => index + 1));
  const stored = await tokensOf(database);
  expect(stored).toEqual(foldOf(log, stored));
  return log;
}

/** These tokens as the log leaves them, from being free, or as they were `before` it. */
export function foldOf(
  log: readonly LogRow[],
  tokens: readonly TokenState[],
  before: readonly TokenState[] = [],
): TokenState[] {
  const folded = new Map<string, TokenState>();
  for (const { tokenId } of tokens) folded.set(tokenId, { tokenId, lease: null, seq: 0 });
  for (const state of before) folded.set(state.tokenId, state);
  for (const row of log) {
    if (row.tokenId === null) continue;
    folded.set(row.tokenId, evolve(factOf(row, folded.get(row.tokenId)!.lease)));
  }
  return [...folded.values()];
}

/** The same, of a database that no process of this test may have open just now, if it is an embedded one. */
export async function expectSoundLogAt(where: Where): Promise<LogRow[]> {
  const database = await openDatabase(where);
  const log = await expectSoundLog(database);
  await database.close();
  return log;
}

/** A row says of a lease only what changes; the rest is as the fact before left it. */
function factOf(row: LogRow, before: Lease | null): Fact {
  const { seq, type, reason, at, tokenId } = row;
  const grant = type === 'activated' && {
    activatedAt: at,
    ttlMs: row.expiresAt! - at,
    metadata: row.metadata,
  };
  if (!grant && before?.leaseId !== row.leaseId) {
    throw new Error(`fact ${seq} (${type}) is of a lease that token ${tokenId} does not have`);
  }
  if (grant && before !== null)
    throw new Error(`fact ${seq} grants token ${tokenId}, which is not free [I1]`);
  const { leaseId, userId, fence, expiresAt } = row;
  return {
    seq,
    type,
    reason,
    at,
    tokenId,
    lease: { ...before, leaseId, userId, fence, expiresAt, ...grant },
  } as Fact;
}
