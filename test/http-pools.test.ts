/** Pools over HTTP: made, listed, changed while they are used, and ended. */
import { describe, expect, it } from 'vitest';
import type { TokenSpec } from '../src/lease/pool-options.ts';
import type { Service } from '../src/service/service.ts';
import { holdCommits } from './support/databases.ts';
import { type Api, createApi, nobody } from './support/http.ts';
import { optionsOf } from './support/options.ts';
import { createWorld, ok, twoMinutes } from './support/world.ts';

const poolAt = (name: string) => `/api/pools/${name}`;

async function make(api: Api, json: Record<string, unknown>) {
  const made = await api.post('/api/pools', json);
  expect(made.status, made.text).toBe(201);
  return made.body;
}

const allocateIn = (api: Api, name: string, json: object = {}) =>
  api.post(`${poolAt(name)}/tokens/allocate`, json);

describe('POST /api/pools', () => {
  it('makes a pool with the options that are said, and others as for the default pool', async () => {
    const api = await createApi({ size: 2 });
    const made = await make(api, { name: 'gpu', size: 4, when_full: 'reject', ttl_ms: 5000 });
    expect(made).toEqual({
      name: 'gpu',
      counts: { available: 4, active: 0, total: 4, waiting: 0 },
      options: {
        membership: 'fixed',
        size: 4,
        tokens: null,
        ttl_ms: 5000,
        ttl_ms_max: 2_592_000_000,
        when_full: 'reject',
        eviction: 'lru',
        min_hold_ms: 0,
        max_lifetime_ms: null,
        max_per_user: null,
        cool_down_ms: 0,
        idle_ttl_ms: null,
        wait_ms: 30_000,
        queue_max: 10_000,
      },
    });
    expect((await api.get(poolAt('gpu'))).body).toEqual(made);
    const { body } = await api.get('/api/pools');
    expect(body.pools.map(({ name }: { name: string }) => name)).toEqual(['default', 'gpu']);
  });

  it('makes each with a log, numbers and fences of its own [I3]', async () => {
    const api = await createApi({ size: 2 });
    await make(api, { name: 'a', size: 1 });
    await make(api, { name: 'b', size: 1 });
    for (const name of ['a', 'b']) {
      const { status, body } = await allocateIn(api, name, { user_id: 'ada' });
      expect({ status, fence: body.fence }).toEqual({ status: 200, fence: 2 });
      const { body: log } = await api.get(`${poolAt(name)}/events?order=asc`);
      expect(log.events.map(({ seq, type }: { seq: number; type: string }) => [seq, type])).toEqual([
        [1, 'opened'],
        [2, 'activated'],
      ]);
    }
    expect((await api.get('/api/tokens')).body.counts).toMatchObject({ active: 0, total: 2 });
  });

  it('refuses a name that is taken, and names that are none', async () => {
    const api = await createApi({ size: 1 });
    await make(api, { name: 'gpu', size: 1 });
    expect((await api.refused('pool_exists', 'POST', '/api/pools', { json: { name: 'gpu' } })).status).toBe(
      409,
    );
    await api.refused('pool_exists', 'POST', '/api/pools', { json: { name: 'default' } });
    for (const name of ['', 'GPU', '-a', 'a/b', '..', 'ä', 'a'.repeat(64), 7, null]) {
      const { body } = await api.refused('invalid_request', 'POST', '/api/pools', { json: { name } });
      expect(body.errors[0].field).toBe('name');
    }
  });

  it.each([
    [{ size: -1 }, 'size'],
    [{ size: 1_000_001 }, 'size'],
    [{ size: 1.5 }, 'size'],
    [{ size: '3' }, 'size'],
    [{ ttl_ms: 0 }, 'ttl_ms'],
    [{ ttl_ms: 1e300 }, 'ttl_ms'],
    [{ ttl_ms: 10, ttl_ms_max: 5 }, 'ttl_ms'],
    [{ when_full: 'panic' }, 'when_full'],
    [{ eviction: 'random' }, 'eviction'],
    [{ eviction: 'oldest', when_full: 'reject' }, 'eviction'],
    [{ min_hold_ms: 5, when_full: 'wait' }, 'min_hold_ms'],
    [{ cool_down_ms: 5 }, 'cool_down_ms'],
    [{ max_lifetime_ms: 5 }, 'max_lifetime_ms', { ttl_ms: 10 }],
    [{ idle_ttl_ms: 5 }, 'idle_ttl_ms'],
    [{ max_per_user: 0 }, 'max_per_user'],
    [{ queue_max: 0 }, 'queue_max'],
    [{ tokens: [] }, 'tokens'],
    [{ tokens: [{ name: 'a' }, { name: 'a' }] }, 'tokens'],
    [{ tokens: [{ name: 'a' }], size: 2 }, 'size'],
    [{ tokens: [{ name: 'a', labels: { os: 7 } }] }, 'tokens.0.labels.os'],
    [{ tokens: [{ name: 'a', colour: 'red' }] }, 'colour'],
    [{ tokens: [{ name: 'a' }], membership: 'elastic' }, 'tokens'],
    [{ colour: 'red' }, 'colour'],
  ])('refuses %j, and names %s', async (options: object, field: string, others: object = {}) => {
    const api = await createApi({ size: 1 });
    const json = { name: 'gpu', ...others, ...options };
    const { status, body } = await api.refused('invalid_request', 'POST', '/api/pools', { json });
    expect(status).toBe(400);
    expect(body.errors.map((error: { field: string }) => error.field)).toContain(field);
    await api.refused('pool_not_found', 'GET', poolAt('gpu'));
  });

  it('is done once for its key', async () => {
    const api = await createApi({ size: 1 });
    const sent = { json: { name: 'gpu', size: 2 }, headers: { 'idempotency-key': 'k' } };
    const first = await api.send('POST', '/api/pools', sent);
    const again = await api.send('POST', '/api/pools', sent);
    expect([first.status, again.status]).toEqual([201, 201]);
    expect(again.body).toEqual(first.body);
    expect(again.headers.get('idempotency-replayed')).toBe('true');
  });
});

describe('POST …/tokens', () => {
  it('gives each name once: 409 name_taken until the token that has it is gone', async () => {
    const api = await createApi({ size: 1 });
    await make(api, { name: 'phones', membership: 'elastic', size: 3, when_full: 'reject' });
    const path = `${poolAt('phones')}/tokens`;
    const { status, body } = await api.post(path, { name: 'pixel' });
    expect({ status, name: body.name }).toEqual({ status: 201, name: 'pixel' });
    const json = { name: 'pixel', labels: { os: 'android' } };
    expect((await api.refused('name_taken', 'POST', path, { json })).status).toBe(409);
    // Those without a name are not the same for that.
    for (let count = 0; count < 2; count++) expect((await api.post(path)).status).toBe(201);
    await api.refused('name_taken', 'POST', path, { json });
    await api.refused('pool_limit_reached', 'POST', path, { json: { name: 'iphone' } });
    expect((await api.send('DELETE', `${path}/${body.id}`)).status).toBe(200);
    expect((await api.post(path, json)).status).toBe(201);
    const { where, clock } = api.world;
    await api.world.close();
    const next = await createApi({ size: 1, where, clock });
    await next.refused('name_taken', 'POST', path, { json });
  });
});

describe('a pool that is made', () => {
  it('is there again after a restart, with its options, leases and numbers [I3][I14]', async () => {
    const api = await createApi({ size: 1, kind: 'pglite' });
    await make(api, { name: 'gpu', size: 3, when_full: 'reject', max_per_user: 2 });
    const { body: lease } = await allocateIn(api, 'gpu', { user_id: 'ada', ttl_ms: 10 * twoMinutes });
    const before = (await api.get(poolAt('gpu'))).body;
    const { where, clock } = api.world;
    await api.world.close();
    const next = await createApi({ size: 1, where, clock });
    expect((await next.get(poolAt('gpu'))).body).toEqual(before);
    const { body } = await next.get(`${poolAt('gpu')}/tokens/${lease.token_id}`);
    expect(body).toMatchObject({ status: 'active', user_id: 'ada', expires_at: lease.expires_at });
    expect((await allocateIn(next, 'gpu', { user_id: 'bob' })).body.fence).toBe(4);
  });

  it('has all the routes of the default pool, and knows no token of another', async () => {
    const api = await createApi({ size: 1 });
    await make(api, { name: 'gpu', size: 1 });
    const { body } = await allocateIn(api, 'gpu', { user_id: 'ada' });
    const at = `${poolAt('gpu')}/tokens/${body.token_id}`;
    expect((await api.post(`${at}/keep-alive`, { user_id: 'ada' })).status).toBe(200);
    expect((await api.get(`${at}/history`)).body.history).toHaveLength(1);
    expect((await api.get(`${at}/events`)).body.events).toHaveLength(2);
    await api.refused('not_found', 'GET', `/api/tokens/${body.token_id}`);
    await api.refused('not_found', 'POST', `/api/tokens/${body.token_id}/release`);
    expect((await api.post(`${at}/release`)).body).toMatchObject({ ok: true });
    await api.refused('pool_not_found', 'GET', `${poolAt('other')}/tokens/${nobody}`);
    expect((await api.send('DELETE', `${poolAt('gpu')}/tokens/clear-active`)).body).toEqual({ released: 0 });
  });
});

describe('PATCH /api/pools/:pool', () => {
  it('changes options while leases live, which keep their deadlines', async () => {
    const api = await createApi({ size: 1 });
    await make(api, { name: 'gpu', size: 1 });
    const { body: lease } = await allocateIn(api, 'gpu', { user_id: 'ada' });
    const { status, body } = await api.send('PATCH', poolAt('gpu'), {
      json: { when_full: 'reject', ttl_ms: 1000 },
    });
    expect(status).toBe(200);
    expect(body.options).toMatchObject({ when_full: 'reject', ttl_ms: 1000, size: 1 });
    await api.refused('pool_full', 'POST', `${poolAt('gpu')}/tokens/allocate`);
    expect((await api.get(`${poolAt('gpu')}/tokens/${lease.token_id}`)).body.expires_at).toBe(
      lease.expires_at,
    );
    const { body: log } = await api.get(`${poolAt('gpu')}/events?type=changed`);
    expect(log.events).toMatchObject([
      { seq: 3, reason: 'options_changed', metadata: { when_full: 'reject' } },
    ]);
  });

  it('drains a pool that shrinks: free tokens go at once, held ones when their lease ends', async () => {
    const api = await createApi({ size: 1 });
    await make(api, { name: 'gpu', size: 3 });
    const [ada, bob] = [
      (await allocateIn(api, 'gpu', { user_id: 'ada' })).body,
      (await allocateIn(api, 'gpu', { user_id: 'bob' })).body,
    ];
    await api.send('PATCH', poolAt('gpu'), { json: { size: 1 } });
    expect((await api.get(poolAt('gpu'))).body.counts).toMatchObject({ available: 0, active: 2, total: 2 });
    await api.post(`${poolAt('gpu')}/tokens/${ada.token_id}/release`);
    expect((await api.get(poolAt('gpu'))).body.counts).toMatchObject({ active: 1, total: 1 });
    await api.post(`${poolAt('gpu')}/tokens/${bob.token_id}/release`);
    expect((await api.get(poolAt('gpu'))).body.counts).toMatchObject({ available: 1, total: 1 });
    await api.send('PATCH', poolAt('gpu'), { json: { size: 5 } });
    expect((await api.get(poolAt('gpu'))).body.counts).toMatchObject({ available: 5, total: 5 });
  });

  it('parts with what nobody can be given before it parts with what is free', async () => {
    const api = await createApi({ size: 1 });
    await make(api, { name: 'gpu', size: 3 });
    const { body } = await api.get(`${poolAt('gpu')}/tokens`);
    await api.post(`${poolAt('gpu')}/tokens/${body.tokens[0].id}/withdraw`, { note: 'broken' });
    await api.send('PATCH', poolAt('gpu'), { json: { size: 1 } });
    expect((await api.get(poolAt('gpu'))).body.counts).toMatchObject({ available: 1, total: 1 });
  });

  it('shows a repetition the pool as it was shown at first', async () => {
    const api = await createApi({ size: 1 });
    await make(api, { name: 'gpu', size: 1 });
    const sent = { json: { size: 2 }, headers: { 'idempotency-key': 'k' } };
    const { body } = await api.send('PATCH', poolAt('gpu'), sent);
    await api.send('PATCH', poolAt('gpu'), { json: { size: 3 } });
    expect((await api.send('PATCH', poolAt('gpu'), sent)).body).toEqual(body);
  });

  it('refuses what contradicts the options that stay', async () => {
    const api = await createApi({ size: 1 });
    await make(api, { name: 'gpu', size: 1, min_hold_ms: 500 });
    const { body } = await api.refused('invalid_request', 'PATCH', poolAt('gpu'), {
      json: { when_full: 'wait' },
    });
    expect(body.errors[0].field).toBe('min_hold_ms');
    await api.refused('invalid_request', 'PATCH', poolAt('gpu'), { json: { membership: 'elastic' } });
    await api.refused('pool_not_found', 'PATCH', poolAt('none'), { json: { size: 2 } });
  });
});

describe('PATCH /api/pools/:pool, when more happens at once', () => {
  const patch = (api: Api, json: object, key?: string) =>
    api.send('PATCH', poolAt('gpu'), { json, headers: key ? { 'idempotency-key': key } : {} });

  it('makes up for tokens that left unseen just before: a fixed pool has as many as it says [I2]', async () => {
    const api = await createApi({ size: 1 });
    await make(api, { name: 'gpu', size: 4, ttl_ms: 1000 });
    await allocateIn(api, 'gpu', { count: 4 });
    await patch(api, { size: 2 });
    // Their leases are over, and no timer has said so yet.
    api.world.clock.stall(2000);
    const { body } = await patch(api, { size: 4 });
    expect(body.counts).toMatchObject({ total: 4, active: 0 });
    expect((await api.get(`${poolAt('gpu')}/verify`)).body).toMatchObject({ sound: true });
  });

  it('loses none of several changes, each with a key of its own', async () => {
    const api = await createApi({ size: 1 });
    await make(api, { name: 'gpu', size: 4 });
    const changes = [{ size: 9 }, { max_per_user: 3 }, { ttl_ms: 500 }, { queue_max: 7 }, { wait_ms: 11 }];
    const answers = await Promise.all(changes.map((json, index) => patch(api, json, `k${index}`)));
    expect(answers.map(({ status }) => status)).toEqual(changes.map(() => 200));
    const { body } = await api.get(poolAt('gpu'));
    expect(body.options).toMatchObject(Object.assign({}, ...changes));
    expect(body.counts.total).toBe(9);
  });

  it('answers a repetition as before, whatever would be said of it by now', async () => {
    const api = await createApi({ size: 1 });
    await make(api, { name: 'gpu', size: 1, ttl_ms_max: 90_000, ttl_ms: 1000 });
    const first = await patch(api, { ttl_ms: 80_000 }, 'k');
    await patch(api, { ttl_ms: 1000, ttl_ms_max: 2000 });
    const again = await patch(api, { ttl_ms: 80_000 }, 'k');
    expect([again.status, again.body.options.ttl_ms]).toEqual([first.status, 80_000]);
  });

  it('has nobody hold a thing twice that is given other labels', async () => {
    const api = await createApi({ size: 1 });
    const tokens = (os: string) => [{ name: 'pixel', labels: { os } }];
    await make(api, { name: 'gpu', tokens: tokens('13') });
    const { body: lease } = await allocateIn(api, 'gpu', { user_id: 'ada' });
    const { body } = await api.refused('invalid_request', 'PATCH', poolAt('gpu'), {
      json: { tokens: tokens('14') },
    });
    expect(body.errors[0]).toMatchObject({
      field: 'tokens',
      message: expect.stringContaining('"pixel" is held'),
    });
    await api.post(`${poolAt('gpu')}/tokens/${lease.token_id}/release`);
    expect((await patch(api, { tokens: tokens('14') })).body.counts).toMatchObject({
      total: 1,
      available: 1,
    });
    expect((await allocateIn(api, 'gpu', { labels: { os: '14' } })).status).toBe(200);
  });

  it('is shown when it is durable, with no lease counted that is over [I6][I14]', async () => {
    const api = await createApi({ size: 1 });
    await make(api, { name: 'gpu', size: 4, ttl_ms: 1000 });
    await allocateIn(api, 'gpu');
    api.world.clock.stall(2000);
    expect((await api.get(poolAt('gpu'))).body.counts).toMatchObject({ active: 0 });
    const letCommit = await holdCommits(api.world.where.databaseUrl!);
    const patched = patch(api, { size: 7 });
    await expect.poll(() => api.world.service.pools()).toMatchObject({ ok: [{}, { options: { size: 7 } }] });
    const seen = api.get(poolAt('gpu'));
    await letCommit();
    expect([(await patched).status, (await seen).body.options.size]).toEqual([200, 7]);
  });
});

describe('DELETE /api/pools/:pool', () => {
  it('ends it with its leases; made again by the same name, its numbers go on [I3]', async () => {
    const api = await createApi({ size: 1 });
    await make(api, { name: 'gpu', size: 2 });
    const { body: lease } = await allocateIn(api, 'gpu', { user_id: 'ada' });
    expect((await api.send('DELETE', poolAt('gpu'))).body).toEqual({ released: 1 });
    await api.refused('pool_not_found', 'GET', poolAt('gpu'));
    await api.refused('pool_not_found', 'POST', `${poolAt('gpu')}/tokens/${lease.token_id}/keep-alive`);
    await make(api, { name: 'gpu', size: 1 });
    expect((await allocateIn(api, 'gpu', {})).body.fence).toBeGreaterThan(lease.fence);
  });

  it('tells those who wait in its line that it is no more, and grants them nothing', async () => {
    const api = await createApi({ size: 1 });
    await make(api, { name: 'gpu', size: 1, when_full: 'wait' });
    await allocateIn(api, 'gpu', { user_id: 'ada' });
    const keyed = { json: { user_id: 'cy' }, headers: { 'idempotency-key': 'k' } };
    const route = `${poolAt('gpu')}/tokens/allocate`;
    const waiting = [allocateIn(api, 'gpu', { user_id: 'bob' }), api.send('POST', route, keyed)];
    const inLine = async () => (await api.get(poolAt('gpu'))).body.counts.waiting;
    await expect.poll(inLine, { interval: 1 }).toBe(2);
    expect((await api.send('DELETE', poolAt('gpu'))).body).toEqual({ released: 1 });
    for (const { status, body } of await Promise.all(waiting))
      expect({ status, error: body.error }).toEqual({ status: 404, error: 'pool_not_found' });
    // The pool that is made by its name is another one, to those too who ask again with their key.
    await make(api, { name: 'gpu', size: 1 });
    expect((await api.send('POST', route, keyed)).status).toBe(200);
    const { body: log } = await api.get(`${poolAt('gpu')}/events?order=asc`);
    expect(log.events.map(({ type }: { type: string }) => type)).toEqual([
      'opened',
      'activated',
      'released',
      'closed',
      'opened',
      'activated',
    ]);
    expect((await api.get(`${poolAt('gpu')}/verify`)).body).toMatchObject({ sound: true });
  });

  it('does not end a pool that the service is started with', async () => {
    const api = await createApi({ size: 1 });
    expect((await api.refused('pool_permanent', 'DELETE', poolAt('default'))).status).toBe(409);
  });
});

describe('a pool that is declared anew', () => {
  it('goes by it at the next start, but for a thing that is held under another description', async () => {
    const phones = (...tokens: TokenSpec[]) => [
      { name: 'phones', options: optionsOf({ size: tokens.length, tokens }) },
    ];
    const [pixel, nokia] = [
      { name: 'pixel', labels: { os: '13' } },
      { name: 'nokia', labels: {} },
    ];
    const first = await createWorld({ size: 1, others: phones(pixel, nokia) });
    const held = ok(await ok(first.service.pool('phones')).allocate({ labels: { os: '13' } }));
    await first.close();
    const others = phones({ name: 'pixel', labels: { os: '14' } }, { name: 'nokia', labels: { old: 'yes' } });
    const labelsIn = async ({ service }: { service: Service }) => {
      const { tokens } = ok(await ok(service.pool('phones')).reads.tokens('all', { limit: 9 }));
      return Object.fromEntries(tokens.map(({ name, labels }) => [name, labels]));
    };
    const { where, clock } = first;
    const second = await createWorld({ size: 1, others, where, clock });
    expect(await labelsIn(second)).toEqual({ pixel: { os: '13' }, nokia: { old: 'yes' } });
    ok(await ok(second.service.pool('phones')).release({ tokenId: held[0]!.tokenId }));
    await second.close();
    const third = await createWorld({ size: 1, others, where, clock });
    expect(await labelsIn(third)).toEqual({ pixel: { os: '14' }, nokia: { old: 'yes' } });
  });
});

describe('a thousand pools of a hundred tokens', () => {
  it('are opened in one go, and each serves', async () => {
    const others = Array.from({ length: 999 }, (_, index) => ({
      name: `pool-${index}`,
      options: optionsOf(),
    }));
    const world = await createWorld({ others });
    const grants = await Promise.all(
      others.map(async ({ name }) => {
        const found = world.service.pool(name);
        return 'ok' in found ? await found.ok.allocate({}) : found;
      }),
    );
    expect(grants.every((grant) => 'ok' in grant)).toBe(true);
  });
});
