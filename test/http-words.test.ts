/** What people read when they are wrong: each fault by its member, in words of our own. */
import { describe, expect, it } from 'vitest';
import { factTypes } from '../src/lease/fact.ts';
import { createApi } from './support/http.ts';

const bodies: [body: unknown, field: string, message: string][] = [
  [{ user_id: 5 }, 'user_id', 'must be text'],
  [{ user_id: '' }, 'user_id', 'must not be empty'],
  [{ user_id: 'x'.repeat(201) }, 'user_id', 'must be at most 200 characters'],
  [{ ttl_ms: 'x' }, 'ttl_ms', 'must be a whole number from 1 to 3153600000000'],
  [{ ttl_ms: 1.5 }, 'ttl_ms', 'must be a whole number from 1 to 3153600000000'],
  [{ ttl_ms: 0 }, 'ttl_ms', 'must be a whole number from 1 to 3153600000000'],
  [{ ttl_ms: 2_592_000_001 }, 'ttl_ms', 'must be a whole number from 1 to 2592000000'],
  [{ colour: 'red' }, 'colour', 'is not known'],
  [[], 'body', 'must be a JSON object'],
  ['text', 'body', 'must be a JSON object'],
  [7, 'body', 'must be a JSON object'],
];

const queries: [query: string, field: string, message: string][] = [
  ['order=up', 'order', 'must be one of asc, desc'],
  ['type=gone', 'type', `must be one of ${factTypes.join(', ')}`],
  ['limit=0', 'limit', 'must be a whole number from 1 to 1000'],
  ['cursor=x', 'cursor', 'must be a next_cursor'],
  ['token_id=7', 'token_id', 'must be a UUID'],
];

describe('what is wrong with a request', () => {
  it('is said of each member of a body', async () => {
    const api = await createApi({ size: 1, ttlMsMax: 2_592_000_000 });
    for (const [json, field, message] of bodies) {
      const { body } = await api.refused('invalid_request', 'POST', '/api/tokens/allocate', { json });
      expect(body.errors).toEqual([{ field, message }]);
    }
  });

  it('is said of a pool that is no object', async () => {
    const api = await createApi({ size: 1 });
    const errors = [{ field: 'body', message: 'must be a JSON object' }];
    const made = await api.refused('invalid_request', 'POST', '/api/pools', { json: [] });
    const changed = await api.refused('invalid_request', 'PATCH', '/api/pools/default', { json: 'small' });
    expect([made.body.errors, changed.body.errors]).toEqual([errors, errors]);
  });

  it('is said of each member of a query', async () => {
    const api = await createApi({ size: 1 });
    for (const [query, field, message] of queries) {
      const { body } = await api.refused('invalid_request', 'GET', `/api/events?${query}`);
      expect(body.errors).toEqual([{ field, message }]);
    }
  });

  it('is said of a lease id that is none', async () => {
    const api = await createApi({ size: 1 });
    const { token_id } = await api.allocate();
    const sent = { json: { lease_id: '7' } };
    const { body } = await api.refused('invalid_request', 'POST', `/api/tokens/${token_id}/release`, sent);
    expect(body.errors).toEqual([{ field: 'lease_id', message: 'must be a UUID' }]);
  });
});
