/**
 * Whether the process that holds the pools is still heard of. A process that hangs keeps its connections, and with
 * them the lock: so it promises in the database to be heard of again before a given instant of the
 * database's clock, and one that stands by may end its connection when it is not. A courtesy as the lock is:
 * whoever was taken for hanging, and was not, can commit nothing after its successor has opened the pools.
 */
import { type SQL, sql } from 'drizzle-orm';
import { drizzle, type PostgresJsDatabase } from 'drizzle-orm/postgres-js';
import type postgres from 'postgres';
import { inTime, type Timers } from './in-time.ts';
import { tenures } from './schema.ts';

/** The row of `tenures`: named by versions that knew one pool, which so look at the same promise. */
const row = 'default';
/** In each time of silence allowed so often, or oftener. */
const beatsLeast = 4;
const beatMsMost = 250;
/** A step that waits for it waits no longer. */
const renewMsMost = 1000;
/** A promise that is broken by the clock must also be seen unrenewed for so long, lest the clock has been stepped. */
const unrenewedMs = 300;

export interface HeartbeatTimes {
  /** How long the process that holds the pools may be silent from now on, before another one takes them. */
  silenceMs(): number;
  /** Elapsed time, in milliseconds. */
  now(): number;
  timers: Timers;
}

/** A promise of whoever holds the pools, as it was when it was first seen. */
interface Promised {
  words: string;
  seenAt: number;
  /** How long it had to go. */
  lengthMs: number;
}

const nothingSeen: Promised = { words: '', seenAt: 0, lengthMs: 0 };

export class Heartbeat {
  readonly #connect: () => postgres.Sql;
  readonly #holder: string;
  readonly #times: HeartbeatTimes;
  /** The pools are somebody else's now. */
  readonly #displaced: () => void;
  #client: postgres.Sql;
  #db: PostgresJsDatabase;
  #next: unknown;
  #seen = nothingSeen;

  constructor(connect: () => postgres.Sql, holder: string, times: HeartbeatTimes, displaced: () => void) {
    this.#connect = connect;
    this.#holder = holder;
    this.#times = times;
    this.#displaced = displaced;
    this.#client = connect();
    this.#db = drizzle(this.#client);
  }

  /** This process holds the pools: says so now, and from now on. */
  begin(): Promise<void> {
    this.end();
    // Only to be told from the time before it, until the next beat is due.
    this.#next = {};
    return this.#beat(() => this.#promise());
  }

  /** It does not hold the pools any more, as far as it knows. */
  end(): void {
    this.#times.timers.clearTimeout(this.#next);
    this.#next = undefined;
  }

  /** Renews the promise at once: it is a longer one from now on. */
  async renew(): Promise<void> {
    if (this.#next !== undefined) await inTime(this.#times.timers, renewMsMost, this.#renew());
  }

  /** Whether the holder has been silent for too long. Known only by asking again and again. */
  async isHolderSilent(): Promise<boolean> {
    // Before the question: while its answer is under way, this process may have been stopped itself.
    const askedAt = this.#times.now();
    const [promised] = await this.#db
      .select({
        words: this.#words,
        lengthMs: sql<number>`extract(epoch from ${tenures.aliveUntil} - clock_timestamp())::float8 * 1000`,
      })
      .from(tenures)
      .where(sql`${tenures.pool} = ${row}`);
    const { words, lengthMs } = promised ?? { words: '', lengthMs: 0 };
    if (words !== this.#seen.words || this.#seen === nothingSeen)
      this.#seen = { words, lengthMs, seenAt: this.#times.now() };
    const unrenewed = askedAt - this.#seen.seenAt;
    if (promised && lengthMs < 0 && unrenewed >= unrenewedMs) return true;
    // Whatever the database's clock says by now: it may have been stepped back.
    return unrenewed >= 2 * Math.max(this.#times.silenceMs(), this.#seen.lengthMs);
  }

  /** Ends the connection that has the lock `key`, unless its holder has been heard of meanwhile. The next one has all its time. */
  async endHolder(key: SQL): Promise<void> {
    const { words } = this.#seen;
    this.#seen = nothingSeen;
    const promise = sql`select from ${tenures} where ${tenures.pool} = ${row}`;
    await this.#db.execute(sql`
      select pg_terminate_backend(pid, 200) ${locksOf(key)}
        and ${words === '' ? sql`not exists (${promise})` : sql`exists (${promise} and ${this.#words} = ${words})`}`);
  }

  /** Ends a connection of this process's own, should it still have the lock: nothing else can be asked of it. */
  async endOwn(key: SQL, backend: number): Promise<void> {
    await this.#db.execute(sql`select pg_terminate_backend(pid) ${locksOf(key)} and pid = ${backend}`);
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

  get #words() {
    return sql<string>`${tenures.holder} || ' ' || ${tenures.aliveUntil}`;
  }

  get #aliveUntil() {
    return sql`clock_timestamp() + make_interval(secs => ${this.#times.silenceMs() / 1000})`;
  }

  /** Says once that this process is there; then again and again. */
  async #beat(say: () => Promise<boolean>): Promise<void> {
    const { timers } = this.#times;
    const silenceMs = this.#times.silenceMs();
    const mine = this.#next;
    const over = () => this.#next !== mine;
    try {
      const isHolder = await inTime(timers, silenceMs / 2, say());
      if (over()) return;
      if (!isHolder) return this.#displaced();
      const soon = Math.min(beatMsMost, silenceMs / beatsLeast);
      this.#next = timers.setTimeout(() => this.#beat(() => this.#renew()), soon);
    } catch {
      if (over()) return;
      // Whether the database is there is for the commits to find out; this has only to be heard again in time.
      this.reconnect();
      this.#next = timers.setTimeout(() => this.#beat(say), silenceMs / 20);
    }
  }

  async #promise(): Promise<boolean> {
    const promise = { holder: this.#holder, aliveUntil: this.#aliveUntil };
    await this.#db
      .insert(tenures)
      .values({ pool: row, ...promise })
      .onConflictDoUpdate({ target: tenures.pool, set: promise });
    return true;
  }

  async #renew(): Promise<boolean> {
    const renewed = await this.#db
      .update(tenures)
      .set({ aliveUntil: this.#aliveUntil })
      .where(sql`${tenures.pool} = ${row} and ${tenures.holder} = ${this.#holder}`)
      .returning({ pool: tenures.pool });
    return renewed.length > 0;
  }
}

/** From the locks that are held, those of the 64 bits `key`. */
const locksOf = (key: SQL): SQL => sql`
  from pg_locks
  where locktype = 'advisory' and granted and objsubid = 1
    and database = (select oid from pg_database where datname = current_database())
    and ((classid::bigint << 32) | objid::bigint) = ${key}`;
