/** Connections to a Postgres server, all alike in how they read and write, and the migrations that go before them. */
import { drizzle } from 'drizzle-orm/postgres-js';
import { migrate } from 'drizzle-orm/postgres-js/migrator';
import postgres from 'postgres';
import { readsInOrder } from './database.ts';
import { inTime, type Timers } from './in-time.ts';
import { migrationsFolder } from './migrations-folder.ts';

const connectTimeoutSeconds = 5;
/** How long the migrations of another process are waited for. */
const migrationsTimeoutMs = 60_000;

/** Instants are read as they are written in ISO 8601, whatever the database's own settings say. */
export const session = { application_name: 'leasehold', DateStyle: 'ISO', TimeZone: 'UTC', ...readsInOrder };

/**
 * A host that is gone without a word leaves its connections open. The server looks for it after 5 s of silence, and
 * with 2 × 2 s more it gives the pool's lock to whoever stands by.
 */
export const keepAlives = { tcp_keepalives_idle: 5, tcp_keepalives_interval: 2, tcp_keepalives_count: 2 };

type Options = postgres.Options<Record<string, postgres.PostgresType>>;

export function connect(url: string, options: Options): postgres.Sql {
  return postgres(url, {
    connect_timeout: connectTimeoutSeconds,
    // A connection that ended for its age would take the advisory lock with it.
    max_lifetime: null,
    // Nothing here is an array. The driver would ask for their types first, and nobody hears of it if that fails: a bug, then.
    fetch_types: false,
    onnotice: () => {},
    connection: session,
    ...options,
  });
}

/** Applies the migrations, one process at a time. */
export async function migrateAlone(url: string, timers: Timers): Promise<void> {
  const client = connect(url, {
    max: 1,
    connection: { ...session, ...keepAlives, lock_timeout: migrationsTimeoutMs },
  });
  try {
    // Migrations of another process may take their time, but there has to be an answer at all.
    await inTime(timers, 2000 * connectTimeoutSeconds, client`select 1`);
    await client`select pg_advisory_lock(hashtextextended('leasehold migrations', 0))`;
    await migrate(drizzle(client), { migrationsFolder });
  } finally {
    await client.end({ timeout: 1 });
  }
}
