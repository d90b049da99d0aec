/** What an answer carries: the zod schemas that check it and make the OpenAPI document, and the way into them. */
import { extendZodWithOpenApi } from '@asteasolutions/zod-to-openapi';
import { z } from 'zod';
import { type FactType, factTypes, type Reason, reasons } from '../lease/fact.ts';
import { type Json, type Lease, statuses, statusOf } from '../lease/lease.ts';
import type { FactView, LeaseView, TokenView } from '../lease/view.ts';
import { type ProblemCode, problemCodes } from './problem.ts';

extendZodWithOpenApi(z);

// What the service says itself is checked for its shape; the formats are a promise that the tests keep.
export const tokenId = z
  .string()
  .openapi({ format: 'uuid', example: '7a1e2b6c-0f0d-4a53-9c1e-5d1f0a3b9a11' });
export const instant = z.string().openapi({ format: 'date-time', example: '2026-01-31T12:00:00.000Z' });
const milliseconds = z.int().min(0);
const knownReasons = Object.values(reasons).flat() as [Reason, ...Reason[]];
const reason = z.enum(knownReasons);
/** Why a lease is over. */
export const endReason = z.enum([...reasons.released, ...reasons.expired]);
const type = z.enum(factTypes as [FactType, ...FactType[]]);

export const leaseMembers = {
  token_id: tokenId,
  user_id: z.string(),
  fence: z
    .int()
    .openapi({ description: 'Rises with every grant: let the guarded resource refuse smaller ones' }),
  status: z.literal('active'),
  activated_at: instant,
  expires_at: instant,
  expires_in_ms: milliseconds,
  renew_after_ms: milliseconds.openapi({ description: 'A good time for the next keep-alive' }),
};

export const leaseId = z
  .string()
  .openapi({ format: 'uuid', description: 'Whoever knows it is the holder; shown to nobody else' });

export const LeaseAnswer = z.strictObject({ ...leaseMembers, lease_id: leaseId.optional() }).openapi('Lease');
export const ReleasedAnswer = z
  .strictObject({ ok: z.literal(true), token_id: tokenId, user_id: z.string() })
  .openapi('Released');
export const ReleasedAllAnswer = z.strictObject({ released: z.int().min(0) }).openapi('ReleasedAll');

const shownMetadata = z
  .custom<Json>((value) => value !== undefined)
  .openapi({ type: ['object', 'null'], description: 'What the holder gave along; null if nothing' });

const tokenMembers = {
  id: tokenId,
  name: z.string().nullable(),
  labels: z.record(z.string(), z.string()),
  status: z.enum(statuses),
  user_id: z.string().nullable(),
  fence: z.int().nullable(),
  activated_at: instant.nullable(),
  expires_at: instant.nullable(),
  expires_in_ms: milliseconds.nullable(),
  metadata: shownMetadata,
  rests_until: instant.nullable().openapi({ description: 'With `resting`: when it can be had again' }),
  kept_until: instant.nullable().openapi({ description: 'When it is deleted unless somebody asks for it' }),
  withdrawn: z
    .strictObject({ note: z.string().nullable() })
    .nullable()
    .openapi({ description: 'Out of use; a lease that it has runs out' }),
};
export const TokenShape = z.strictObject(tokenMembers).openapi('Token');
export const counts = z.strictObject({
  available: z.int(),
  active: z.int(),
  total: z.int(),
  waiting: z.int(),
});

const nextCursor = z.string().nullable().openapi({ description: 'null on the last page' });
export const TokensAnswer = z
  .strictObject({ tokens: z.array(TokenShape), counts, next_cursor: nextCursor })
  .openapi('Tokens');

const PastLeaseShape = z
  .strictObject({
    user_id: z.string(),
    activated_at: instant,
    ended_at: instant.nullable().openapi({ description: 'null while it lasts' }),
    end_reason: endReason.nullable(),
  })
  .openapi('PastLease');
export const TokenAnswer = z
  .strictObject({
    ...tokenMembers,
    history: z.array(PastLeaseShape).openapi({ description: 'The ten newest leases' }),
  })
  .openapi('TokenWithHistory');
export const HistoryAnswer = z
  .strictObject({ token_id: tokenId, history: z.array(PastLeaseShape), next_cursor: nextCursor })
  .openapi('History');

const EventShape = z
  .strictObject({
    seq: z.int(),
    token_id: tokenId.nullable(),
    type,
    reason,
    user_id: z.string().nullable(),
    fence: z.int().nullable(),
    at: instant,
    expires_at: instant.nullable(),
    metadata: shownMetadata,
  })
  .openapi('Event');
const eventPage = { events: z.array(EventShape), next_cursor: nextCursor };
export const EventStream = z
  .custom<ReadableStream>()
  .openapi({ type: 'string', description: 'Server-Sent Events without end' });
export const EventsAnswer = z.strictObject(eventPage).openapi('Events');
// Not an extension of the other: in JSON Schema each of the two would forbid the members of its fellow.
export const TokenEventsAnswer = z.strictObject({ token_id: tokenId, ...eventPage }).openapi('TokenEvents');

const code = z.enum(problemCodes as [ProblemCode, ...ProblemCode[]]);
const errors = z.array(z.strictObject({ field: z.string(), message: z.string() }));
export const KeptAliveAnswer = z
  .strictObject({
    results: z
      .array(
        z.strictObject({
          ok: z.boolean(),
          lease: LeaseAnswer.optional(),
          error: code.optional(),
          errors: errors.optional(),
          reason: endReason.optional(),
          ended_at: instant.optional(),
        }),
      )
      .openapi({ description: 'In the order of the request' }),
  })
  .openapi('KeptAlive');

export const DeletedTokenAnswer = z
  .strictObject({ ok: z.literal(true), token_id: tokenId })
  .openapi('DeletedToken');

export const Problem = z
  .object({
    type: z.string(),
    title: z.string(),
    status: z.int(),
    error: code,
    detail: z.string().optional(),
    errors: errors.optional(),
    reason: endReason.optional().openapi({ description: 'With `lease_ended`: why' }),
    ended_at: instant.optional().openapi({ description: 'With `lease_ended` and `too_late`: when' }),
    message: z.string().optional(),
    oldest_seq: z
      .int()
      .optional()
      .openapi({ description: 'With `moment_pruned`: the first fact that is kept' }),
    head_seq: z.int().optional().openapi({ description: 'With `cursor_ahead`: the newest fact' }),
    stage: z.string().optional().openapi({ description: 'With `unavailable`: what the service is doing' }),
  })
  .openapi('Problem');

export const iso = (ms: number): string => new Date(ms).toISOString();
export const isoOrNull = (ms: number | null): string | null => (ms === null ? null : iso(ms));

export function leaseOut(
  tokenId: string,
  lease: Omit<Lease, 'leaseId'>,
  now: number,
): z.infer<typeof LeaseAnswer> {
  const expiresInMs = Math.max(0, lease.expiresAt - now);
  return {
    token_id: tokenId,
    user_id: lease.userId,
    fence: lease.fence,
    status: 'active',
    activated_at: iso(lease.activatedAt),
    expires_at: iso(lease.expiresAt),
    expires_in_ms: expiresInMs,
    renew_after_ms: Math.floor(expiresInMs / 2),
  };
}

export function tokenOut(token: TokenView, now: number): z.infer<typeof TokenShape> {
  const { tokenId, name, labels, lease, restsUntil, keptUntil, withdrawn } = token;
  return {
    id: tokenId,
    name,
    labels: { ...labels },
    status: statusOf(token),
    user_id: lease?.userId ?? null,
    fence: lease?.fence ?? null,
    activated_at: lease && iso(lease.activatedAt),
    expires_at: lease && iso(lease.expiresAt),
    expires_in_ms: lease && Math.max(0, lease.expiresAt - now),
    metadata: lease?.metadata ?? null,
    rests_until: isoOrNull(restsUntil),
    kept_until: isoOrNull(keptUntil),
    withdrawn,
  };
}

export function pastLeaseOut(lease: LeaseView): z.infer<typeof PastLeaseShape> {
  return {
    user_id: lease.userId,
    activated_at: iso(lease.activatedAt),
    ended_at: isoOrNull(lease.endedAt),
    end_reason: lease.endReason,
  };
}

export function eventOut(fact: FactView): z.infer<typeof EventShape> {
  return {
    seq: fact.seq,
    token_id: fact.tokenId,
    type: fact.type,
    reason: fact.reason,
    user_id: fact.userId,
    fence: fact.fence,
    at: iso(fact.at),
    expires_at: isoOrNull(fact.expiresAt),
    metadata: fact.metadata,
  };
}
