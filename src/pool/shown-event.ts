/**
 * What may be seen of an event of the machines: its name in words, whom it is about, and those of its members that are listed
 * here. What is not listed is not shown, so that no lease id, no proof and no text of a user's gets out with it.
 */
import type { Detail, Details } from '../lease/message.ts';

/** As XState hands it over: any of the pool's, of a token's, or of its own. */
export type AnyEvent = { type: string } & { readonly [member: string]: unknown };

export interface Shown {
  message: string;
  tokenId: string | null;
  userId: string | null;
  detail: Details;
}

/** Words and numbers, as they are. */
const plain = {
  reason: 'reason',
  seq: 'seq',
  ttlMs: 'ttl_ms',
  maxLifetimeMs: 'max_lifetime_ms',
  onExisting: 'on_existing',
  endLease: 'end_lease',
  leaving: 'leaving',
  place: 'place',
  isHeld: 'is_held',
  facts: 'facts',
  fence: 'fence',
} as const;
const instants = {
  expiresAt: 'expires_at',
  dueAt: 'due_at',
  restsUntil: 'rests_until',
  keptUntil: 'kept_until',
} as const;
/** Of lists, how long they are. */
const counts = { leaseIds: 'count', tokens: 'tokens', newTokens: 'new_tokens' } as const;

type Members = { readonly [member: string]: unknown };

export function detailOf(members: Members): Details {
  const detail: Record<string, Detail> = {};
  for (const [name, written] of Object.entries(plain)) {
    const value = members[name];
    if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean')
      detail[written] = value;
  }
  for (const [name, written] of Object.entries(instants)) {
    const value = members[name];
    if (typeof value === 'number') detail[written] = new Date(value).toISOString();
  }
  for (const [name, written] of Object.entries(counts)) {
    const value = members[name];
    if (Array.isArray(value)) detail[written] = value.length;
  }
  return detail;
}

/** What is sent along to prove that one is the holder is not shown, but that it was. */
const proven: ReadonlySet<string> = new Set(['RENEW', 'RELEASE']);

export function shownEvent(event: AnyEvent): Shown {
  const { type, tokenId, userId, leaseId } = event;
  const lease = (event.lease ?? null) as Members | null;
  const isProof = proven.has(type);
  return {
    message: nameOf(type),
    tokenId: typeof tokenId === 'string' ? tokenId : null,
    userId: textOr(isProof ? null : (lease?.userId ?? userId)),
    detail: {
      ...detailOf(event),
      ...(lease !== null && detailOf(lease)),
      ...(isProof && {
        proof: leaseId !== undefined ? 'lease_id' : userId !== undefined ? 'user_id' : 'none',
      }),
    },
  };
}

const textOr = (value: unknown): string | null => (typeof value === 'string' ? value : null);

/** XState's own are called after what they mean: `xstate.after.untilDeadline.token.active` is `untilDeadline`. */
function nameOf(type: string): string {
  if (type.startsWith('xstate.after.')) return type.split('.')[2]!;
  return type === 'xstate.init' ? 'start' : type;
}
