/** What a request may carry: the zod schemas that check it, and that say so in the OpenAPI document. */
import { extendZodWithOpenApi } from '@asteasolutions/zod-to-openapi';
import { z } from 'zod';
import { type FactType, factTypes } from '../lease/fact.ts';
import type { Json } from '../lease/lease.ts';

extendZodWithOpenApi(z);

export const metadataLimits = { depth: 8, bytes: 4096 };

/** Postgres stores neither NUL nor half a surrogate pair: what it cannot store would block the log. */
const isStorable = (text: string): boolean => !text.includes('\u0000') && text.isWellFormed();

function isStorableJson(value: unknown, depth: number): value is Json {
  if (typeof value === 'string') return isStorable(value);
  if (typeof value === 'number') return Number.isFinite(value);
  if (value === null || typeof value === 'boolean') return true;
  if (typeof value !== 'object' || depth === 0) return false;
  return Object.entries(value).every(
    ([key, inner]) => key !== '__proto__' && isStorable(key) && isStorableJson(inner, depth - 1),
  );
}

const isObject = (value: unknown): boolean =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const userId = z
  .string('must be text')
  .min(1, 'must not be empty')
  .max(200, 'must be at most 200 characters')
  .refine(isStorable, 'must be well-formed text without NUL')
  .openapi({ description: 'A UUID, or any other text up to 200 characters, kept as it is written' });

const leaseId = z
  .guid('must be a UUID')
  .toLowerCase()
  .openapi({ description: 'Of the lease, as allocate gave it to its holder' });

const metadata = z
  .custom<Json>(
    (value) =>
      isObject(value) &&
      isStorableJson(value, metadataLimits.depth) &&
      Buffer.byteLength(JSON.stringify(value)) <= metadataLimits.bytes,
    `must be a JSON object of at most ${metadataLimits.bytes} bytes and ${metadataLimits.depth} levels, in well-formed text without NUL`,
  )
  .openapi({
    type: 'object',
    description: `Anything that helps to recognise the lease, up to ${metadataLimits.bytes} bytes and ${metadataLimits.depth} levels; shown in lists`,
  });

const noObject = ({ code }: { code?: string | undefined }) =>
  code === 'invalid_type' ? 'must be a JSON object' : undefined;

/** The bodies, whose longest TTL is a matter of configuration. */
export function bodies(ttlMsMax: number) {
  const ttlMs = z
    .int('must be a whole number')
    .min(1, `must be from 1 to ${ttlMsMax}`)
    .max(ttlMsMax, `must be from 1 to ${ttlMsMax}`)
    .openapi({ description: 'TTL in milliseconds', example: 120_000 });
  return {
    allocate: z
      .strictObject(
        { user_id: userId.optional(), ttl_ms: ttlMs.optional(), metadata: metadata.optional() },
        { error: noObject },
      )
      .openapi('AllocateRequest'),
    keepAlive: z
      .strictObject(
        { lease_id: leaseId.optional(), user_id: userId.optional(), ttl_ms: ttlMs.optional() },
        { error: noObject },
      )
      .openapi('KeepAliveRequest'),
    release: z
      .strictObject({ lease_id: leaseId.optional(), user_id: userId.optional() }, { error: noObject })
      .openapi('ReleaseRequest'),
  };
}

export const tokenPath = z.strictObject({
  id: z.guid('must be a UUID').toLowerCase().openapi({ description: 'The id of a token' }),
});

const oneOf = (values: readonly string[]): string => `must be one of ${values.join(', ')}`;

export const listStatuses = ['all', 'available', 'active'] as const;

const pageOf = (limitMax: number, standard: number) =>
  z
    .string()
    .refine(
      (text) => /^\d{1,9}$/.test(text) && Number(text) >= 1 && Number(text) <= limitMax,
      `must be a whole number from 1 to ${limitMax}`,
    )
    .transform(Number)
    .default(standard)
    .openapi({ type: 'integer', minimum: 1, maximum: limitMax, default: standard });
const cursor = z
  .string()
  .regex(/^\d{1,15}$/, 'must be a next_cursor')
  .transform(Number)
  .optional()
  .openapi({ type: 'string', description: '`next_cursor` of the page before' });

export const listQuery = z.strictObject({
  status: z.enum(listStatuses, oneOf(listStatuses)).default('all'),
  limit: pageOf(10_000, 1000),
  cursor,
});
export const historyQuery = z.strictObject({ limit: pageOf(1000, 100), cursor });
const order = z
  .enum(['asc', 'desc'], oneOf(['asc', 'desc']))
  .default('desc')
  .openapi({ description: '`desc`: newest first' });
const type = z.enum(factTypes as [FactType, ...FactType[]], oneOf(factTypes));
export const tokenEventsQuery = z.strictObject({
  limit: pageOf(1000, 100),
  cursor,
  order,
  type: type.optional(),
});
export const eventsQuery = tokenEventsQuery.extend({
  token_id: tokenPath.shape.id.optional(),
  user_id: userId.optional(),
});
/** Of a path or a query that takes nothing. */
export const none = z.strictObject({});
