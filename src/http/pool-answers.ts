/** What answers say of pools, of those who wait for their tokens, and of what became of leases. */
import { z } from 'zod';
import { optionsOut, optionsWhole } from '../declared/options-schema.ts';
import type { WaiterInLine } from '../service/pool-reads.ts';
import type { PoolView } from '../service/pool-service.ts';
import type { FoundLease } from '../service/service.ts';
import { counts, endReason, instant, iso, isoOrNull, tokenId } from './answers.ts';

export const PoolAnswer = z.strictObject({ name: z.string(), options: optionsWhole, counts }).openapi('Pool');
export const PoolsAnswer = z.strictObject({ pools: z.array(PoolAnswer) }).openapi('Pools');
export const QueueAnswer = z
  .strictObject({
    waiting: z.array(
      z.strictObject({
        position: z.int().min(1),
        user_id: z.string(),
        priority: z.int(),
        since: instant,
        until: instant.openapi({ description: 'When they give up' }),
        labels: z.record(z.string(), z.string()),
      }),
    ),
    total: z.int().min(0),
  })
  .openapi('Queue');

export const PastLeaseAnswer = z
  .strictObject({
    pool: z.string(),
    token_id: tokenId,
    user_id: z.string(),
    fence: z.int(),
    status: z.enum(['active', 'ended']),
    activated_at: instant.nullable().openapi({ description: 'null where the log no longer says' }),
    expires_at: instant,
    ended_at: instant.nullable(),
    end_reason: endReason.nullable(),
    followed_by: z
      .strictObject({ user_id: z.string(), fence: z.int(), activated_at: instant })
      .nullable()
      .openapi({ description: 'Who was granted the token next' }),
  })
  .openapi('WhatBecameOfALease');

export const poolOut = ({ name, options, counts }: PoolView): z.infer<typeof PoolAnswer> => ({
  name,
  options: optionsOut(options),
  counts,
});

export const waiterOut = ({ position, userId, priority, since, until, labels }: WaiterInLine) => ({
  position,
  user_id: userId,
  priority,
  since: iso(since),
  until: iso(until),
  labels: { ...labels },
});

export function foundLeaseOut(found: FoundLease): z.infer<typeof PastLeaseAnswer> {
  if ('live' in found) {
    const { pool, tokenId, lease } = found.live;
    return {
      pool,
      token_id: tokenId,
      user_id: lease.userId,
      fence: lease.fence,
      status: 'active',
      activated_at: iso(lease.activatedAt),
      expires_at: iso(lease.expiresAt),
      ended_at: null,
      end_reason: null,
      followed_by: null,
    };
  }
  const { past } = found;
  return {
    pool: past.pool,
    token_id: past.tokenId,
    user_id: past.userId,
    fence: past.fence,
    status: 'ended',
    activated_at: isoOrNull(past.activatedAt),
    expires_at: iso(past.expiresAt),
    ended_at: iso(past.endedAt),
    end_reason: past.endReason,
    followed_by: past.next && {
      user_id: past.next.userId,
      fence: past.next.fence,
      activated_at: iso(past.next.activatedAt),
    },
  };
}
