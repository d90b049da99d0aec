import { describe, expect, it } from 'vitest';
import { type Api, createApi, nobody } from './support/http.ts';
import { start, twoMinutes } from './support/world.ts';

const iso = (afterMs: number) => new Date(start + afterMs).toISOString();

interface Page {
  next_cursor: string | null;
  events?: { seq: number; token_id: string; type: string; user_id: string }[];
  history?: { user_id: string }[];
}

/** Every entry of a paged route, page by page. */
async function allPages<T>(
  api: Api,
  path: string,
  entries: (page: Page) => T[] | undefined,
  betweenPages?: () => Promise<unknown>,
): Promise<T[]> {
  const all: T[] = [];
  let cursor = '';
  for (;;) {
    const { status, body, text } = await api.get(`${path}${path.includes('?') ? '&' : '?'}${cursor}`);
    expect(status, text).toBe(200);
    all.push(...entries(body)!);
    if (body.next_cursor === null) return all;
    await betweenPages?.();
    cursor = `cursor=${body.next_cursor}`;
  }
}

/** A pool of one token, which three users have had in turn; the last one's lease ran out. */
async function pastApi() {
  const api = await createApi({ size: 1 });
  const ada = await api.allocate({ user_id: 'ada', metadata: { job: 1 } });
  api.world.clock.advance(1000);
  await api.post(`/api/tokens/${ada.token_id}/keep-alive`);
  await api.allocate({ user_id: 'bob' });
  await api.post(`/api/tokens/${ada.token_id}/release`);
  await api.allocate({ user_id: 'eve', ttl_ms: 5000 });
  api.world.clock.advance(6000);
  return { api, tokenId: ada.token_id as string, fence: ada.fence as number };
}

describe('GET /api/tokens/:id/history', () => {
  it('shows who had the token, from when to when, and why it ended, newest first', async () => {
    const { api, tokenId } = await pastApi();
    await api.allocate({ user_id: 'kim' });
    const { body } = await api.get(`/api/tokens/${tokenId.toUpperCase()}/history`);
    expect(body).toEqual({
      token_id: tokenId,
      history: [
        { user_id: 'kim', activated_at: iso(7000), ended_at: null, end_reason: null },
        { user_id: 'eve', activated_at: iso(1000), ended_at: iso(6000), end_reason: 'ttl_expired' },
        { user_id: 'bob', activated_at: iso(1000), ended_at: iso(1000), end_reason: 'released_by_client' },
        { user_id: 'ada', activated_at: iso(0), ended_at: iso(1000), end_reason: 'lru_eviction' },
      ],
      next_cursor: null,
    });
  });

  it('pages to the end without gap or duplicate, while new leases come', async () => {
    const api = await createApi({ size: 1 });
    for (let user = 0; user < 7; user++) await api.allocate({ user_id: `user ${user}` });
    const { id } = (await api.get('/api/tokens')).body.tokens[0];
    const path = `/api/tokens/${id}/history?limit=2`;
    const newcomer = () => api.allocate({ user_id: 'newcomer' });
    const seen = await allPages(api, path, ({ history }) => history, newcomer);
    expect(seen.map(({ user_id }) => user_id)).toEqual([6, 5, 4, 3, 2, 1, 0].map((user) => `user ${user}`));
  });
});

describe('GET /api/events', () => {
  it('shows every fact with all it says but the lease id, newest first', async () => {
    const { api, tokenId: token_id, fence } = await pastApi();
    const { body } = await api.get('/api/events');
    const ada = { token_id, user_id: 'ada', fence };
    expect(body.next_cursor).toBeNull();
    expect(body.events.map(({ type, reason }: Record<string, string>) => `${type}: ${reason}`)).toEqual([
      'expired: ttl_expired',
      'activated: allocated',
      'released: released_by_client',
      'activated: allocated_after_eviction',
      'released: lru_eviction',
      'renewed: renewed_by_client',
      'activated: allocated',
      'opened: pool_opened',
    ]);
    expect(body.events.map(({ seq }: { seq: number }) => seq)).toEqual([8, 7, 6, 5, 4, 3, 2, 1]);
    expect(body.events.at(-2)).toEqual({
      ...ada,
      seq: 2,
      type: 'activated',
      reason: 'allocated',
      at: iso(0),
      expires_at: iso(twoMinutes),
      metadata: { job: 1 },
    });
    expect(body.events.at(-3)).toMatchObject({ ...ada, at: iso(1000), expires_at: iso(1000 + twoMinutes) });
    expect(body.events[0]).toMatchObject({ user_id: 'eve', at: iso(6000), expires_at: iso(6000) });
    expect(body.events.at(-1)).toMatchObject({
      token_id: null,
      user_id: null,
      fence: null,
      expires_at: null,
    });
  });

  it.each([1, 3, 8, 100])(
    'pages both ways to the end in pages of %i, without gap or duplicate',
    async (limit) => {
      const { api } = await pastApi();
      const newestFirst = await allPages(api, `/api/events?limit=${limit}`, ({ events }) => events);
      const oldestFirst = await allPages(api, `/api/events?order=asc&limit=${limit}`, ({ events }) => events);
      expect(oldestFirst.map(({ seq }) => seq)).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
      expect(newestFirst).toEqual(oldestFirst.toReversed());
    },
  );

  it('can be followed as it grows: the last seq seen is the cursor', async () => {
    const { api } = await pastApi();
    expect((await api.get('/api/events?order=asc&cursor=8')).body).toEqual({ events: [], next_cursor: null });
    await api.allocate({ user_id: 'kim' });
    const { body } = await api.get('/api/events?order=asc&cursor=8');
    expect(body.events).toMatchObject([{ seq: 9, type: 'activated', user_id: 'kim' }]);
  });

  it('filters by type, token and user, together and in pages', async () => {
    const api = await createApi({ size: 2 });
    const userIds = ['ada', '3F0C1A52-8A4B-4C1D-9E55-0A1B2C3D4E5F', "o'hara & söhne+%"];
    for (let turn = 0; turn < 12; turn++) await api.allocate({ user_id: userIds[turn % 3] });
    const everything = await allPages(api, '/api/events?order=asc', ({ events }) => events);
    const tokenId = everything.at(-1)!.token_id;
    for (const user_id of userIds) {
      for (const type of ['activated', 'released', 'renewed']) {
        const query = new URLSearchParams({ order: 'asc', limit: '2', user_id, type, token_id: tokenId });
        const found = await allPages(api, `/api/events?${query}`, ({ events }) => events);
        expect(found).toEqual(
          everything.filter(
            (event) => event.user_id === user_id && event.type === type && event.token_id === tokenId,
          ),
        );
      }
    }
    expect(everything.filter(({ user_id }) => user_id === userIds[2]).length).toBeGreaterThan(4);
    const opened = await api.get('/api/events?type=opened');
    expect(opened.body.events).toMatchObject([{ seq: 1, type: 'opened' }]);
    expect((await api.get('/api/events?user_id=nobody')).body.events).toEqual([]);
  });
});

describe('GET /api/tokens/:id/events', () => {
  it('shows the facts of one token only, pages both ways and filters by type', async () => {
    const api = await createApi({ size: 2 });
    for (let turn = 0; turn < 6; turn++) await api.allocate();
    const everything = await allPages(api, '/api/events', ({ events }) => events);
    const { id } = (await api.get('/api/tokens')).body.tokens[1];
    const ours = everything.filter(({ token_id }) => token_id === id);
    expect(ours).toHaveLength(5);
    const path = `/api/tokens/${id.toUpperCase()}/events`;
    expect((await api.get(path)).body).toEqual({ token_id: id, events: ours, next_cursor: null });
    expect(await allPages(api, `${path}?limit=2`, ({ events }) => events)).toEqual(ours);
    expect(await allPages(api, `${path}?limit=2&order=asc`, ({ events }) => events)).toEqual(
      ours.toReversed(),
    );
    const released = await allPages(api, `${path}?limit=1&type=released`, ({ events }) => events);
    expect(released).toEqual(ours.filter(({ type }) => type === 'released'));
  });
});

it('refuses cursors, limits, orders and filters that are none, and names each', async () => {
  const api = await createApi({ size: 1 });
  const { id } = (await api.get('/api/tokens')).body.tokens[0];
  const paged = ['/api/tokens', `/api/tokens/${id}/history`, `/api/tokens/${id}/events`, '/api/events'];
  const bad = {
    cursor: ['x', '-1', '1.5', '', '1e3', '9'.repeat(16)],
    limit: ['0', '-1', 'x', '', '1.5', '0x10', '10001'],
  };
  for (const path of paged) {
    for (const [field, values] of Object.entries(bad)) {
      for (const value of values) {
        const { body } = await api.refused('invalid_request', 'GET', `${path}?${field}=${value}`);
        expect(body.errors).toEqual([{ field, message: expect.any(String) }]);
      }
    }
  }
  for (const path of paged.slice(2)) {
    for (const field of ['order', 'type']) {
      const { body } = await api.refused('invalid_request', 'GET', `${path}?${field}=sideways`);
      expect(body.errors).toMatchObject([{ field }]);
    }
  }
  const filters = await api.refused('invalid_request', 'GET', '/api/events?token_id=1&user_id=%00');
  expect(filters.body.errors).toMatchObject([{ field: 'token_id' }, { field: 'user_id' }]);
});

it('answers 404 not_found to a token that is not of the pool', async () => {
  const api = await createApi({ size: 1 });
  for (const path of [
    `/api/tokens/${nobody}/history`,
    `/api/tokens/${nobody}/events`,
    `/api/events?token_id=${nobody}`,
  ]) {
    expect((await api.refused('not_found', 'GET', path)).status).toBe(404);
  }
});
