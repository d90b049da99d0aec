/** The documents that the service answers for, called exactly as they say. */
import { describe, expect, it } from 'vitest';
import { createApi, uuid } from './support/http.ts';
import { start, twoMinutes } from './support/world.ts';

const ada = '3f0c1a52-8a4b-4c1d-9e55-0a1b2c3d4e5f';
const instant = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;
const aUuid = expect.stringMatching(uuid);

describe('000 TokenManager', () => {
  it('registers the use of a token: its id and the id of the user', async () => {
    const api = await createApi({ size: 2 });
    expect(await api.allocate()).toMatchObject({ token_id: aUuid, user_id: aUuid });
  });

  it('the id in the allocate answer can be used in GET', async () => {
    const api = await createApi({ size: 2 });
    const { token_id, user_id } = await api.allocate();
    const { status, body } = await api.get(`/api/tokens/${token_id}`);
    expect(status).toBe(200);
    expect(body).toMatchObject({ id: token_id, user_id });
  });

  it('lists the tokens that are free and those in use', async () => {
    const api = await createApi({ size: 3 });
    await api.allocate();
    const { body } = await api.get('/api/tokens');
    const statuses = body.tokens.map(({ status }: { status: string }) => status);
    expect(statuses.toSorted()).toEqual(['active', 'available', 'available']);
  });

  it('shows one token, its current user and its history', async () => {
    const api = await createApi({ size: 1 });
    const { token_id } = await api.allocate({ user_id: 'ada' });
    await api.allocate({ user_id: 'bob' });
    const { body } = await api.get(`/api/tokens/${token_id}`);
    expect(body).toMatchObject({ user_id: 'bob', history: [{ user_id: 'bob' }, { user_id: 'ada' }] });
  });

  it('shows who has used a token', async () => {
    const api = await createApi({ size: 1 });
    const { token_id } = await api.allocate({ user_id: 'ada' });
    await api.allocate({ user_id: 'bob' });
    const { body } = await api.get(`/api/tokens/${token_id}/history`);
    expect(body.history.map((entry: { user_id: string }) => entry.user_id)).toEqual(['bob', 'ada']);
  });

  it('releases all active tokens, and confirms it', async () => {
    const api = await createApi({ size: 3 });
    await api.fill();
    expect((await api.post('/api/tokens/cleanup')).body).toEqual({ released: 3 });
    expect((await api.get('/api/tokens/active')).body.tokens).toEqual([]);
  });

  it('bad-id-stops-the-app: hundreds of bad ids leave the pool as it was', async () => {
    const api = await createApi({ size: 3 });
    await api.allocate();
    const before = (await api.get('/api/tokens')).body;
    const facts = api.world.facts.length;
    for (let turn = 0; turn < 100; turn++) {
      const answers = await Promise.all([
        api.get(`/api/tokens/${turn}`),
        api.get(`/api/tokens/bad-${turn}/history`),
        api.post(`/api/tokens/${ada.slice(0, -1)}z/release`),
        api.post(`/api/tokens/release/%00${turn}`),
        api.post(`/api/tokens/${ada}${turn}/keep-alive`),
      ]);
      expect(answers.map(({ status }) => status)).toEqual([400, 400, 400, 400, 400]);
    }
    expect((await api.get('/api/tokens')).body).toEqual(before);
    expect(api.world.facts).toHaveLength(facts);
    expect(api.world.stages.at(-1)).toBe('serving');
  });
});

describe('001 TokenManager', () => {
  it('POST /api/tokens/allocate takes {"user_id"} and answers as documented', async () => {
    const api = await createApi({ size: 1 });
    const grant = await api.allocate({ user_id: ada });
    expect(grant).toMatchObject({
      token_id: aUuid,
      user_id: ada,
      token_value: grant.token_id,
      status: 'active',
      activated_at: expect.stringMatching(instant),
    });
  });

  it('GET /api/tokens, /available and /active list all, the free and the active tokens', async () => {
    const api = await createApi({ size: 3 });
    const { token_id } = await api.allocate({ user_id: ada });
    const list = async (path: string) => (await api.get(path)).body.tokens;
    expect(await list('/api/tokens')).toHaveLength(3);
    expect(await list('/api/tokens/available')).toHaveLength(2);
    expect(await list('/api/tokens/active')).toMatchObject([{ id: token_id, user_id: ada }]);
  });

  it('GET /api/tokens/:id and /api/tokens/:id/history show a token and its past', async () => {
    const api = await createApi({ size: 1 });
    const { token_id } = await api.allocate({ user_id: ada });
    const { body } = await api.get(`/api/tokens/${token_id}`);
    expect(body).toMatchObject({ id: token_id, status: 'active', user_id: ada });
    const history = await api.get(`/api/tokens/${token_id}/history`);
    expect(history.body.history).toMatchObject([{ user_id: ada, ended_at: null }]);
  });

  it('POST /api/tokens/release/:id releases that token and no other', async () => {
    const api = await createApi({ size: 2 });
    const [first, second] = await api.fill();
    expect((await api.post(`/api/tokens/release/${first!.token_id}`)).status).toBe(200);
    expect((await api.get('/api/tokens/active')).body.tokens).toMatchObject([{ id: second!.token_id }]);
  });

  it('DELETE /api/tokens/clear-active releases all active tokens', async () => {
    const api = await createApi({ size: 2 });
    await api.fill();
    expect((await api.send('DELETE', '/api/tokens/clear-active')).status).toBe(200);
    expect((await api.get('/api/tokens/available')).body.tokens).toHaveLength(2);
  });
});

describe('002 Token Management Service', () => {
  it('POST /api/tokens/allocate answers the token and the user', async () => {
    const api = await createApi({ size: 1 });
    expect(await api.allocate()).toMatchObject({ token_id: aUuid, user_id: aUuid });
  });

  it('POST /api/tokens/:id/release answers {"ok": true}, or 404 token_not_active', async () => {
    const api = await createApi({ size: 1 });
    const { token_id } = await api.allocate();
    const path = `/api/tokens/${token_id}/release`;
    expect((await api.post(path)).body.ok).toBe(true);
    expect((await api.refused('token_not_active', 'POST', path)).status).toBe(404);
  });

  it('GET /api/tokens?status=all|available|active filters, and a wrong status is 400 invalid_status', async () => {
    const api = await createApi({ size: 3 });
    await api.allocate();
    for (const [status, length] of Object.entries({ all: 3, available: 2, active: 1 })) {
      expect((await api.get(`/api/tokens?status=${status}`)).body.tokens).toHaveLength(length);
    }
    expect((await api.refused('invalid_status', 'GET', '/api/tokens?status=busy')).status).toBe(400);
  });

  it('GET /api/tokens/:id answers the id and the status, or 404 not_found', async () => {
    const api = await createApi({ size: 1 });
    const { token_id } = await api.allocate();
    const { body } = await api.get(`/api/tokens/${token_id}`);
    expect(body).toMatchObject({ id: token_id, status: 'active' });
    expect((await api.refused('not_found', 'GET', `/api/tokens/${ada}`)).status).toBe(404);
  });

  it('GET /api/tokens/:id/events answers the token and every activation, release and expiry', async () => {
    const api = await createApi({ size: 1 });
    const { token_id } = await api.allocate();
    await api.post(`/api/tokens/${token_id}/release`);
    await api.allocate();
    api.world.clock.advance(twoMinutes);
    const { body } = await api.get(`/api/tokens/${token_id}/events`);
    expect(body.token_id).toBe(token_id);
    expect(body.events.map(({ type }: { type: string }) => type).toReversed()).toEqual([
      'activated',
      'released',
      'activated',
      'expired',
    ]);
  });

  it('POST /api/tokens/cleanup answers how many it released', async () => {
    const api = await createApi({ size: 3 });
    await api.allocate();
    expect((await api.post('/api/tokens/cleanup')).body).toEqual({ released: 1 });
  });
});

describe('003 the challenge', () => {
  it('keeps 100 tokens, each a UUID, and never makes or drops one [I2]', async () => {
    const api = await createApi();
    const ids = async () => (await api.get('/api/tokens')).body.tokens.map(({ id }: { id: string }) => id);
    const before = await ids();
    expect(new Set(before).size).toBe(100);
    for (const id of before) expect(id).toMatch(uuid);
    for (let turn = 0; turn < 101; turn++) await api.allocate();
    api.world.clock.advance(twoMinutes);
    expect(await ids()).toEqual(before);
  });

  it('frees a token after two minutes, not a millisecond before [I5]', async () => {
    const api = await createApi({ size: 1 });
    const { token_id } = await api.allocate();
    const status = async () => (await api.get(`/api/tokens/${token_id}`)).body.status;
    api.world.clock.advance(twoMinutes - 1);
    expect(await status()).toBe('active');
    api.world.clock.advance(1);
    expect(await status()).toBe('available');
  });

  it('releases the oldest of 100 active tokens for the 101st request [I7]', async () => {
    const api = await createApi();
    const [oldest] = await api.fill();
    api.world.clock.advance(1);
    expect(await api.allocate()).toMatchObject({
      token_id: oldest!.token_id,
      evicted: { user_id: oldest!.user_id, activated_at: new Date(start).toISOString() },
    });
    expect((await api.get('/api/tokens?status=active')).body.counts.active).toBe(100);
  });
});

describe('004 Token Management Service', () => {
  it('null-owner: a user_id of null is refused, and never passes for a token nobody holds', async () => {
    const api = await createApi({ size: 1 });
    const { id } = (await api.get('/api/tokens')).body.tokens[0];
    const json = { user_id: null };
    const routes = ['allocate', `${id}/keep-alive`, `${id}/release`, `release/${id}`];
    for (const held of [false, true]) {
      if (held) await api.allocate();
      for (const route of routes) {
        const { body } = await api.refused('invalid_request', 'POST', `/api/tokens/${route}`, { json });
        expect(body.errors).toMatchObject([{ field: 'user_id' }]);
      }
    }
  });
});
