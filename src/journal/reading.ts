/** A database opened to be read and nothing else: nothing is migrated, nothing is asked for, nothing is written. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { sql } from 'drizzle-orm';
import { reasonOf } from '../cause.ts';
import type { AuditedLog } from './audited.ts';
import { readPoolNames, readPortion, readStanding } from './auditing.ts';
import type { Drizzle } from './database.ts';
import { migrationsFolder } from './migrations-folder.ts';
import { openPGliteToRead } from './pglite.ts';
import { openPostgresToRead } from './postgres.ts';

export interface Reading {
  /** Where it is, to be shown to people: never with a password. */
  readonly name: string;
  /** The names of all pools that there is anything of, in their order. */
  pools(): Promise<string[]>;
  log(pool: string): AuditedLog;
  close(): Promise<void>;
}

/** Throws where there is no log, or one that this version does not know. */
export async function openToRead(where: {
  databaseUrl?: string | undefined;
  dataDir: string;
}): Promise<Reading> {
  const { name, db, close } = where.databaseUrl
    ? openPostgresToRead(where.databaseUrl)
    : await openPGliteToRead(where.dataDir);
  const read = async <T>(reading: () => Promise<T>): Promise<T> => {
    try {
      return await reading();
    } catch (error) {
      throw new Error(`cannot check ${name}: ${reasonOf(error)}`, { cause: error });
    }
  };
  try {
    await read(() => checkMigrations(db));
  } catch (error) {
    await close();
    throw error;
  }
  return {
    name,
    pools: () => read(() => readPoolNames(db)),
    log: (pool) => ({
      standing: () => read(() => readStanding(db, pool)),
      portion: (...asked) => read(() => readPortion(db, pool, ...asked)),
    }),
    close,
  };
}

async function checkMigrations(db: Drizzle): Promise<void> {
  const [table] = await db
    .select({ isThere: sql<boolean>`to_regclass('drizzle.__drizzle_migrations') is not null` })
    .from(sql`(select 1) as once`);
  if (!table!.isThere) throw new Error('it has no event log: the service has never been started on it');
  const [applied] = await db
    .select({ newest: sql<number | null>`max(created_at)::float8` })
    .from(sql`drizzle.__drizzle_migrations`);
  const known = newestMigration();
  const newest = applied!.newest ?? 0;
  if (newest < known)
    throw new Error('a migration is missing: start the service of this version on it once, which applies it');
  if (newest > known) throw new Error('it is of a newer version: check it with that one');
}

/** The time of the newest migration that this version knows. */
function newestMigration(): number {
  const journal = JSON.parse(readFileSync(join(migrationsFolder, 'meta/_journal.json'), 'utf8')) as {
    entries: { when: number }[];
  };
  return Math.max(...journal.entries.map(({ when }) => when));
}
