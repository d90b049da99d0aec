/** What a request may carry: the zod schemas that check it, and that say so in the OpenAPI document. */
import { extendZodWithOpenApi } from '@asteasolutions/zod-to-openapi';
import { z } from 'zod';
import { labels, msMax, optionsPart, poolName } from '../declared/options-schema.ts';
import { onExistingChoices } from '../lease/command.ts';
import { type FactType, factTypes } from '../lease/fact.ts';
import { type Json, statuses } from '../lease/lease.ts';

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

const shortText = z
  .string('must be text')
  .min(1, 'must not be empty')
  .max(200, 'must be at most 200 characters')
  .refine(isStorable, 'must be well-formed text without NUL');

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

const whole = (least: number, most: number) => {
  const message = `must be a whole number from ${least} to ${most}`;
  return z.int(message).min(least, message).max(most, message);
};

const ttlMs = whole(1, msMax).openapi({
  description: "TTL in milliseconds, up to the pool's `ttl_ms_max`",
  example: 120_000,
});

/** How many leases one request may ask for, or renew. */
export const batchMax = 100;

export const AllocateBody = z
  .strictObject(
    {
      user_id: userId.optional(),
      ttl_ms: ttlMs.optional(),
      metadata: metadata.optional(),
      labels: labels.optional().openapi({ description: 'The token must have all of these' }),
      on_existing: z
        .enum(onExistingChoices, `must be one of ${onExistingChoices.join(', ')}`)
        .optional()
        .openapi({
          description:
            'What the user gets who holds a token of the pool already: `new`, another one; `return`, that one; `renew`, that one, renewed. ' +
            'The last two show the lease id to whoever names the user, and are refused with `LEASE_PROOF=required`',
        }),
      count: whole(1, batchMax)
        .optional()
        .openapi({ description: 'So many tokens, or none; they come as `leases`' }),
      wait_ms: whole(0, 86_400_000).optional().openapi({
        description:
          'How long to stand in line where no token is free, and none can be evicted yet; 0: not at all',
      }),
      priority: whole(-1000, 1000).optional().openapi({
        description:
          'Who stands in line with a higher one is served before all with a lower one; 0 unless said',
      }),
    },
    { error: noObject },
  )
  .refine(({ count, wait_ms }) => count === undefined || count === 1 || !wait_ms, {
    path: ['wait_ms'],
    error: 'several tokens at once cannot be waited for',
  })
  .refine(
    ({ count, on_existing }) => count === undefined || count === 1 || (on_existing ?? 'new') === 'new',
    {
      path: ['on_existing'],
      error: 'means nothing where several tokens are asked for',
    },
  )
  .openapi('AllocateRequest');

const proof = { lease_id: leaseId.optional(), user_id: userId.optional() };

export const KeepAliveBody = z
  .strictObject({ ...proof, ttl_ms: ttlMs.optional() }, { error: noObject })
  .openapi('KeepAliveRequest');

export const ReleaseBody = z.strictObject(proof, { error: noObject }).openapi('ReleaseRequest');

const id = z.guid('must be a UUID').toLowerCase().openapi({ description: 'The id of a token' });

export const KeepAliveManyBody = z
  .strictObject(
    {
      leases: z
        .array(z.strictObject({ token_id: id, ...proof, ttl_ms: ttlMs.optional() }), 'must be a list')
        .min(1, 'must not be empty')
        .max(batchMax, `must be at most ${batchMax}`),
    },
    { error: noObject },
  )
  .openapi('KeepAliveManyRequest');

export const CreateTokenBody = z
  .strictObject(
    {
      name: shortText
        .nullable()
        .default(null)
        .openapi({ description: 'No other token of the pool has the same' }),
      labels: labels.prefault({}),
    },
    { error: noObject },
  )
  .openapi('CreateTokenRequest');

export const WithdrawBody = z
  .strictObject(
    {
      note: shortText.nullable().default(null).openapi({ description: 'Why, for people; shown in lists' }),
      lease: z
        .enum(['run_out', 'end'], 'must be one of run_out, end')
        .default('run_out')
        .openapi({ description: 'What becomes of the lease of the token, if it has one' }),
    },
    { error: noObject },
  )
  .openapi('WithdrawRequest');

const clientId = userId.openapi({ description: 'Whose it is' });
export const AssignBody = z
  .strictObject({ client_id: clientId }, { error: noObject })
  .openapi('AssignRequest');
export const ClientTokenBody = z
  .strictObject({ token: id }, { error: noObject })
  .openapi('ClientTokenRequest');
export const ClientKeepAliveBody = z
  .strictObject({ token: id, client_id: clientId.optional() }, { error: noObject })
  .openapi('ClientKeepAliveRequest');

/** A year. */
const advanceMsMax = 31_536_000_000;
export const AdvanceBody = z
  .strictObject({ ms: whole(0, advanceMsMax).openapi({ example: 120_000 }) }, { error: noObject })
  .openapi('AdvanceRequest');

const { membership, ...changeable } = optionsPart.shape;
export const CreatePoolBody = z
  .strictObject({ ...changeable, membership, name: poolName }, { error: noObject })
  .openapi('CreatePoolRequest');
export const ChangePoolBody = z.strictObject(changeable, { error: noObject }).openapi('ChangePoolRequest');

const pool = poolName;
export const poolPath = z.strictObject({ pool });
export const leasePath = z.strictObject({ lease_id: leaseId });
export const tokenPath = z.strictObject({ id });

const oneOf = (values: readonly string[]): string => `must be one of ${values.join(', ')}`;

export const listStatuses = ['all', ...statuses] as const;

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
export const queueQuery = z.strictObject({ limit: pageOf(10_000, 100) });
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
export const streamQuery = eventsQuery.omit({ limit: true, order: true }).extend({
  cursor: z
    .string()
    .regex(/^\d{1,15}$/, 'must be the seq of an event, or 0')
    .transform(Number)
    .optional()
    .openapi({
      type: 'string',
      description: '`seq` of the event after which it begins; 0: at the beginning',
    }),
});
/** Of a path or a query that takes nothing. */
export const none = z.strictObject({});
