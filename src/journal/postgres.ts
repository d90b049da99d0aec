/**
 * A Postgres server, shared by any number of processes. One connection writes and holds the pool's advisory
 * lock, others read. When the writing connection breaks, another process may have taken the pool meanwhile.
 */
import { sql } from 'drizzle-orm';
import { drizzle, type PostgresJsDatabase } from 'drizzle-orm/postgres-js';
import { migrate } from 'drizzle-orm/postgres-js/migrator';
import postgres from 'postgres';
import type { Fact } from '../lease/fact.ts';
import { prepareAppend } from './append.ts';
import { causeOf, type Database, type DatabaseListener, type Drizzle } from './database.ts';
import { migrationsFolder } from './migrations-folder.ts';

const readConnections = 4;
const connectTimeoutSeconds = 5;
const lookAgainMs = 250;

export async function openPostgres(url: string, pool: string, listener: DatabaseListener): Promise<Database> {
  const name = `Postgres at ${shown(url)}`;
  try {
    await migrateAlone(url);
  } catch (error) {
    throw new Error(`cannot open ${name} (DATABASE_URL): ${causeOf(error)}`, { cause: error });
  }
  return new Postgres(name, url, pool, listener);
}

class Postgres implements Database {
  readonly name: string;
  readonly db: Drizzle;
  readonly #url: string;
  readonly #pool: string;
  readonly #listener: DatabaseListener;
  readonly #reader: postgres.Sql;
  #writer!: postgres.Sql;
  #write!: PostgresJsDatabase;
  #append!: (facts: readonly Fact[]) => Promise<void>;
  /** Whether the writing connection has the advisory lock. */
  #held = false;
  #nextLook: NodeJS.Timeout | undefined;

  constructor(name: string, url: string, pool: string, listener: DatabaseListener) {
    this.name = name;
    this.#url = url;
    this.#pool = pool;
    this.#listener = listener;
    this.#reader = connect(url, { max: readConnections });
    this.db = drizzle(this.#reader);
    this.#connectWriter();
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

  #connectWriter(): void {
    const writer = connect(this.#url, {
      max: 1,
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
    connection: { application_name: 'leasehold' },
    ...options,
  });
}

/** Applies the migrations, one process at a time. */
async function migrateAlone(url: string): Promise<void> {
  const client = connect(url, { max: 1 });
  try {
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
