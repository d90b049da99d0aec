/**
 * A Postgres server, shared by any number of processes. One connection writes and holds the pool's advisory
 * lock, others read. When the writing connection breaks, another process may have taken the pool meanwhile.
 */
import { sql } from 'drizzle-orm';
import { drizzle, type PostgresJsDatabase } from 'drizzle-orm/postgres-js';
import { migrate } from 'drizzle-orm/postgres-js/migrator';
import postgres from 'postgres';
import { reasonOf } from '../cause.ts';
import type { Fact } from '../lease/fact.ts';
import { prepareAppend } from './append.ts';
import type { Database, DatabaseListener, Drizzle } from './database.ts';
import { inTime } from './in-time.ts';
import { migrationsFolder } from './migrations-folder.ts';

const readConnections = 4;
const connectTimeoutSeconds = 5;
const lookAgainMs = 250;
/** How long the migrations of another process are waited for. */
const migrationsTimeoutMs = 60_000;

/** Instants are read as they are written in ISO 8601, whatever the database's own settings say. */
const session = { application_name: 'leasehold', DateStyle: 'ISO', TimeZone: 'UTC' };

/**
 * A host that is gone without a word leaves its connections open. The server looks for it after 5 s of silence, and
 * with 2 × 2 s more it gives the pool's lock to whoever stands by.
 */
const keepAlives = { tcp_keepalives_idle: 5, tcp_keepalives_interval: 2, tcp_keepalives_count: 2 };

/** A read that takes longer than `readTimeoutMs` is given up by the server too. */
export async function openPostgres(
  url: string,
  pool: string,
  readTimeoutMs: number,
  listener: DatabaseListener,
): Promise<Database> {
  const name = `Postgres at ${shown(url)}`;
  try {
    await migrateAlone(url);
  } catch (error) {
    throw new Error(`cannot open ${name} (DATABASE_URL): ${reasonOf(error)}`, { cause: error });
  }
  return new Postgres(name, url, pool, readTimeoutMs, listener);
}

class Postgres implements Database {
  readonly name: string;
  readonly #url: string;
  readonly #pool: string;
  readonly #readTimeoutMs: number;
  readonly #listener: DatabaseListener;
  #reader!: postgres.Sql;
  #read!: Drizzle;
  #writer!: postgres.Sql;
  #write!: PostgresJsDatabase;
  #append!: (facts: readonly Fact[]) => Promise<void>;
  /** Whether the writing connection has the advisory lock. */
  #held = false;
  #nextLook: NodeJS.Timeout | undefined;

  constructor(name: string, url: string, pool: string, readTimeoutMs: number, listener: DatabaseListener) {
    this.name = name;
    this.#url = url;
    this.#pool = pool;
    this.#readTimeoutMs = readTimeoutMs;
    this.#listener = listener;
    this.#connectReaders();
    this.#connectWriter();
  }

  get db(): Drizzle {
    return this.#read;
  }

  get held(): boolean {
    return this.#held;
  }

  async hold(): Promise<boolean> {
    const key = sql`hashtextextended(${`leasehold pool ${this.#pool}`}, 0)`;
    const [row] = await this.#write.execute<{ held: boolean }>(
      sql`select pg_try_advisory_lock(${key}) as held`,
    );
    this.#held = row?.held === true;
    return this.#held;
  }

  async append(facts: readonly Fact[]): Promise<void> {
    // Not getting it back stops nothing: whoever has it opens the pool next, and so fences this process out.
    if (!this.#held && !(await this.hold())) this.#lookAgain();
    if (facts.length > 0) await this.#append(facts);
  }

  async reset(): Promise<void> {
    const broken = this.#writer;
    this.#connectWriter();
    await Promise.all([broken.end({ timeout: 0 }), this.resetReaders()]);
  }

  async resetReaders(): Promise<void> {
    const broken = this.#reader;
    this.#connectReaders();
    await broken.end({ timeout: 0 });
  }

  async close(): Promise<void> {
    clearTimeout(this.#nextLook);
    await Promise.all([this.#writer.end({ timeout: 5 }), this.#reader.end({ timeout: 5 })]);
  }

  /** Whoever has the lock opens the pool next: a process with nothing to append would never learn of it. */
  #lookAgain(): void {
    clearTimeout(this.#nextLook);
    this.#nextLook = setTimeout(() => this.#listener.connectionLost(), lookAgainMs).unref();
  }

  #connectReaders(): void {
    this.#reader = connect(this.#url, {
      max: readConnections,
      connection: { ...session, statement_timeout: this.#readTimeoutMs },
    });
    this.#read = drizzle(this.#reader);
  }

  #connectWriter(): void {
    const writer = connect(this.#url, {
      max: 1,
      connection: { ...session, ...keepAlives },
      onclose: () => {
        if (writer !== this.#writer || !this.#held) return;
        this.#held = false;
        this.#listener.connectionLost();
      },
    });
    this.#held = false;
    this.#writer = writer;
    this.#write = drizzle(writer);
    this.#append = prepareAppend(this.#write, this.#pool);
  }
}

type Options = postgres.Options<Record<string, postgres.PostgresType>>;

function connect(url: string, options: Options): postgres.Sql {
  return postgres(url, {
    connect_timeout: connectTimeoutSeconds,
    // A connection that ended for its age would take the advisory lock with it.
    max_lifetime: null,
    onnotice: () => {},
    connection: session,
    ...options,
  });
}

/** Applies the migrations, one process at a time. */
async function migrateAlone(url: string): Promise<void> {
  const client = connect(url, {
    max: 1,
    connection: { ...session, ...keepAlives, lock_timeout: migrationsTimeoutMs },
  });
  try {
    // Migrations of another process may take their time, but there has to be an answer at all.
    await inTime(2000 * connectTimeoutSeconds, client`select 1`);
    await client`select pg_advisory_lock(hashtextextended('leasehold migrations', 0))`;
    await migrate(drizzle(client), { migrationsFolder });
  } finally {
    await client.end({ timeout: 1 });
  }
}

function shown(url: string): string {
  const { hostname, port, pathname } = new URL(url);
  return `${hostname}:${port || 5432}${pathname}`;
}
