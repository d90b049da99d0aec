/** A pool as it was after any fact of its log, and what it did in the hour before it. */
import { z } from 'zod';
import { optionsWhole } from '../declared/options-schema.ts';
import { statuses, statusOf } from '../lease/lease.ts';
import { countsOf, type Moment, type PicturedToken, type Snapshot } from '../lease/picture.ts';
import { map } from '../lease/refusal.ts';
import type { Statistics } from '../lease/statistics.ts';
import { instant, iso, isoOrNull, tokenId } from './answers.ts';
import type { Place } from './place.ts';
import { type AnyRoute, route } from './route.ts';

/** How the clock of the service goes. */
export const clockKinds = ['system', 'simulated'] as const;
export type ClockKind = (typeof clockKinds)[number];

const tag = 'Event log';

const seq = z
  .string()
  .regex(/^[1-9]\d{0,14}$/, 'must be the seq of an event, from 1')
  .transform(Number)
  .optional()
  .openapi({ type: 'integer', minimum: 1, description: 'After this event; the newest one unless said' });
/** Years of four digits: what a database knows as well. */
const years = { from: Date.parse('0001-01-01T00:00:00Z'), to: Date.UTC(10_000) };
const at = z.iso
  .datetime({ offset: true, error: 'must be an ISO 8601 instant, as 2026-01-31T12:00:00.000Z' })
  .transform((text) => Date.parse(text))
  // By UTC: an offset can lead out of them.
  .refine((at) => at >= years.from && at < years.to, 'must be in the years 0001 to 9999')
  .optional()
  .openapi({ type: 'string', format: 'date-time', description: 'After the newest event by then' });
const snapshotQuery = z
  .strictObject({ seq, at })
  .refine((query) => query.seq === undefined || query.at === undefined, {
    path: ['at'],
    error: 'means nothing beside seq',
  });
const statisticsQuery = z.strictObject({ seq });
const count = z.int().min(0);

const SnapshotToken = z
  .strictObject({
    token_id: tokenId,
    name: z.string().nullable(),
    labels: z.record(z.string(), z.string()),
    status: z.enum(statuses),
    user_id: z.string().nullable(),
    fence: z.int().nullable(),
    activated_at: instant.nullable(),
    expires_at: instant.nullable(),
    rests_until: instant.nullable(),
    kept_until: instant.nullable(),
    withdrawn: z.boolean().openapi({ description: 'Out of use; a lease that it has runs out' }),
    note: z.string().nullable(),
    used_seq: count.openapi({
      description:
        'Its place in the order of use: among the free ones the least is granted next, among those held evicted next under `lru`',
    }),
  })
  .openapi('SnapshotToken');

const SnapshotAnswer = z
  .strictObject({
    pool: z.string(),
    seq: count.openapi({ description: 'The fact after which the pool was so' }),
    at: instant.openapi({ description: 'When that happened' }),
    now: instant.openapi({ description: 'By the clock of the service' }),
    clock: z.enum(clockKinds),
    oldest_seq: count.openapi({ description: 'The first fact that can be looked back to' }),
    head_seq: count.openapi({ description: 'The newest' }),
    options: optionsWhole.nullable().openapi({
      description: 'As they were then; null where there was no pool then, or its log does not say',
    }),
    counts: z.strictObject({
      available: count,
      active: count,
      resting: count,
      withdrawn: count,
      total: count,
    }),
    tokens: z.array(SnapshotToken).openapi({ description: 'In the order of their making' }),
  })
  .openapi('Snapshot');

const StatisticsAnswer = z
  .strictObject({
    pool: z.string(),
    seq: count,
    from: instant.openapi({ description: 'What is counted came after it' }),
    to: instant,
    complete: z
      .boolean()
      .openapi({ description: 'false: `from` is not an hour ago, there is too much to count' }),
    facts: count,
    buckets: z
      .array(
        z.strictObject({
          at: instant.openapi({ description: 'Its end' }),
          active: count.openapi({ description: 'Leases at its end' }),
          activated: count,
          evicted: count,
          released: count.openapi({ description: 'But not by an eviction' }),
          expired: count,
        }),
      )
      .openapi({ description: 'A minute each, oldest first; those that end after `from`' }),
    held: z
      .array(z.strictObject({ up_to_ms: z.int().nullable(), leases: count }))
      .openapi({ description: 'Leases that ended, by how long they had been held' }),
  })
  .openapi('Statistics');

export const snapshotRoutes = (place: Place, clock: ClockKind): AnyRoute[] => [
  snapshot(place, clock),
  statistics(place),
];

const snapshot = (place: Place, clock: ClockKind): AnyRoute =>
  route({
    method: 'get',
    path: `${place.base}/snapshot`,
    tag,
    summary: 'The pool as it was at any moment',
    description:
      'After the fact `seq`, or after the newest one at or before the instant `at`; without either as it is now. Told from the log: to follow on ' +
      'from there, ask `/events` or `/events/stream` for what came after `seq`. All tokens at once, however many there are.',
    params: place.params,
    query: snapshotQuery,
    answer: SnapshotAnswer,
    refusals: ['cursor_ahead', 'moment_pruned'],
    handle: ({ params, query: { seq, at } }) => {
      const moment: Moment = seq !== undefined ? { seq } : at !== undefined ? { at } : 'newest';
      return place.ask(params, async (pool) =>
        map(await pool.reads.back.snapshot(moment), (found) => ({
          pool: pool.name,
          now: iso(pool.now()),
          clock,
          ...snapshotOut(found),
        })),
      );
    },
  });

const statistics = (place: Place): AnyRoute =>
  route({
    method: 'get',
    path: `${place.base}/statistics`,
    tag,
    summary: 'What the pool did in the hour before a fact',
    description:
      'Before the fact `seq`, or before the newest one: minute by minute, and for how long leases were held that ended.',
    params: place.params,
    query: statisticsQuery,
    answer: StatisticsAnswer,
    refusals: ['cursor_ahead', 'moment_pruned'],
    handle: ({ params, query: { seq } }) =>
      place.ask(params, async (pool) =>
        map(await pool.reads.back.statistics(seq ?? null), (found) => ({
          pool: pool.name,
          ...statisticsOut(found),
        })),
      ),
  });

const snapshotOut = (found: Snapshot) => ({
  seq: found.seq,
  at: iso(found.at),
  oldest_seq: found.oldestSeq,
  head_seq: found.headSeq,
  options: found.options as z.infer<typeof optionsWhole> | null,
  counts: countsOf(found.tokens),
  tokens: found.tokens.map(tokenOut),
});

const tokenOut = (token: PicturedToken): z.infer<typeof SnapshotToken> => ({
  token_id: token.tokenId,
  name: token.name,
  labels: { ...token.labels },
  status: statusOf(token),
  user_id: token.lease?.userId ?? null,
  fence: token.lease?.fence ?? null,
  activated_at: isoOrNull(token.lease?.activatedAt ?? null),
  expires_at: isoOrNull(token.lease?.expiresAt ?? null),
  rests_until: isoOrNull(token.restsUntil),
  kept_until: isoOrNull(token.keptUntil),
  withdrawn: token.withdrawn !== null,
  note: token.withdrawn?.note ?? null,
  used_seq: token.usedSeq,
});

const statisticsOut = ({ seq, from, to, complete, facts, buckets, held }: Statistics) => ({
  seq,
  from: iso(from),
  to: iso(to),
  complete,
  facts,
  buckets: buckets.map((bucket) => ({ ...bucket, at: iso(bucket.at) })),
  held: held.map(({ upToMs, leases }) => ({ up_to_ms: upToMs, leases })),
});
