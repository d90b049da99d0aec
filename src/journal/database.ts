/**
 * What the journal needs of a database, and no more: embedded PGlite and Postgres are the two that give it.
 * Their differences end here: who else may have it open, how a connection is lost, what an error means.
 */
import type { PgDatabase, PgQueryResultHKT } from 'drizzle-orm/pg-core';
import { rootCause } from '../cause.ts';
import { Conflict, type Store } from './store.ts';

export type Drizzle = PgDatabase<PgQueryResultHKT>;

export interface Database
  extends Pick<
    Store,
    'name' | 'alone' | 'hold' | 'held' | 'renew' | 'append' | 'reset' | 'resetReaders' | 'close'
  > {
  /** For reading. */
  readonly db: Drizzle;
  /** For opening the pools: whoever ends the connection that has the lock ends what is half opened with it. */
  readonly opener: Drizzle;
}

/** One that is only read. */
export type Readable = Pick<Database, 'name' | 'db' | 'close'>;

/** What the database tells of its own accord. */
export interface DatabaseListener {
  /** The connection that held the pools is gone, and they are not had back. Said again until they are. */
  connectionLost(): void;
}

/** `conflict`: somebody else opened the pools, or wrote that seq. `bug`: it will never work. `lost`: it may work later. */
export type Failure = 'conflict' | 'bug' | 'lost';

export function failureOf(error: unknown): Failure {
  const cause = rootCause(error);
  if (cause instanceof Conflict) return 'conflict';
  // Ours, or an embedded database that has crashed: the process had better begin anew.
  if (cause instanceof Error && bugs.has(cause.name)) return 'bug';
  const code = sqlState(cause);
  if (code === '23505') return 'conflict';
  // Data exception, integrity constraint, syntax or access rule (SQL standard classes).
  return /^(22|23|42)/.test(code) ? 'bug' : 'lost';
}

/** The last one is WebAssembly's. */
const bugs = new Set(['TypeError', 'RangeError', 'ReferenceError', 'RuntimeError']);

/** The five characters by which Postgres says what went wrong; '' for any other error. */
function sqlState(cause: unknown): string {
  const { code } = (cause ?? {}) as { code?: unknown };
  return typeof code === 'string' && /^[0-9A-Z]{5}$/.test(code) ? code : '';
}

/**
 * Pages are read from the index that has their order, a page of it. Without statistics (a new log; PGlite has none
 * ever) Postgres takes a page for most of the log, and would fetch all of it by a bitmap to sort it.
 */
export const readsInOrder = { enable_bitmapscan: 'off' };
