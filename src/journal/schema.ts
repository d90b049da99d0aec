/**
 * The tables: `token_events`, which is only ever appended to, `tokens`, its current state in plain SQL, and what
 * goes with them: the pools and where their logs begin, which process serves them, and which keyed requests have been
 * answered.
 */
import { sql } from 'drizzle-orm';
import {
  bigint,
  bigserial,
  boolean,
  customType,
  index,
  jsonb,
  pgTable,
  primaryKey,
  text,
  uuid,
} from 'drizzle-orm/pg-core';
import type { FactType, Reason } from '../lease/fact.ts';
import type { Json, Labels, Status } from '../lease/lease.ts';

/** An instant: epoch milliseconds in code, `timestamptz(3)` in the database. */
const instant = customType<{ data: number; driverData: string }>({
  dataType: () => 'timestamp (3) with time zone',
  toDriver: (ms) => new Date(ms).toISOString(),
  // Postgres writes '2026-01-31 12:00:00.5+00'; the offset needs its minutes to be ISO 8601.
  fromDriver: (written) => Date.parse(written.replace(' ', 'T').replace(/([+-]\d\d)$/, '$1:00')),
});

const count = (name: string) => bigint(name, { mode: 'number' });

/** One row a fact. Append is compare-and-swap: two writers of the same seq collide on the primary key. */
export const tokenEvents = pgTable(
  'token_events',
  {
    pool: text().notNull(),
    /** Rises by one with every fact of the pool, without gaps. */
    seq: count('seq').notNull(),
    /** null for facts of the pool itself. */
    tokenId: uuid('token_id'),
    type: text().$type<FactType>().notNull(),
    reason: text().$type<Reason>().notNull(),
    userId: text('user_id'),
    leaseId: uuid('lease_id'),
    fence: count('fence'),
    /** When it happened, by the service's clock; how late an expiry was is `at - expires_at`. */
    at: instant('at').notNull(),
    expiresAt: instant('expires_at'),
    metadata: jsonb().$type<Json>(),
    /** Of this fact and all before it (see `chain.ts`); empty where it was written before there were digests. */
    digest: text().notNull().default(''),
  },
  (table) => [
    primaryKey({ columns: [table.pool, table.seq] }),
    index('token_events_by_token').on(table.pool, table.tokenId, table.seq),
    // What became of a lease. Only endings, one a lease: the live ones are known without the log.
    index('token_events_endings_by_lease').on(table.leaseId).where(sql`type in ('released', 'expired')`),
    // What maintenance a token was in at some time: rare facts, among all the others of a busy token.
    index('token_events_of_maintenance')
      .on(table.pool, table.tokenId, table.seq)
      .where(sql`type in ('withdrawn', 'restored')`),
  ],
);

/** The state of a token. */
const state = () => ({
  pool: text().notNull(),
  id: uuid().notNull(),
  name: text(),
  userId: text('user_id'),
  leaseId: uuid('lease_id'),
  fence: count('fence'),
  activatedAt: instant('activated_at'),
  expiresAt: instant('expires_at'),
  ttlMs: count('ttl_ms'),
  metadata: jsonb().$type<Json>(),
  restsUntil: instant('rests_until'),
  /** When it is deleted unless somebody asks for it. */
  keptUntil: instant('kept_until'),
  withdrawnNote: text('withdrawn_note'),
  /** The fact that made it so; 0 before the first. Ordered by it, tokens stand in their order of use. */
  seq: count('seq').notNull(),
});

/** One row a token, changed in the same statement as the facts: folding the log gives exactly this table. */
export const tokens = pgTable(
  'tokens',
  {
    ...state(),
    status: text().$type<Status>().notNull(),
    /** Out of use, with a note or without one; whoever holds it holds it on. */
    withdrawn: boolean().notNull().default(false),
    labels: jsonb().$type<Labels>().notNull().default({}),
    /** The order of their making, from 1: none has one that was another's before. */
    ordinal: count('ordinal').notNull(),
    /** The fact that it came by: its own, or that of the pool that was made with it; 0 where it was there before its log. */
    madeSeq: count('made_seq').notNull().default(0),
  },
  (table) => [primaryKey({ columns: [table.pool, table.id] })],
);

/** Tokens that have gone, by themselves or with their pool: who looks at an old moment finds them there again. */
export const pastTokens = pgTable(
  'past_tokens',
  {
    pool: text().notNull(),
    id: uuid().notNull(),
    name: text(),
    labels: jsonb().$type<Labels>().notNull(),
    ordinal: count('ordinal').notNull(),
    madeSeq: count('made_seq').notNull(),
    /** The fact that it went by. */
    goneSeq: count('gone_seq').notNull(),
  },
  (table) => [
    primaryKey({ columns: [table.pool, table.goneSeq, table.id] }),
    // Those of one moment, however many there have been before it and after it.
    index('past_tokens_by_life').using('gist', sql`int8range(made_seq, gone_seq)`),
  ],
);

/** Tokens as the facts that have been pruned left them: where folding the log begins. */
export const prunedTokens = pgTable(
  'pruned_tokens',
  {
    ...state(),
    /** Whether it has a lease; null where no fact has said so. */
    status: text().$type<'available' | 'active'>(),
    /** null where no fact has said so. */
    withdrawn: boolean(),
    /** null, as its name is, where no fact has said what it is like: the pool was made with it. */
    labels: jsonb().$type<Labels>(),
  },
  (table) => [primaryKey({ columns: [table.pool, table.id] })],
);

/** What is known of a pool beside its log, so that facts can be pruned and missing ones be found missing. */
export const pools = pgTable('pools', {
  pool: text().primaryKey(),
  /** Of its newest `opened` fact. */
  openedSeq: count('opened_seq').notNull(),
  /** What it goes by now; null once it is deleted, and before it was first opened with any. */
  options: jsonb().$type<Json>(),
  /** It has been deleted: no tokens are left, and its log goes on if it is made again. */
  closed: boolean().notNull().default(false),
  /** Over its tokens: what each of them is, and its place. */
  tokensDigest: text('tokens_digest').notNull(),
  /** Of the token that was made last, be it there or not. */
  lastOrdinal: count('last_ordinal').notNull().default(0),
  /** The chain of digests begins after this fact, and with its digest. */
  chainSeq: count('chain_seq').notNull(),
  chainDigest: text('chain_digest').notNull(),
  /** Every fact up to this one has been pruned. */
  prunedSeq: count('pruned_seq').notNull().default(0),
  /** As the pruned facts left it: how many tokens there were, the place of the newest, and the options. */
  prunedSize: count('pruned_size').notNull().default(0),
  prunedOrdinal: count('pruned_ordinal').notNull().default(0),
  prunedOptions: jsonb('pruned_options').$type<Json>(),
});

/** One row: how often the pools have been opened. Whoever writes does so by the number of its own opening, and no other. */
export const openings = pgTable('openings', {
  only: boolean().primaryKey().default(true),
  number: count('number').notNull(),
});

/** Which process holds the pools, and until when it has promised to be heard of again. One row, by an old name. */
export const tenures = pgTable('tenures', {
  pool: text().primaryKey(),
  holder: uuid().notNull(),
  aliveUntil: instant('alive_until').notNull(),
});

/** One row an Idempotency-Key: what was answered, written in the same statement as the facts it led to. */
export const keyedOutcomes = pgTable(
  'keyed_outcomes',
  {
    pool: text().notNull(),
    key: text().notNull(),
    /** Of the request: another one with the same key is refused. */
    fingerprint: text().notNull(),
    outcome: jsonb().notNull(),
    at: instant('at').notNull(),
    /** In the order of their writing, so that the oldest can go first. */
    ordinal: bigserial({ mode: 'number' }).notNull(),
  },
  (table) => [
    primaryKey({ columns: [table.pool, table.key] }),
    index('keyed_outcomes_by_age').on(table.ordinal),
  ],
);
