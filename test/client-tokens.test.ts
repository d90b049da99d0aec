/** Tokens for clients: generate, assign, keep alive, unblock, delete, as their own clients call them. */
import { describe, expect, it } from 'vitest';
import { readConfig } from '../src/config.ts';
import type { ProblemCode } from '../src/http/problem.ts';
import { type Api, type ApiOptions, createApi, nobody, type Sent } from './support/http.ts';
import { optionsOf } from './support/options.ts';

const minute = 60_000;

const start = (size = 10, more: ApiOptions = {}): Promise<Api> =>
  createApi({
    ...more,
    size: 1,
    others: [
      {
        name: 'clients',
        options: optionsOf({
          membership: 'elastic',
          whenFull: 'reject',
          size,
          ttlMs: minute,
          idleTtlMs: 5 * minute,
        }),
      },
    ],
  });

async function generate(api: Api): Promise<string> {
  const { status, body } = await api.post('/generate-token');
  expect(status).toBe(201);
  return body.token;
}

const assign = (api: Api, client: string) => api.post('/assign-token', { client_id: client });
const tokensOf = async (api: Api) => (await api.get('/api/pools/clients/tokens')).body.tokens;

describe('tokens for clients', () => {
  it('go through their day: five generated, two assigned, one kept alive, unblocked, deleted', async () => {
    const api = await start();
    const made = [];
    for (let count = 0; count < 5; count++) made.push(await generate(api));
    const one = (await assign(api, 'ada')).body;
    const two = (await assign(api, 'bob')).body;
    expect([one.token, two.token]).toEqual(made.slice(0, 2));
    expect((await api.post('/keep-alive', { token: one.token })).status).toBe(200);
    expect((await api.post('/unblock-token', { token: two.token })).status).toBe(200);
    expect((await api.post('/delete-token', { token: one.token })).status).toBe(200);
    expect((await api.send('DELETE', '/delete-token', { json: { token: two.token } })).status).toBe(200);
    expect(await tokensOf(api)).toHaveLength(3);
    for (const { body } of [await assign(api, 'cy'), await api.post('/unblock-token', { token: nobody })])
      expect(body.message).toEqual(expect.any(String));
  });

  it('are taken from nobody, whatever is asked of their pool', async () => {
    const [, clients] = readConfig({}).pools;
    const api = await createApi({ size: 1, others: [clients] });
    for (const json of [{ when_full: 'evict' }, { when_full: 'evict', eviction: 'oldest' }]) {
      const { body } = await api.refused('invalid_request', 'PATCH', '/api/pools/clients', { json });
      expect(body.errors).toEqual([
        { field: 'when_full', message: 'must be reject or wait: no client loses its token to another' },
      ]);
    }
    const answer = await api.send('PATCH', '/api/pools/clients', { json: { size: 3, max_per_user: 1 } });
    expect(answer.status).toBe(200);
  });

  it('are refused beyond the limit, which counts held ones too: 403', async () => {
    const api = await start(2);
    await generate(api);
    await assign(api, 'ada');
    await generate(api);
    const { status, body } = await api.refused('pool_limit_reached', 'POST', '/generate-token');
    expect({ status, message: body.message }).toEqual({ status: 403, message: 'Pool limit reached' });
  });

  it('are assigned while there are any, and to nobody twice: 404', async () => {
    const api = await start();
    expect(
      (await api.refused('pool_full', 'POST', '/assign-token', { json: { client_id: 'ada' } })).status,
    ).toBe(404);
    await generate(api);
    expect((await assign(api, 'ada')).status).toBe(200);
    const { status, body } = await api.refused('pool_full', 'POST', '/assign-token', {
      json: { client_id: 'bob' },
    });
    expect({ status, message: body.message }).toEqual({ status: 404, message: 'No available tokens' });
  });

  it('are kept by their holder alone: 403', async () => {
    const api = await start();
    const token = await generate(api);
    await api.refused('token_not_active', 'POST', '/keep-alive', { json: { token } });
    await assign(api, 'ada');
    const { status } = await api.refused('lease_mismatch', 'POST', '/keep-alive', {
      json: { token, client_id: 'bob' },
    });
    expect(status).toBe(403);
    expect((await api.post('/keep-alive', { token, client_id: 'ada' })).status).toBe(200);
    expect((await api.refused('not_found', 'POST', '/keep-alive', { json: { token: nobody } })).status).toBe(
      403,
    );
  });

  it('are nobody’s where no client is named: null is no client (null-owner)', async () => {
    const api = await start();
    const token = await generate(api);
    for (const client_id of [null, '', 7]) {
      const json = { token, client_id };
      expect((await api.refused('invalid_request', 'POST', '/keep-alive', { json })).status).toBe(400);
      expect(
        (await api.refused('invalid_request', 'POST', '/assign-token', { json: { client_id } })).status,
      ).toBe(400);
    }
  });

  it('are their client’s by the token alone, where leases of other pools have to be proven', async () => {
    const api = await start(10, { proofRequired: true });
    const token = await generate(api);
    await assign(api, 'ada');
    await api.refused('lease_mismatch', 'POST', '/keep-alive', { json: { token, client_id: 'bob' } });
    for (const path of ['/keep-alive', '/unblock-token', '/delete-token'])
      expect(await api.post(path, { token })).toMatchObject({ status: 200, body: { token } });
    const { token_id } = await api.allocate();
    await api.refused('lease_proof_required', 'POST', `/api/tokens/${token_id}/release`);
  });

  it('are unblocked when they are assigned, and only then: 403', async () => {
    const api = await start();
    const token = await generate(api);
    const { status, body } = await api.refused('token_not_active', 'POST', '/unblock-token', {
      json: { token },
    });
    expect({ status, message: body.message }).toEqual({
      status: 403,
      message: 'Token not assigned to any client',
    });
    expect(
      (await api.refused('not_found', 'POST', '/delete-token', { json: { token: nobody } })).status,
    ).toBe(404);
  });

  it('are spoken of in words whatever was wrong: every body has a message', async () => {
    const api = await start();
    const token = await generate(api);
    const said: [code: ProblemCode, path: string, sent: Sent, method?: string][] = [
      ['invalid_request', '/keep-alive', { json: { token: 7 } }],
      ['invalid_request', '/generate-token', { json: { size: 7 } }],
      ['invalid_json', '/assign-token', { text: '{' }],
      ['unsupported_media_type', '/unblock-token', { text: 'x', headers: { 'content-type': 'text/plain' } }],
      ['body_too_large', '/delete-token', { json: { token: 'x'.repeat(20_000) } }],
      ['method_not_allowed', '/generate-token', {}, 'GET'],
      ['cross_site', '/keep-alive', { json: { token }, headers: { 'sec-fetch-site': 'cross-site' } }],
    ];
    for (const [code, path, sent, method = 'POST'] of said) {
      const { body } = await api.refused(code, method, path, sent);
      expect({ path, message: body.message }).toEqual({ path, message: body.title });
    }
    const headers = { 'idempotency-key': 'k' };
    await api.send('POST', '/assign-token', { json: { client_id: 'ada' }, headers });
    const reused = await api.refused('idempotency_key_reused', 'POST', '/keep-alive', {
      ...{ json: { token }, headers },
    });
    expect(reused.body.message).toBe(reused.body.title);
    api.world.service.stopServing();
    const { status, headers: given, body } = await api.post('/generate-token');
    expect({ status, after: given.get('retry-after'), message: body.message }).toEqual({
      ...{ status: 503, after: '1', message: body.title },
    });
    // Elsewhere a message would be one member too many.
    expect((await api.post('/api/tokens/allocate')).body).not.toHaveProperty('message');
  });

  it('are free again after a minute without keep-alive, and gone after five minutes of being free', async () => {
    const api = await start();
    const token = await generate(api);
    const { clock } = api.world;
    await assign(api, 'ada');
    clock.advance(minute - 1);
    expect(await tokensOf(api)).toMatchObject([{ id: token, status: 'active', user_id: 'ada' }]);
    clock.advance(1);
    expect(await tokensOf(api)).toMatchObject([{ id: token, status: 'available', user_id: null }]);
    clock.advance(5 * minute - 1);
    expect(await tokensOf(api)).toHaveLength(1);
    clock.advance(1);
    expect(await tokensOf(api)).toEqual([]);
    const { body } = await api.get('/api/pools/clients/events?order=asc');
    expect(body.events.map(({ type }: { type: string }) => type)).toEqual([
      'opened',
      'created',
      'activated',
      'expired',
      'deleted',
    ]);
  });

  it('are never put back or deleted by the end of their free time while they are held (free-expiry-takes-a-held-token)', async () => {
    const api = await start();
    const token = await generate(api);
    const { clock } = api.world;
    clock.advance(5 * minute - 1);
    await assign(api, 'ada');
    for (let minutes = 0; minutes < 10; minutes++) {
      clock.advance(minute - 1);
      expect((await api.post('/keep-alive', { token, client_id: 'ada' })).status).toBe(200);
    }
    expect(await tokensOf(api)).toMatchObject([{ id: token, status: 'active', user_id: 'ada' }]);
  });
});
