import { describe, expect, it } from 'vitest';
import { createApi, nobody, thirtyDays, uuid } from './support/http.ts';
import { start, twoMinutes } from './support/world.ts';

const iso = (afterMs: number) => new Date(start + afterMs).toISOString();
const ada = '3f0c1a52-8a4b-4c1d-9e55-0a1b2c3d4e5f';

describe('POST /api/tokens/allocate', () => {
  it('makes a user id where there is no body, and says everything about the lease', async () => {
    const api = await createApi({ size: 2 });
    const grant = await api.allocate();
    expect(grant).toEqual({
      token_id: expect.stringMatching(uuid),
      token_value: grant.token_id,
      user_id: expect.stringMatching(uuid),
      lease_id: expect.stringMatching(uuid),
      fence: 2,
      status: 'active',
      activated_at: iso(0),
      expires_at: iso(twoMinutes),
      expires_in_ms: twoMinutes,
      renew_after_ms: twoMinutes / 2,
      evicted: null,
    });
    expect((await api.allocate({})).user_id).not.toBe(grant.user_id);
  });

  it('keeps every user id as it is written, a UUID or not', async () => {
    const api = await createApi({ size: 1 });
    const quoted = "'; drop table tokens; --";
    const userIds = [
      ada,
      ada.toUpperCase(),
      ' Ada  Lovelace ',
      'Ωμέγα 🦉',
      quoted,
      '\\u0000',
      'x'.repeat(200),
    ];
    for (const userId of userIds) {
      const grant = await api.allocate({ user_id: userId });
      expect(grant.user_id).toBe(userId);
      const token = await api.get(`/api/tokens/${grant.token_id}`);
      expect(token.body.user_id).toBe(userId);
      expect(token.body.history[0].user_id).toBe(userId);
    }
  });

  it.each([1, 119_999, thirtyDays])('honours a ttl_ms of %i to the millisecond', async (ttlMs) => {
    const api = await createApi({ size: 1 });
    const grant = await api.allocate({ ttl_ms: ttlMs });
    expect(grant).toMatchObject({ expires_at: iso(ttlMs), expires_in_ms: ttlMs });
    const path = `/api/tokens/${grant.token_id}`;
    api.world.clock.advance(ttlMs - 1);
    expect((await api.get(path)).body).toMatchObject({ status: 'active', expires_in_ms: 1 });
    api.world.clock.advance(1);
    expect((await api.get(path)).body).toMatchObject({ status: 'available', expires_in_ms: null });
    expect((await api.get(`${path}/history`)).body.history[0]).toMatchObject({
      ended_at: iso(ttlMs),
      end_reason: 'ttl_expired',
    });
  });

  it('keeps the metadata and shows it in lists, in the token and in its events', async () => {
    const api = await createApi({ size: 1 });
    const metadata = { job: 7, 'tags "ü"': ['a', null, { deep: true }], constructor: 'mine', ratio: 1.5e-7 };
    const { token_id } = await api.allocate({ metadata });
    expect((await api.get('/api/tokens/active')).body.tokens[0].metadata).toEqual(metadata);
    expect((await api.get(`/api/tokens/${token_id}`)).body.metadata).toEqual(metadata);
    expect((await api.get(`/api/tokens/${token_id}/events`)).body.events[0].metadata).toEqual(metadata);
  });

  it('grants the token that has been free for longest', async () => {
    const api = await createApi({ size: 3 });
    const [first] = await api.fill();
    await api.post('/api/tokens/cleanup');
    expect((await api.allocate()).token_id).toBe(first!.token_id);
  });

  it('evicts the least recently used lease when all 100 tokens are active [I7]', async () => {
    const api = await createApi();
    const grants = await api.fill();
    expect(grants).toHaveLength(100);
    expect(new Set(grants.map(({ token_id }) => token_id)).size).toBe(100);
    api.world.clock.advance(1000);
    expect((await api.post(`/api/tokens/${grants[0]!.token_id}/keep-alive`)).status).toBe(200);
    const oldest = grants[1]!;
    const newcomer = await api.allocate({ user_id: ada });
    expect(newcomer).toMatchObject({
      token_id: oldest.token_id,
      evicted: { user_id: oldest.user_id, activated_at: iso(0), expires_at: iso(twoMinutes) },
    });
    expect((await api.get('/api/tokens')).body.counts).toEqual({
      available: 0,
      active: 100,
      total: 100,
      waiting: 0,
    });
    const { body } = await api.get(`/api/tokens/${oldest.token_id}/history`);
    expect(body.history).toEqual([
      { user_id: ada, activated_at: iso(1000), ended_at: null, end_reason: null },
      { user_id: oldest.user_id, activated_at: iso(0), ended_at: iso(1000), end_reason: 'lru_eviction' },
    ]);
    const events = await api.get(`/api/tokens/${oldest.token_id}/events?limit=2`);
    expect(events.body.events.map(({ reason }: { reason: string }) => reason)).toEqual([
      'allocated_after_eviction',
      'lru_eviction',
    ]);
  });
});

describe('POST /api/tokens/cleanup and DELETE /api/tokens/clear-active', () => {
  it.each([
    ['POST', '/api/tokens/cleanup'],
    ['DELETE', '/api/tokens/clear-active'],
  ])('%s %s ends every lease and says how many they were', async (method, path) => {
    const api = await createApi({ size: 3 });
    const { token_id } = await api.allocate();
    await api.allocate();
    expect((await api.send(method, path)).body).toEqual({ released: 2 });
    expect((await api.send(method, path)).body).toEqual({ released: 0 });
    expect((await api.get('/api/tokens')).body.counts).toEqual({
      available: 3,
      active: 0,
      total: 3,
      waiting: 0,
    });
    const { body } = await api.get(`/api/tokens/${token_id}/history`);
    expect(body.history[0]).toMatchObject({ ended_at: iso(0), end_reason: 'cleanup' });
  });
});

/** What the default pool has no use for. */
const plain = { name: null, labels: {}, rests_until: null, kept_until: null, withdrawn: null };

describe('GET /api/tokens', () => {
  it('lists all, available and active tokens, each with the counts of the whole pool', async () => {
    const api = await createApi({ size: 3 });
    const { token_id, user_id, fence } = await api.allocate();
    const idsAt = async (path: string) => {
      const { body } = await api.get(path);
      expect(body).toMatchObject({ counts: { available: 2, active: 1, total: 3 }, next_cursor: null });
      return body.tokens.map(({ id }: { id: string }) => id);
    };
    const all = await idsAt('/api/tokens');
    expect(await idsAt('/api/tokens?status=all')).toEqual(all);
    const others = all.filter((id: string) => id !== token_id);
    for (const path of ['/api/tokens?status=available', '/api/tokens/available']) {
      expect(await idsAt(path)).toEqual(others);
    }
    for (const path of ['/api/tokens?status=active', '/api/tokens/active']) {
      expect(await idsAt(path)).toEqual([token_id]);
      expect((await api.get(path)).body.tokens[0]).toEqual({
        id: token_id,
        status: 'active',
        user_id,
        fence,
        activated_at: iso(0),
        expires_at: iso(twoMinutes),
        expires_in_ms: twoMinutes,
        metadata: null,
        ...plain,
      });
    }
  });

  it.each(['/api/tokens', '/api/tokens?status=available', '/api/tokens/available', '/api/tokens/active'])(
    'pages through %s to the end, without gap or duplicate',
    async (path) => {
      const api = await createApi({ size: 9 });
      for (let taken = 0; taken < 4; taken++) await api.allocate();
      const whole = (await api.get(path)).body.tokens;
      const paged = [];
      let cursor: string | null = '';
      while (cursor !== null) {
        const page = `limit=2${cursor && `&cursor=${cursor}`}`;
        const { body } = await api.get(`${path}${path.includes('?') ? '&' : '?'}${page}`);
        expect(body.tokens.length).toBeGreaterThan(0);
        paged.push(...body.tokens);
        cursor = body.next_cursor;
      }
      expect(paged).toEqual(whole);
    },
  );

  it('pages through tokens that come and go: none that stays is passed over, or shown twice', async () => {
    const api = await createApi({ size: 6, pool: { membership: 'elastic', whenFull: 'reject' } });
    const made: string[] = [];
    const add = async () => made.push((await api.post('/api/tokens')).body.id);
    for (let count = 0; count < 6; count++) await add();
    const page = async (query: string) => (await api.get(`/api/tokens?limit=2${query}`)).body;
    const seen: string[] = [];
    let cursor: string | null = '';
    while (cursor !== null) {
      const { tokens, next_cursor }: { tokens: { id: string }[]; next_cursor: string | null } = await page(
        cursor && `&cursor=${cursor}`,
      );
      seen.push(...tokens.map(({ id }) => id));
      cursor = next_cursor;
      if (seen.length !== 2) continue;
      // One that was shown goes, one that was not, and another comes.
      for (const gone of [made[0], made[3]])
        expect((await api.send('DELETE', `/api/tokens/${gone}`)).status).toBe(200);
      await add();
    }
    expect(seen).toEqual([0, 1, 2, 4, 5, 6].map((place) => made[place]));
  });

  it('refuses any other status with invalid_status, and names the field', async () => {
    const api = await createApi({ size: 1 });
    for (const status of ['used', '', 'ACTIVE', 'all,active', 'active&status=all', 'x&limit=0']) {
      const { body } = await api.refused('invalid_status', 'GET', `/api/tokens?status=${status}`);
      expect(body.status).toBe(400);
      expect(body.errors).toContainEqual({
        field: 'status',
        message: 'must be one of all, available, active, resting, withdrawn',
      });
    }
  });
});

describe('GET /api/tokens/:id', () => {
  it('shows a token that was never used', async () => {
    const api = await createApi({ size: 1 });
    const { id } = (await api.get('/api/tokens')).body.tokens[0];
    expect((await api.get(`/api/tokens/${id}`)).body).toEqual({
      id,
      status: 'available',
      user_id: null,
      fence: null,
      activated_at: null,
      expires_at: null,
      expires_in_ms: null,
      metadata: null,
      ...plain,
      history: [],
    });
  });

  it('shows its user, its times, its metadata and the ten newest leases, newest first', async () => {
    const api = await createApi({ size: 1 });
    const metadata = { job: 'nightly' };
    for (let lease = 0; lease < 12; lease++) await api.allocate({ user_id: `user ${lease}`, metadata });
    api.world.clock.advance(500);
    const { id } = (await api.get('/api/tokens')).body.tokens[0];
    const { body } = await api.get(`/api/tokens/${id.toUpperCase()}`);
    const { history, ...token } = body;
    expect(token).toEqual({
      id,
      status: 'active',
      user_id: 'user 11',
      fence: expect.any(Number),
      activated_at: iso(0),
      expires_at: iso(twoMinutes),
      expires_in_ms: twoMinutes - 500,
      metadata,
      ...plain,
    });
    const users = history.map((entry: { user_id: string }) => entry.user_id);
    expect(users).toEqual([11, 10, 9, 8, 7, 6, 5, 4, 3, 2].map((lease) => `user ${lease}`));
  });

  it('answers 404 not_found to an id that is not of the pool', async () => {
    const api = await createApi({ size: 1 });
    expect((await api.refused('not_found', 'GET', `/api/tokens/${nobody}`)).status).toBe(404);
  });
});
