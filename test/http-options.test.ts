/** What a pool's options, and those of a request, come to over HTTP: labels, maintenance, batches, users who have a token already. */
import { describe, expect, it } from 'vitest';
import { createApi, nobody, type Sent } from './support/http.ts';
import { thirtyDays, twoMinutes } from './support/world.ts';

const allocate = '/api/tokens/allocate';

const phones = () =>
  createApi({
    pool: {
      whenFull: 'reject',
      tokens: [
        { name: 'pixel-8-a', labels: { os: 'android', wifi: 'yes' } },
        { name: 'pixel-8-b', labels: { os: 'android' } },
        { name: 'iphone', labels: { os: 'ios' } },
      ],
    },
  });

describe('tokens with names and labels', () => {
  it('are shown with them, and granted to those who ask for these labels', async () => {
    const api = await phones();
    const { body } = await api.get('/api/tokens');
    expect(body.tokens.map(({ name }: { name: string }) => name)).toEqual([
      'pixel-8-a',
      'pixel-8-b',
      'iphone',
    ]);
    const ask = async (labels: object) => {
      const { token_id, ...grant } = await api.allocate({ labels });
      const { name, labels: all } = body.tokens.find((token: { id: string }) => token.id === token_id);
      expect([grant.name, grant.labels]).toEqual([name, all]);
      return name;
    };
    expect(await ask({ os: 'ios' })).toBe('iphone');
    expect(await ask({ os: 'android', wifi: 'yes' })).toBe('pixel-8-a');
    expect(await ask({})).toBe('pixel-8-b');
  });

  it('are busy, 409, or can never fit, 422', async () => {
    const api = await phones();
    await api.allocate({ labels: { os: 'ios' } });
    const busy: Sent = { json: { labels: { os: 'ios' } } };
    expect((await api.refused('pool_full', 'POST', allocate, busy)).status).toBe(409);
    const never: Sent = { json: { labels: { os: 'windows' } } };
    expect((await api.refused('no_such_token', 'POST', allocate, never)).status).toBe(422);
  });

  it.each([{ os: 7 }, { '': 'x' }, 'android', ['os'], null])('refuses %j for labels', async (labels) => {
    const api = await phones();
    const { body } = await api.refused('invalid_request', 'POST', allocate, { json: { labels } });
    expect(body.errors[0].field).toMatch(/^labels/);
  });
});

describe('a token in maintenance', () => {
  it('is granted to nobody until it is brought back', async () => {
    const api = await createApi({ size: 1, pool: { whenFull: 'reject' } });
    const { id } = (await api.get('/api/tokens')).body.tokens[0];
    const { body } = await api.post(`/api/tokens/${id}/withdraw`, { note: 'a new screen' });
    expect(body).toMatchObject({ status: 'withdrawn', withdrawn: { note: 'a new screen' } });
    expect((await api.get('/api/tokens?status=withdrawn')).body.tokens).toHaveLength(1);
    await api.refused('pool_full', 'POST', allocate);
    expect((await api.post(`/api/tokens/${id}/restore`)).body).toMatchObject({
      status: 'available',
      withdrawn: null,
    });
    await api.refused('token_not_withdrawn', 'POST', `/api/tokens/${id}/restore`);
    expect((await api.allocate()).token_id).toBe(id);
    await api.refused('not_found', 'POST', `/api/tokens/${nobody}/withdraw`);
  });

  it('lets its lease run out, not to be renewed, or ends it, as asked', async () => {
    const api = await createApi({ size: 2 });
    const [ada, bob] = [await api.allocate({ user_id: 'ada' }), await api.allocate({ user_id: 'bob' })];
    await api.post(`/api/tokens/${ada.token_id}/withdraw`);
    await api.post(`/api/tokens/${bob.token_id}/withdraw`, { lease: 'end' });
    const status = async (id: string) => (await api.get(`/api/tokens/${id}`)).body.status;
    expect([await status(ada.token_id), await status(bob.token_id)]).toEqual(['active', 'withdrawn']);
    const renewal = `/api/tokens/${ada.token_id}/keep-alive`;
    expect((await api.refused('token_withdrawn', 'POST', renewal)).status).toBe(409);
    api.world.clock.advance(twoMinutes);
    expect(await status(ada.token_id)).toBe('withdrawn');
    const { body } = await api.get(`/api/leases/${bob.lease_id}`);
    expect(body).toMatchObject({ status: 'ended', end_reason: 'maintenance' });
  });
});

describe('several tokens at once', () => {
  it('are granted all or none', async () => {
    const api = await createApi({ size: 3, pool: { whenFull: 'reject' } });
    const { body } = await api.post(allocate, { user_id: 'ada', count: 2 });
    expect(body.leases).toHaveLength(2);
    expect(new Set(body.leases.map(({ token_id }: { token_id: string }) => token_id)).size).toBe(2);
    await api.refused('pool_full', 'POST', allocate, { json: { count: 2 } });
    expect((await api.post(allocate, { count: 1 })).body.leases).toHaveLength(1);
    await api.refused('no_such_token', 'POST', allocate, { json: { count: 4 } });
  });

  it('are taken from several holders where the pool evicts, each named', async () => {
    const api = await createApi({ size: 2 });
    await api.allocate({ user_id: 'ada' });
    const { body } = await api.post(allocate, { count: 2 });
    const evicted = body.leases.map(
      (lease: { evicted: { user_id: string } | null }) => lease.evicted?.user_id,
    );
    expect(evicted).toEqual([undefined, 'ada']);
  });

  it.each([
    { count: 0 },
    { count: 101 },
    { count: 1.5 },
    { count: 2, wait_ms: 5 },
    { count: 2, on_existing: 'return' },
  ])('are not %j', async (json) => {
    const api = await createApi({ size: 3 });
    await api.refused('invalid_request', 'POST', allocate, { json });
  });

  it('are kept alive in one call, with a result each', async () => {
    const api = await createApi({ size: 3 });
    const [ada, bob] = [await api.allocate(), await api.allocate()];
    await api.post(`/api/tokens/${bob.token_id}/release`);
    api.world.clock.advance(1000);
    const { body } = await api.post('/api/tokens/keep-alive', {
      leases: [
        { token_id: ada.token_id, lease_id: ada.lease_id },
        { token_id: bob.token_id, lease_id: bob.lease_id },
        { token_id: nobody },
        { token_id: ada.token_id, ttl_ms: thirtyDays + 1 },
      ],
    });
    const errors = [{ field: 'ttl_ms', message: `must be a whole number from 1 to ${thirtyDays}` }];
    expect(body.results).toMatchObject([
      { ok: true, lease: { token_id: ada.token_id, lease_id: ada.lease_id, expires_in_ms: twoMinutes } },
      { ok: false, error: 'lease_ended', reason: 'released_by_client' },
      { ok: false, error: 'not_found' },
      { ok: false, error: 'invalid_request', errors },
    ]);
  });
});

describe('a user who holds a token already', () => {
  it('gets another one, the same one, or the same one renewed, as asked', async () => {
    const api = await createApi({ size: 3 });
    const first = await api.allocate({ user_id: 'ada', ttl_ms: 1000 });
    const same = await api.allocate({ user_id: 'ada', on_existing: 'return' });
    expect(same).toMatchObject({ lease_id: first.lease_id, expires_at: first.expires_at });
    const renewed = await api.allocate({ user_id: 'ada', on_existing: 'renew', ttl_ms: 5000 });
    expect(renewed).toMatchObject({ lease_id: first.lease_id, expires_in_ms: 5000 });
    const other = await api.allocate({ user_id: 'ada', on_existing: 'new' });
    expect(other.token_id).not.toBe(first.token_id);
    expect((await api.allocate({ user_id: 'bob', on_existing: 'return' })).user_id).toBe('bob');
  });

  it('gets nothing by the name alone where leases are to be proven', async () => {
    const api = await createApi({ size: 2, proofRequired: true });
    await api.allocate({ user_id: 'ada' });
    const json = { user_id: 'ada', on_existing: 'return' };
    await api.refused('lease_proof_required', 'POST', allocate, { json });
  });

  it('gets no more than one user may have', async () => {
    const api = await createApi({ size: 5, pool: { maxPerUser: 2 } });
    await api.post(allocate, { user_id: 'ada', count: 2 });
    expect(
      (await api.refused('user_limit_reached', 'POST', allocate, { json: { user_id: 'ada' } })).status,
    ).toBe(409);
    await api.allocate({ user_id: 'bob' });
  });
});

describe('GET /api/leases/:lease_id', () => {
  it('says what became of a lease: when, why, and who followed', async () => {
    const api = await createApi({ size: 1 });
    const ada = await api.allocate({ user_id: 'ada' });
    const at = `/api/leases/${ada.lease_id}`;
    expect((await api.get(at)).body).toMatchObject({ pool: 'default', status: 'active', end_reason: null });
    api.world.clock.advance(1000);
    const bob = await api.allocate({ user_id: 'bob' });
    expect((await api.get(at)).body).toEqual({
      pool: 'default',
      token_id: ada.token_id,
      user_id: 'ada',
      fence: ada.fence,
      status: 'ended',
      activated_at: ada.activated_at,
      expires_at: ada.expires_at,
      ended_at: bob.activated_at,
      end_reason: 'lru_eviction',
      followed_by: { user_id: 'bob', fence: bob.fence, activated_at: bob.activated_at },
    });
    await api.refused('lease_not_found', 'GET', `/api/leases/${nobody}`);
  });

  it('finds those of any pool', async () => {
    const api = await createApi({ size: 1 });
    await api.post('/api/pools', { name: 'gpu', size: 1 });
    const { body } = await api.post('/api/pools/gpu/tokens/allocate', {});
    expect((await api.get(`/api/leases/${body.lease_id}`)).body).toMatchObject({
      pool: 'gpu',
      status: 'active',
    });
    await api.send('DELETE', '/api/pools/gpu');
    expect((await api.get(`/api/leases/${body.lease_id}`)).body).toMatchObject({
      pool: 'gpu',
      status: 'ended',
      end_reason: 'pool_deleted',
    });
  });
});

describe('how long a lease may last', () => {
  it('is what the pool says, however often it is renewed', async () => {
    const api = await createApi({ size: 1, pool: { maxLifetimeMs: 3 * twoMinutes } });
    const { token_id } = await api.allocate();
    for (let times = 0; times < 2; times++) {
      api.world.clock.advance(twoMinutes - 1);
      expect((await api.post(`/api/tokens/${token_id}/keep-alive`)).status).toBe(200);
    }
    const { body } = await api.post(`/api/tokens/${token_id}/keep-alive`, { ttl_ms: 10 * twoMinutes });
    expect(body.expires_in_ms).toBe(twoMinutes + 2);
  });

  it('rests after a lease that ran out, and is granted when it has rested', async () => {
    const api = await createApi({ size: 1, pool: { whenFull: 'reject', coolDownMs: 5000 } });
    const { token_id } = await api.allocate();
    api.world.clock.advance(twoMinutes);
    const { body } = await api.get(`/api/tokens/${token_id}`);
    expect(body).toMatchObject({
      status: 'resting',
      rests_until: new Date(api.world.clock.now() + 5000).toISOString(),
    });
    await api.refused('pool_full', 'POST', allocate);
    api.world.clock.advance(5000);
    await api.allocate();
    await api.post(`/api/tokens/${token_id}/release`);
    await api.allocate();
  });

  it('cannot be cut short before it has been held for a while', async () => {
    const api = await createApi({ size: 1, pool: { minHoldMs: 1000 } });
    await api.allocate({ user_id: 'ada' });
    await api.refused('pool_full', 'POST', allocate);
    api.world.clock.advance(1000);
    expect((await api.allocate()).evicted.user_id).toBe('ada');
  });
});
