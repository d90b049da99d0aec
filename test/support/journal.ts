/** Journals without a pool: facts written by hand, what a journal tells, and the log as plain SQL has it. */
import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { asc, eq, sql } from 'drizzle-orm';
import { afterAll, expect, onTestFinished } from 'vitest';
import type { Database } from '../../src/journal/database.ts';
import type { CommitListener } from '../../src/journal/group-commit.ts';
import { Journal } from '../../src/journal/journal.ts';
import type { OpenedPool } from '../../src/journal/opening.ts';
import { openPGlite } from '../../src/journal/pglite.ts';
import type { PoolJournal } from '../../src/journal/pool-journal.ts';
import { openPostgres } from '../../src/journal/postgres.ts';
import {
  keyedOutcomes,
  openings,
  pastTokens,
  pools,
  prunedTokens,
  tokenEvents,
  tokens,
} from '../../src/journal/schema.ts';
import { SqlStore } from '../../src/journal/sql-store.ts';
import type { PoolRequest, SealedFact } from '../../src/journal/store.ts';
import { tokenState } from '../../src/journal/token-state.ts';
import type { Fact, Reason, TokenFactType } from '../../src/lease/fact.ts';
import type { Json, Lease, TokenState, TokenTraits } from '../../src/lease/lease.ts';
import { optionDefaults, type PoolOptions } from '../../src/lease/pool-options.ts';
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
  await (await openPGlite(folder)).close();
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
  embedded ??= openPGlite(lastingFolder());
  const database = await embedded;
  await database.db.execute(
    sql`truncate ${tokenEvents}, ${tokens}, ${pastTokens}, ${pools}, ${prunedTokens}, ${keyedOutcomes}, ${openings}`,
  );
  return database;
}

/** The database beneath a journal, migrated. `close` may be called early; the test's end sees to it otherwise. */
export async function openDatabase(where: Where): Promise<Database> {
  const database = where.databaseUrl
    ? await openPostgres(where.databaseUrl, newId(), commitTimes, { connectionLost() {} })
    : await openPGlite(where.dataDir);
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
  commits: SealedFact[][];
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

/** What a pool is by default, where a test says no more. */
export const optionsOf = (given: Partial<PoolOptions> = {}): PoolOptions => ({
  ...optionDefaults,
  size: 3,
  ttlMs: twoMinutes,
  ttlMsMax: 30 * 24 * 3_600_000,
  ...given,
});

export const newToken = (given: Partial<TokenTraits> = {}): TokenTraits => ({
  tokenId: newId(),
  name: null,
  labels: {},
  ...given,
});

/** A pool with the tokens that its options say, and new ids for them. */
export function requestOf(pool = 'default', given: Partial<PoolOptions> = {}): PoolRequest {
  const options = optionsOf(given);
  const specs = options.tokens ?? Array.from({ length: options.size }, () => ({}));
  return { pool, options, tokens: options.membership === 'fixed' ? specs.map(newToken) : [] };
}

export interface OpenJournals {
  journal: Journal;
  opened: OpenedPool[];
  told: Told;
}

/** A journal whose pools are open. Several can stand on one database: only the last may write. */
export async function openJournals(
  database: Database,
  declared: PoolRequest[],
  at = start,
): Promise<OpenJournals> {
  const { told, listener } = listening();
  const journal = new Journal(new SqlStore(database), commitTimes);
  return { journal, told, opened: await journal.openPools({ at: () => at, declared }, listener) };
}

export interface OpenJournal {
  /** Of the one pool. */
  journal: PoolJournal;
  /** Of all. */
  whole: Journal;
  opening: OpenedPool;
  told: Told;
  /** Writes the facts that come next. */
  scribe: Scribe;
}

/** The same, for those who look at one pool of so many tokens alike, or of such options. */
export async function openJournal(
  database: Database,
  options: number | Partial<PoolOptions> = 3,
  pool = 'default',
): Promise<OpenJournal> {
  const request = requestOf(pool, typeof options === 'number' ? { size: options } : options);
  const { journal, opened, told } = await openJournals(database, [request]);
  const opening = opened.find((each) => each.pool === pool)!;
  return { journal: journal.pool(pool), whole: journal, opening, told, scribe: new Scribe(opening) };
}

/** Writes facts as a pool would: numbered, and in keeping with the state that each token has. */
export class Scribe {
  at = start;
  /** Of the newest fact. */
  seq: number;
  readonly #tokens = new Map<string, Omit<TokenState, 'seq'>>();

  constructor({ seq, tokens }: Pick<OpenedPool, 'seq' | 'tokens'>) {
    this.seq = seq;
    for (const { seq: _, ...token } of tokens) this.#tokens.set(token.tokenId, token);
  }

  activated(tokenId: string, given: Partial<Lease> = {}, reason: Reason<'activated'> = 'allocated'): Fact {
    const ttlMs = given.ttlMs ?? twoMinutes;
    const lease: Lease = {
      leaseId: newLeaseId(this.at),
      userId: newId(),
      fence: this.seq + 1,
      activatedAt: this.at,
      expiresAt: this.at + ttlMs,
      ttlMs,
      metadata: null,
      ...given,
    };
    return this.#fact(tokenId, 'activated', reason, { lease, restsUntil: null, keptUntil: null });
  }

  renewed(tokenId: string, expiresAt?: number): Fact {
    const lease = this.#leaseOf(tokenId);
    return this.#fact(tokenId, 'renewed', 'renewed_by_client', {
      lease: { ...lease, expiresAt: expiresAt ?? this.at + lease.ttlMs },
    });
  }

  released(
    tokenId: string,
    reason: Reason<'released'> = 'released_by_client',
    after: Partial<TokenState> = {},
  ): Fact {
    const lease = this.#leaseOf(tokenId);
    return this.#fact(tokenId, 'released', reason, { lease: null, ...after }, lease);
  }

  expired(tokenId: string, after: Partial<TokenState> = {}, reason: Reason<'expired'> = 'ttl_expired'): Fact {
    const lease = this.#leaseOf(tokenId);
    return this.#fact(tokenId, 'expired', reason, { lease: null, ...after }, lease);
  }

  rested(tokenId: string, after: Partial<TokenState> = {}): Fact {
    return this.#fact(tokenId, 'rested', 'cool_down_over', { restsUntil: null, ...after });
  }

  withdrawn(tokenId: string, note: string | null = null): Fact {
    const aside = { withdrawn: { note }, keptUntil: null };
    return this.#fact(tokenId, 'withdrawn', 'maintenance_begun', aside);
  }

  restored(tokenId: string, after: Partial<TokenState> = {}): Fact {
    return this.#fact(tokenId, 'restored', 'maintenance_over', { withdrawn: null, ...after });
  }

  created(
    token: TokenTraits,
    reason: Reason<'created'> = 'token_created',
    after: Partial<TokenState> = {},
  ): Fact {
    this.#tokens.set(token.tokenId, {
      ...token,
      lease: null,
      restsUntil: null,
      keptUntil: null,
      withdrawn: null,
    });
    return this.#fact(token.tokenId, 'created', reason, after);
  }

  deleted(tokenId: string, reason: Reason<'deleted'> = 'deleted_by_client'): Fact {
    this.#tokens.delete(tokenId);
    return { seq: ++this.seq, at: this.at, type: 'deleted', reason, tokenId, lease: null, after: null };
  }

  #leaseOf(tokenId: string): Lease {
    return this.#tokens.get(tokenId)!.lease!;
  }

  #fact(
    tokenId: string,
    type: TokenFactType,
    reason: Reason<TokenFactType>,
    changes: Partial<TokenState>,
    ended?: Lease,
  ): Fact {
    const { seq: _, ...changed } = changes;
    const after = { ...this.#tokens.get(tokenId)!, ...changed };
    this.#tokens.set(tokenId, after);
    const ofLease = type === 'activated' || type === 'renewed' ? after.lease : (ended ?? null);
    return { seq: ++this.seq, at: this.at, type, reason, tokenId, lease: ofLease, after } as Fact;
  }
}

/** The whole log, oldest first. */
export function logOf({ db }: Database): Promise<LogRow[]> {
  return db.select().from(tokenEvents).orderBy(asc(tokenEvents.pool), asc(tokenEvents.seq));
}

/** The table `tokens`, in the order of the pool's making. */
export async function tokensOf({ db }: Pick<Database, 'db'>, pool = 'default'): Promise<TokenState[]> {
  const rows = await db.select().from(tokens).where(eq(tokens.pool, pool)).orderBy(asc(tokens.ordinal));
  return rows.map(tokenState);
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
  const free = { lease: null, restsUntil: null, keptUntil: null, withdrawn: null, seq: 0 };
  for (const { tokenId, name, labels } of tokens) folded.set(tokenId, { tokenId, name, labels, ...free });
  for (const state of before) folded.set(state.tokenId, state);
  for (const row of log) {
    if (row.tokenId === null) continue;
    const state = folded.get(row.tokenId);
    if (row.type === 'deleted') folded.delete(row.tokenId);
    else if (state !== undefined) folded.set(row.tokenId, after(row, state));
  }
  return tokens.flatMap(({ tokenId }) => folded.get(tokenId) ?? []);
}

/** The same, of a database that no process of this test may have open just now, if it is an embedded one. */
export async function expectSoundLogAt(where: Where): Promise<LogRow[]> {
  const database = await openDatabase(where);
  const log = await expectSoundLog(database);
  await database.close();
  return log;
}

/** A row says of a lease only what changes; the rest is as the fact before left it. */
function after(row: LogRow, before: TokenState): TokenState {
  const { seq, type, at, tokenId, leaseId } = row;
  const told = {
    ...before,
    seq,
    restsUntil: instantIn(row, 'rests_until'),
    keptUntil: instantIn(row, 'kept_until'),
  };
  if (type === 'withdrawn') return { ...told, withdrawn: { note: (detailsOf(row).note as string) ?? null } };
  if (type === 'restored') return { ...told, withdrawn: null };
  if (type === 'activated') {
    if (before.lease !== null) throw new Error(`fact ${seq} grants token ${tokenId}, which is not free [I1]`);
    const { userId, fence, expiresAt, metadata } = row;
    const granted = { leaseId, userId, fence, activatedAt: at, expiresAt, ttlMs: expiresAt! - at, metadata };
    return { ...before, seq, restsUntil: null, keptUntil: null, lease: granted as Lease };
  }
  if (leaseId === null) return told;
  if (before.lease?.leaseId !== leaseId)
    throw new Error(`fact ${seq} (${type}) is of a lease that token ${tokenId} does not have`);
  if (type === 'renewed') return { ...told, lease: { ...before.lease, expiresAt: row.expiresAt! } };
  return { ...told, lease: null };
}

const detailsOf = ({ metadata }: LogRow) => (metadata ?? {}) as Record<string, Json>;

function instantIn(row: LogRow, name: string): number | null {
  const written = detailsOf(row)[name];
  return typeof written === 'string' ? Date.parse(written) : null;
}
