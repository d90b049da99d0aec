/** What a service says to the page, made up for tests. */
import type { WireFact, WireOptions, WireSnapshot, WireToken } from '../../src/visualizer/page/wire.ts';

const beginning = Date.parse('2026-01-31T12:00:00.000Z');

/** When the fact of that number happened: a second for each. */
export const at = (seq: number): number => beginning + seq * 1000;
export const iso = (seq: number): string => new Date(at(seq)).toISOString();

export const options: WireOptions = {
  membership: 'fixed',
  size: 100,
  ttl_ms: 120_000,
  when_full: 'evict',
  eviction: 'lru',
  min_hold_ms: 0,
};

export const token = (tokenId: string, members: Partial<WireToken> = {}): WireToken => ({
  token_id: tokenId,
  name: null,
  labels: {},
  status: 'available',
  user_id: null,
  fence: null,
  activated_at: null,
  expires_at: null,
  rests_until: null,
  kept_until: null,
  withdrawn: false,
  note: null,
  used_seq: 0,
  ...members,
});

/** Held since the fact `fence`, for a minute. */
export const held = (tokenId: string, fence: number, members: Partial<WireToken> = {}): WireToken =>
  token(tokenId, {
    status: 'active',
    user_id: `user-${tokenId}`,
    fence,
    activated_at: iso(fence),
    expires_at: iso(fence + 60),
    used_seq: fence,
    ...members,
  });

export const snapshot = (members: Partial<WireSnapshot>): WireSnapshot => ({
  pool: 'default',
  seq: 1,
  at: iso(1),
  now: iso(1),
  clock: 'system',
  oldest_seq: 1,
  head_seq: 1,
  options,
  counts: { available: 0, active: 0, resting: 0, withdrawn: 0, total: 0 },
  tokens: [],
  ...members,
});

export const fact = (
  seq: number,
  tokenId: string | null,
  type: WireFact['type'],
  reason: WireFact['reason'],
  members: Partial<WireFact> = {},
): WireFact => ({
  seq,
  token_id: tokenId,
  type,
  reason,
  user_id: null,
  fence: null,
  at: iso(seq),
  expires_at: null,
  metadata: null,
  ...members,
});

export const activated = (seq: number, tokenId: string, userId: string): WireFact =>
  fact(seq, tokenId, 'activated', 'allocated', { user_id: userId, fence: seq, expires_at: iso(seq + 60) });
