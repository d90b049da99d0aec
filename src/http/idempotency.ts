/** The header `Idempotency-Key`: what makes a request that comes again the same request. */
import { hash } from 'node:crypto';
import type { Context } from 'hono';
import { z } from 'zod';
import { canonical } from '../lease/canonical.ts';
import type { Json } from '../lease/lease.ts';
import type { Once } from '../service/exactly-once.ts';
import type { FieldError } from './problem.ts';

const name = 'Idempotency-Key';
const message = 'must be 1 to 200 visible ASCII characters';

export const idempotencyHeaders = z.object({
  [name]: z
    .string()
    .regex(/^[\x21-\x7e]{1,200}$/, message)
    .optional()
    .openapi({
      description:
        'Makes the request safe to repeat: the same key with the same request is done once in 24 hours, and answered ' +
        'the same each time (with `Idempotency-Replayed: true`): a lease as it is now, or 410 and what became of it. ' +
        'A 503 is not an answer: repeat it. Take a random UUID: whoever knows the key can have the answer.',
    }),
});

/** The key of the request, if it has one. `asked`: all that it asks for. */
export function onceOf(c: Context, asked: Json, errors: FieldError[]): Once | undefined {
  const key = c.req.header(name);
  if (key === undefined) return undefined;
  if (!idempotencyHeaders.safeParse({ [name]: key }).success) errors.push({ field: name, message });
  return { key, fingerprint: hash('sha256', canonical(asked), 'base64') };
}

export const replayedHeader = { 'idempotency-replayed': 'true' };
