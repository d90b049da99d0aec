/**
 * Whether the process that holds the pool is still heard of. A process that hangs keeps its connections, and with
 * them the pool's lock: so it promises in the database to be heard of again before a given instant of the
 * database's clock, and one that stands by may end its connection when it is not. A courtesy as the lock is:
 * whoever was taken for hanging, and was not, can commit nothing after its successor has opened the pool.
 */
import { sql } from 'drizzle-orm';
import { drizzle, type PostgresJsDatabase } from 'drizzle-orm/postgres-js';
import type postgres from 'postgres';
import { inTime, type Timers } from './in-time.ts';
import { tenures } from './schema.ts';

/** In each time of silence allowed, so often. */
const beats = 4;
/** A promise that is broken by the clock must also be seen unrenewed for so long, lest the clock has been stepped. */
const unrenewedMs = 300;

export interface HeartbeatTimes {
  /** How long the process that holds a pool may be silent before another one takes it. */
  silenceMs: number;
  /** Elapsed time, in milliseconds. */
  now(): number;
  timers: Timers;
}

export class Heartbeat {
  readonly #connect: () => postgres.Sql;
  readonly #pool: string;
  readonly #holder: string;
  readonly #times: HeartbeatTimes;
  /** The pool is somebody else's now. */
  readonly #displaced: () => void;
  #client: postgres.Sql;
  #db: PostgresJsDatabase;
  #next: unknown;
  /** The last promise seen of whoever holds the pool, and since when. */
  #seen = { promise: '', since: 0 };

  constructor(
    connect: () => postgres.Sql,
    pool: string,
    holder: string,
    times: HeartbeatTimes,
    displaced: () => void,
  ) {
    this.#connect = connect;
    this.#pool = pool;
    this.#holder = holder;
    this.#times = times;
    this.#displaced = displaced;
    this.#client = connect();
    this.#db = drizzle(this.#client);
  }

  /** This process holds the pool: says so now, and from now on. */
  async begin(): Promise<void> {
    const promise = { holder: this.#holder, aliveUntil: this.#aliveUntil };
    await this.#db
      .insert(tenures)
      .values({ pool: this.#pool, ...promise })
      .onConflictDoUpdate({ target: tenures.pool, set: promise });
    this.#beatLater();
  }

  /** It does not hold the pool any more, as far as it knows. */
  end(): void {
    this.#times.timers.clearTimeout(this.#next);
    this.#next = undefined;
  }

  /** Whether the holder has been silent for too long. Known only by asking again and again. */
  async isHolderSilent(): Promise<boolean> {
    const [row] = await this.#db
      .select({
        promise: sql<string>`${tenures.holder} || ' ' || ${tenures.aliveUntil}`,
        isBroken: sql<boolean>`${tenures.aliveUntil} < clock_timestamp()`,
      })
      .from(tenures)
      .where(sql`${tenures.pool} = ${this.#pool}`);
    const now = this.#times.now();
    const promise = row?.promise ?? 'none';
    if (promise !== this.#seen.promise) this.#seen = { promise, since: now };
    const unrenewed = now - this.#seen.since;
    if (row?.isBroken && unrenewed >= unrenewedMs) return true;
    // Whatever the database's clock says: it may have been stepped back.
    return unrenewed >= 2 * this.#times.silenceMs;
  }

  /** Ends the connection that has the lock `key`. The next holder then has all its time. */
  async endHolder(key: ReturnType<typeof sql>): Promise<void> {
    this.#seen = { promise: '', since: 0 };
    await this.#db.execute(sql`
      select pg_terminate_backend(pid, 200) from pg_locks
      where locktype = 'advisory' and granted and objsubid = 1
        and database = (select oid from pg_database where datname = current_database())
        and ((classid::bigint << 32) | objid::bigint) = ${key}`);
  }

  /** Breaks what is under way and connects anew. */
  reconnect(): void {
    const broken = this.#client;
    this.#client = this.#connect();
    this.#db = drizzle(this.#client);
    broken.end({ timeout: 0 }).catch(() => {});
  }

  async close(): Promise<void> {
    this.end();
    await this.#client.end({ timeout: 1 });
  }

  get #aliveUntil() {
    return sql`clock_timestamp() + make_interval(secs => ${this.#times.silenceMs / 1000})`;
  }

  #beatLater(): void {
    const { timers, silenceMs } = this.#times;
    this.end();
    this.#next = timers.setTimeout(() => this.#beat(), silenceMs / beats);
  }

  async #beat(): Promise<void> {
    const mine = this.#next;
    try {
      const renewed = await inTime(this.#times.timers, this.#times.silenceMs, this.#renew());
      if (this.#next !== mine) return;
      if (renewed) this.#beatLater();
      else this.#displaced();
    } catch {
      if (this.#next !== mine) return;
      // Whether the database is there is for the commits to find out; this has only to be heard again in time.
      this.reconnect();
      this.#beatLater();
    }
  }

  async #renew(): Promise<boolean> {
    const renewed = await this.#db
      .update(tenures)
      .set({ aliveUntil: this.#aliveUntil })
      .where(sql`${tenures.pool} = ${this.#pool} and ${tenures.holder} = ${this.#holder}`)
      .returning({ pool: tenures.pool });
    return renewed.length > 0;
  }
}
