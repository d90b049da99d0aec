/** What clients ask for. */
import type { Question } from './recorder.ts';

/** What a client knows of a lease that it got. */
export interface Held {
  tokenId: string;
  leaseId: string;
  userId: string;
  fence: number;
}

const nothing = { tokenId: null, userId: null, fence: null, proof: null, ttlMs: null, key: null, json: null };

export const allocate = (userId: string, ttlMs: number, key: string | null): Question => ({
  ...nothing,
  kind: 'allocate',
  method: 'POST',
  path: '/api/tokens/allocate',
  json: { user_id: userId, ttl_ms: ttlMs },
  userId,
  ttlMs,
  key,
});

export const renew = (lease: Held, proof: 'lease' | 'user', ttlMs: number, key: string | null): Question => ({
  ...ofLease(lease, proof),
  kind: 'renew',
  path: `/api/tokens/${lease.tokenId}/keep-alive`,
  json: { ...proofOf(lease, proof), ttl_ms: ttlMs },
  ttlMs,
  key,
});

export const release = (lease: Held, proof: 'lease' | 'user', key: string | null): Question => ({
  ...ofLease(lease, proof),
  kind: 'release',
  path: `/api/tokens/${lease.tokenId}/release`,
  json: proofOf(lease, proof),
  key,
});

/** With a lease id that never was one. */
export function withBogusLease(question: Question, leaseId: string): Question {
  return { ...question, fence: null, userId: null, json: { ...question.json, lease_id: leaseId } };
}

export const releaseAll = (key: string | null): Question => ({
  ...nothing,
  kind: 'release_all',
  method: 'POST',
  path: '/api/tokens/cleanup',
  key,
});

export const token = (tokenId: string): Question => ({
  ...nothing,
  kind: 'token',
  method: 'GET',
  path: `/api/tokens/${tokenId}`,
  tokenId,
});

export const list = (): Question => ({
  ...nothing,
  kind: 'list',
  method: 'GET',
  path: '/api/tokens?limit=10000',
});

export const events = (): Question => ({
  ...nothing,
  kind: 'events',
  method: 'GET',
  path: '/api/events?limit=5',
});

/** The same of another pool than the default one. */
export const inPool = (pool: string, question: Question, more: object = {}): Question => ({
  ...question,
  path: question.path.replace('/api/', `/api/pools/${pool}/`),
  json: { ...question.json, ...more },
});

export const generate = (): Question => ({
  ...nothing,
  kind: 'client',
  method: 'POST',
  path: '/generate-token',
});

export const assign = (clientId: string, key: string | null): Question => ({
  ...nothing,
  kind: 'allocate',
  method: 'POST',
  path: '/assign-token',
  json: { client_id: clientId },
  userId: clientId,
  key,
});

/** `what`: keep-alive, unblock-token or delete-token. */
export const toClientToken = (what: string, token: string): Question => ({
  ...nothing,
  kind: 'client',
  method: 'POST',
  path: `/${what}`,
  json: { token },
});

const ofLease = ({ tokenId, userId, fence }: Held, proof: 'lease' | 'user') => ({
  ...nothing,
  method: 'POST' as const,
  tokenId,
  userId,
  fence,
  proof,
});

const proofOf = ({ leaseId, userId }: Held, proof: 'lease' | 'user') =>
  proof === 'lease' ? { lease_id: leaseId } : { user_id: userId };
