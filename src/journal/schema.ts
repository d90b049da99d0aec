/**
 * The tables: `token_events`, which is only ever appended to, `tokens`, its current state in plain SQL, and what
 * goes with them: who holds a pool, where its log begins, and which keyed requests have been answered.
 */
import { sql } from 'drizzle-orm';
import {
  bigint,
  bigserial,
  customType,
  index,
  integer,
  jsonb,
  pgTable,
  primaryKey,
  text,
  uuid,
} from 'drizzle-orm/pg-core';
import type { FactType, Reason } from '../lease/fact.ts';
import type { Json } from '../lease/lease.ts';

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
  ],
);

/** The state of a token. */
const state = () => ({
  pool: text().notNull(),
  id: uuid().notNull(),
  status: text().$type<'available' | 'active'>().notNull(),
  userId: text('user_id'),
  leaseId: uuid('lease_id'),
  fence: count('fence'),
  activatedAt: instant('activated_at'),
  expiresAt: instant('expires_at'),
  ttlMs: count('ttl_ms'),
  metadata: jsonb().$type<Json>(),
  /** The fact that made it so; 0 before the first. Ordered by it, tokens stand in their order of use. */
  seq: count('seq').notNull(),
});

/** One row a token, changed in the same statement as the facts: folding the log gives exactly this table. */
export const tokens = pgTable(
  'tokens',
  {
    ...state(),
    /** The order of the pool's making. */
    ordinal: integer().notNull(),
  },
  (table) => [primaryKey({ columns: [table.pool, table.id] })],
);

/** Tokens as the facts that have been pruned left them: where folding the log begins. */
export const prunedTokens = pgTable('pruned_tokens', state(), (table) => [
  primaryKey({ columns: [table.pool, table.id] }),
]);

/** What is known of a pool beside its log, so that facts can be pruned and missing ones be found missing. */
export const pools = pgTable('pools', {
  pool: text().primaryKey(),
  /** Of its newest `opened` fact. */
  openedSeq: count('opened_seq').notNull(),
  /** Over the ids of its tokens, in their order. */
  tokensDigest: text('tokens_digest').notNull(),
  /** The chain of digests begins after this fact, and with its digest. */
  chainSeq: count('chain_seq').notNull(),
  chainDigest: text('chain_digest').notNull(),
  /** Every fact up to this one has been pruned. */
  prunedSeq: count('pruned_seq').notNull().default(0),
});

/** Who holds a pool, and until when it has promised to be heard of again. */
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
