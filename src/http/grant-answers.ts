/** What is answered to those who have been granted tokens. */
import { z } from 'zod';
import type { TokenTraits } from '../lease/lease.ts';
import type { Grant } from '../service/allocating.ts';
import { instant, iso, leaseId, leaseMembers, leaseOut, tokenId } from './answers.ts';

const grantMembers = {
  ...leaseMembers,
  lease_id: leaseId,
  token_value: tokenId.openapi({ description: 'The same as token_id' }),
  name: z.string().optional().openapi({ description: 'Of the token, where it has one' }),
  labels: z.record(z.string(), z.string()).optional().openapi({ description: 'Likewise' }),
  evicted: z
    .strictObject({ user_id: z.string(), activated_at: instant, expires_at: instant })
    .nullable()
    .openapi({ description: 'The lease that was ended to make room, where one was' }),
};
const GrantShape = z.strictObject(grantMembers).openapi('Grant');
/** What was asked for by `count` comes as a list. */
export const GrantAnswer = z.union([
  GrantShape,
  z.strictObject({ leases: z.array(GrantShape) }).openapi('Grants'),
]);
/** `like`: what the token is like, if it is still there. */
export function grantOut(
  { tokenId, lease, evicted }: Grant,
  like: TokenTraits | undefined,
  now: number,
): z.infer<typeof GrantShape> {
  const { name = null, labels = {} } = like ?? {};
  return {
    ...leaseOut(tokenId, lease, now),
    lease_id: lease.leaseId,
    token_value: tokenId,
    ...(name !== null && { name }),
    ...(Object.keys(labels).length > 0 && { labels: { ...labels } }),
    evicted: evicted && {
      user_id: evicted.userId,
      activated_at: iso(evicted.activatedAt),
      expires_at: iso(evicted.expiresAt),
    },
  };
}
