/**
 * A Postgres server, shared by any number of processes. One connection writes and holds the
 * advisory lock, others read. When the writing connection breaks, another process may have taken the pools meanwhile.
 */
import { sql } from 'drizzle-orm';
import { drizzle, type PostgresJsDatabase } from 'drizzle-orm/postgres-js';
import type postgres from 'postgres';
import { reasonOf, rootCause } from '../cause.ts';
import { prepareAppend } from './append.ts';
import { connect, keepAlives, migrateAlone, session } from './connecting.ts';
import type { Database, DatabaseListener, Drizzle, Readable } from './database.ts';
import { Heartbeat, type HeartbeatTimes } from './heartbeat.ts';
import type { Store } from './store.ts';

const readConnections = 4;
const lookAgainMs = 250;

export interface PostgresTimes extends HeartbeatTimes {
  /** A read that takes longer is given up by the server too. */
  commitTimeoutMs: number;
}

/** `holder` is the id of this process. */
export async function openPostgres(
  url: string,
  holder: string,
  times: PostgresTimes,
  listener: DatabaseListener,
): Promise<Database> {
  const name = `Postgres at ${shown(url)}`;
  try {
    await migrateAlone(url, times.timers);
  } catch (error) {
    throw new Error(`cannot open ${name} (DATABASE_URL): ${reasonOf(error)}`, { cause: error });
  }
  return new Postgres(name, url, holder, times, listener);
}

/** To read it, and nothing else: the server would refuse. Connects when it is first asked. */
export function openPostgresToRead(url: string): Readable {
  const client = connect(url, {
    max: 2,
    connection: { ...session, application_name: 'leasehold verify', default_transaction_read_only: true },
  });
  return { name: `Postgres at ${shown(url)}`, db: drizzle(client), close: () => client.end({ timeout: 1 }) };
}

class Postgres implements Database {
  readonly name: string;
  readonly alone = false;
  readonly #url: string;
  readonly #times: PostgresTimes;
  readonly #heartbeat: Heartbeat;
  readonly #listener: DatabaseListener;
  #reader!: postgres.Sql;
  #read!: Drizzle;
  #writer!: postgres.Sql;
  #write!: PostgresJsDatabase;
  #append!: Store['append'];
  /** Whether the writing connection has the advisory lock. */
  #held = false;
  /** Counts what became of the writing connection. */
  #session = 0;
  /** The server's process behind the connection that had the lock last. */
  #backend: number | null = null;
  #mayEndOthers = true;
  #nextLook: unknown;

  constructor(name: string, url: string, holder: string, times: PostgresTimes, listener: DatabaseListener) {
    this.name = name;
    this.#url = url;
    this.#times = times;
    this.#listener = listener;
    // A connection of its own: what keeps the others busy must not make this process look dead.
    const connectPulse = () =>
      connect(url, {
        max: 1,
        // A promise need not outlive the server: a slow disk must not make this process look dead.
        connection: {
          ...session,
          statement_timeout: Math.ceil(times.silenceMs()),
          synchronous_commit: 'off',
        },
      });
    this.#heartbeat = new Heartbeat(connectPulse, holder, times, () => this.#lost());
    this.#connectReaders();
    this.#connectWriter();
  }

  get db(): Drizzle {
    return this.#read;
  }

  get opener(): Drizzle {
    return this.#write;
  }

  get held(): boolean {
    return this.#held;
  }

  async hold(): Promise<boolean> {
    if (await this.#lock()) return true;
    if (!this.#mayEndOthers || !(await this.#heartbeat.isHolderSilent())) return false;
    try {
      await this.#heartbeat.endHolder(this.#key);
    } catch (error) {
      if ((rootCause(error) as { code?: unknown }).code !== '42501') throw error;
      // Said once; the lock is all that is left to go by.
      this.#mayEndOthers = false;
      throw new Error('this role may not end the connection of a process that hangs (pg_terminate_backend)');
    }
    return this.#lock();
  }

  renew(): Promise<void> {
    return this.#heartbeat.renew();
  }

  async append(...[entries, opening]: Parameters<Store['append']>): Promise<void> {
    // Not getting it back stops nothing: whoever has it opens the pools next, and so fences this process out.
    if (!this.#held && !(await this.#lock())) this.#lookAgain();
    await this.#append(entries, opening);
  }

  async reset(): Promise<void> {
    const broken = this.#writer;
    this.#connectWriter();
    this.#heartbeat.reconnect();
    // It may have fallen silent with the lock in its hands, and nobody else would end it for this process.
    if (this.#backend !== null) this.#heartbeat.endOwn(this.#key, this.#backend).catch(() => {});
    this.#backend = null;
    await Promise.all([broken.end({ timeout: 0 }), this.resetReaders()]);
  }

  async resetReaders(): Promise<void> {
    const broken = this.#reader;
    this.#connectReaders();
    await broken.end({ timeout: 0 });
  }

  async close(): Promise<void> {
    this.#times.timers.clearTimeout(this.#nextLook);
    // The lock goes last but one: as long as it is held, it is heard that it is.
    await Promise.all([this.#writer.end({ timeout: 5 }), this.#reader.end({ timeout: 5 })]);
    await this.#heartbeat.close();
  }

  /** The words of versions that knew one pool, which so ask for the same lock. */
  get #key() {
    return sql`hashtextextended('leasehold pool default', 0)`;
  }

  /** Asks for the lock, on the connection that writes. */
  async #lock(): Promise<boolean> {
    const session = this.#session;
    const [row] = await this.#write.execute<{ held: boolean; backend: number }>(
      sql`select pg_try_advisory_lock(${this.#key}) as held, pg_backend_pid() as backend`,
    );
    if (row?.held !== true) return false;
    this.#backend = row.backend;
    await this.#heartbeat.begin();
    // A connection that broke meanwhile has taken the lock with it.
    this.#held = session === this.#session;
    if (!this.#held) this.#heartbeat.end();
    return this.#held;
  }

  #lost(): void {
    this.#held = false;
    this.#heartbeat.end();
    this.#listener.connectionLost();
  }

  /** Whoever has the lock opens the pools next: a process with nothing to append would never learn of it. */
  #lookAgain(): void {
    const { timers } = this.#times;
    timers.clearTimeout(this.#nextLook);
    this.#nextLook = timers.setTimeout(() => this.#listener.connectionLost(), lookAgainMs);
  }

  #connectReaders(): void {
    this.#reader = connect(this.#url, {
      max: readConnections,
      connection: { ...session, statement_timeout: this.#times.commitTimeoutMs },
    });
    this.#read = drizzle(this.#reader);
  }

  #connectWriter(): void {
    const writer = connect(this.#url, {
      max: 1,
      connection: { ...session, ...keepAlives },
      onclose: () => {
        if (writer !== this.#writer) return;
        this.#session++;
        if (this.#held) this.#lost();
      },
    });
    this.#session++;
    this.#held = false;
    this.#heartbeat.end();
    this.#writer = writer;
    this.#write = drizzle(writer);
    this.#append = prepareAppend(this.#write);
  }
}

function shown(url: string): string {
  const { hostname, port, pathname } = new URL(url);
  return `${hostname}:${port || 5432}${pathname}`;
}
