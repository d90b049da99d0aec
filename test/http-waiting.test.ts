/** Standing in line over HTTP: first come, first served, and nobody who has gone. */
import { describe, expect, it } from 'vitest';
import { Seats } from '../src/service/waiting.ts';
import { holdCommits } from './support/databases.ts';
import { type Answer, type Api, createApi } from './support/http.ts';
import { optionsOf } from './support/options.ts';
import { serveApi } from './support/socket.ts';
import { SteppedClock, twoMinutes } from './support/world.ts';

/** Asks for a token, and stands in line when this resolves. */
async function stand(api: Api, user: string, more: object = {}): Promise<{ answer: Promise<Answer> }> {
  const before = api.world.pool.counts.waiting;
  const answer = api.post('/api/tokens/allocate', { user_id: user, ...more });
  await expect.poll(() => api.world.pool.counts.waiting, { interval: 1 }).toBe(before + 1);
  return { answer };
}

const queueOf = async (api: Api): Promise<string[]> =>
  (await api.get('/api/queue')).body.waiting.map(({ user_id }: { user_id: string }) => user_id);

const full = async (options: object = {}) => {
  const api = await createApi({ size: 1, pool: { whenFull: 'wait', ...options } });
  const { token_id } = await api.allocate({ user_id: 'ada' });
  return {
    api,
    clock: api.world.clock,
    token_id,
    release: () => api.post(`/api/tokens/${token_id}/release`),
  };
};

describe('a full pool that lets newcomers wait', () => {
  it('serves them in the order of their coming, each as soon as the token is free [I10]', async () => {
    const { api, clock, token_id, release } = await full({ waitMs: 10 * twoMinutes });
    const bob = await stand(api, 'bob');
    const cy = await stand(api, 'cy');
    const dee = await stand(api, 'dee');
    expect(await queueOf(api)).toEqual(['bob', 'cy', 'dee']);
    await release();
    expect(await bob.answer).toMatchObject({
      status: 200,
      body: { token_id, user_id: 'bob', evicted: null },
    });
    // By the end of the lease, at that instant.
    clock.advance(twoMinutes);
    expect((await cy.answer).body).toMatchObject({ user_id: 'cy' });
    expect(await queueOf(api)).toEqual(['dee']);
    await api.post('/api/tokens/cleanup');
    expect((await dee.answer).body).toMatchObject({ user_id: 'dee' });
    const { body } = await api.get('/api/events?order=asc');
    expect(body.events.map(({ reason }: { reason: string }) => reason)).toEqual([
      'pool_opened',
      'allocated',
      'released_by_client',
      'allocated_after_waiting',
      'ttl_expired',
      'allocated_after_waiting',
      'cleanup',
      'allocated_after_waiting',
    ]);
    const times = body.events.map(({ at }: { at: string }) => at);
    expect(times[5]).toBe(times[4]);
  });

  it('serves those of higher priority first', async () => {
    const { api, release } = await full();
    const low = await stand(api, 'low', { priority: -1 });
    const early = await stand(api, 'early');
    const high = await stand(api, 'high', { priority: 5 });
    expect(await queueOf(api)).toEqual(['high', 'early', 'low']);
    await release();
    expect((await high.answer).body).toMatchObject({ user_id: 'high' });
    await api.post('/api/tokens/cleanup');
    expect((await early.answer).body).toMatchObject({ user_id: 'early' });
    await api.post('/api/tokens/cleanup');
    expect((await low.answer).body).toMatchObject({ user_id: 'low' });
  });

  it('shows who waits, in which place, since when and until when, and no lease id', async () => {
    const { api, clock } = await full({ waitMs: 5000 });
    const bob = await stand(api, 'bob', { wait_ms: 700, labels: {} });
    const { body } = await api.get('/api/queue');
    const since = new Date(clock.now()).toISOString();
    const until = new Date(clock.now() + 700).toISOString();
    expect(body).toEqual({
      waiting: [{ position: 1, user_id: 'bob', priority: 0, since, until, labels: {} }],
      total: 1,
    });
    clock.advance(700);
    expect((await bob.answer).status).toBe(409);
  });

  it('refuses who has waited for as long as they said: 409 wait_expired, and nothing has changed', async () => {
    const { api, clock, release } = await full({ waitMs: 5000 });
    const bob = await stand(api, 'bob');
    const cy = await stand(api, 'cy', { wait_ms: 4000 });
    clock.advance(4000);
    expect((await cy.answer).body).toMatchObject({ error: 'wait_expired', status: 409 });
    clock.advance(999);
    expect(await queueOf(api)).toEqual(['bob']);
    clock.advance(1);
    expect((await bob.answer).body.error).toBe('wait_expired');
    await release();
    expect((await api.get('/api/tokens')).body.counts).toMatchObject({ available: 1, active: 0, waiting: 0 });
  });

  it('takes no more than may stand in line: 429 queue_full', async () => {
    const { api, release } = await full({ queueMax: 1 });
    const bob = await stand(api, 'bob');
    const { status, headers } = await api.refused('queue_full', 'POST', '/api/tokens/allocate');
    expect({ status, after: headers.get('retry-after') }).toEqual({ status: 429, after: '1' });
    await release();
    expect((await bob.answer).status).toBe(200);
  });

  it('leaves connections for those who give back: in all pools together no more wait than there are seats', async () => {
    const others = [{ name: 'gpu', options: optionsOf({ size: 1, whenFull: 'wait' }) }];
    const pool = { whenFull: 'wait' as const };
    const api = await createApi({ size: 1, pool, others, seats: new Seats(2) });
    const gpu = '/api/pools/gpu/tokens';
    const ada = await api.allocate({ user_id: 'ada' });
    const { body: lease } = await api.post(`${gpu}/allocate`);
    const bob = await stand(api, 'bob');
    const cy = api.post(`${gpu}/allocate`, { user_id: 'cy' });
    await expect
      .poll(async () => (await api.get('/api/pools/gpu/queue')).body.total, { interval: 1 })
      .toBe(1);
    const { status } = await api.refused('queue_full', 'POST', `${gpu}/allocate`);
    expect(status).toBe(429);
    await api.refused('queue_full', 'POST', '/api/tokens/allocate', { json: { wait_ms: 5 } });
    expect(await queueOf(api)).toEqual(['bob']);
    // Who leaves makes room, in whichever line.
    expect((await api.post(`${gpu}/${lease.token_id}/release`)).status).toBe(200);
    expect((await cy).body).toMatchObject({ user_id: 'cy' });
    const dee = await stand(api, 'dee');
    for (const { answer } of [bob, dee]) {
      await api.post(`/api/tokens/${ada.token_id}/release`);
      expect((await answer).status).toBe(200);
    }
  });

  it('lets nobody wait who says so: wait_ms 0', async () => {
    const { api } = await full();
    const { headers } = await api.refused('pool_full', 'POST', '/api/tokens/allocate', {
      json: { wait_ms: 0 },
    });
    expect(headers.get('retry-after')).toBe('1');
  });

  it('answers those who wait with 503 when the service stops', async () => {
    const { api } = await full();
    const bob = await stand(api, 'bob');
    api.world.service.stopServing();
    const { status, headers, body } = await bob.answer;
    expect({ status, error: body.error, after: headers.get('retry-after') }).toEqual({
      status: 503,
      error: 'unavailable',
      after: '1',
    });
  });

  it('grants a keyed request that waits once; a repetition meanwhile is in use, and one afterwards the same [I9]', async () => {
    const { api, release } = await full();
    const sent = { json: { user_id: 'bob' }, headers: { 'idempotency-key': 'k' } };
    const waits = api.send('POST', '/api/tokens/allocate', sent);
    await expect.poll(() => api.world.pool.counts.waiting, { interval: 1 }).toBe(1);
    await api.refused('idempotency_key_in_use', 'POST', '/api/tokens/allocate', sent);
    await release();
    const first = await waits;
    expect(first.body.user_id).toBe('bob');
    const again = await api.send('POST', '/api/tokens/allocate', sent);
    expect(again.body.lease_id).toBe(first.body.lease_id);
  });
});

describe('a pool that evicts or refuses', () => {
  it.each(['evict', 'reject'] as const)('lets those wait who ask for it (%s)', async (whenFull) => {
    // Where something can be evicted, nobody has to wait.
    const { api, release } = await full({ whenFull, minHoldMs: whenFull === 'evict' ? 5000 : 0 });
    const bob = await stand(api, 'bob', { wait_ms: 1000 });
    await release();
    expect((await bob.answer).body).toMatchObject({ user_id: 'bob', evicted: null });
  });

  it('evicts for those who wait as soon as it may, and tells them whose lease that was [I7]', async () => {
    const { api, clock } = await full({ whenFull: 'evict', minHoldMs: 5000 });
    const bob = await stand(api, 'bob', { wait_ms: 6000 });
    clock.advance(4999);
    expect(await queueOf(api)).toEqual(['bob']);
    clock.advance(1);
    const { status, body } = await bob.answer;
    expect({ status, evicted: body.evicted.user_id }).toEqual({ status: 200, evicted: 'ada' });
  });
});

describe('two requests of one user that ask for what they hold', () => {
  it.each(['return', 'renew'])('get one lease, though both have waited: %s [I10]', async (on_existing) => {
    const { api, release } = await full();
    const asked = [await stand(api, 'bob', { on_existing }), await stand(api, 'bob', { on_existing })];
    await release();
    const [one, two] = await Promise.all(asked.map(({ answer }) => answer));
    expect([one!.status, two!.status]).toEqual([200, 200]);
    expect(two!.body.lease_id).toBe(one!.body.lease_id);
    expect((await api.get('/api/tokens')).body.counts).toMatchObject({ active: 1, waiting: 0 });
  });
});

describe('a client that hangs up while it waits', () => {
  it('leaves the line at once, and is never given a token (granted-to-a-dead-waiter) [I10]', async () => {
    const { api, url } = await serveApi({ size: 1, pool: { whenFull: 'wait' } });
    const { token_id } = await api.allocate({ user_id: 'ada' });
    const gone = new AbortController();
    const asked = fetch(`${url}/api/tokens/allocate`, { method: 'POST', signal: gone.signal }).catch(
      () => 'gone',
    );
    await expect.poll(() => api.world.pool.counts.waiting).toBe(1);
    gone.abort();
    expect(await asked).toBe('gone');
    await expect.poll(() => api.world.pool.counts.waiting).toBe(0);
    await api.post(`/api/tokens/${token_id}/release`);
    expect((await api.get('/api/tokens')).body.counts).toMatchObject({ active: 0, available: 1 });
    expect((await api.get('/api/events?type=activated')).body.events).toHaveLength(1);
  });

  it('gives back what it was granted in the same breath, unless it can ask again with its key', async () => {
    const { api, release } = await full();
    const grants: (string | null)[] = [];
    for (const key of [null, 'k']) {
      const gone = new AbortController();
      const headers = { 'content-type': 'application/json', ...(key && { 'idempotency-key': key }) };
      const asked = api.app.request('/api/tokens/allocate', { method: 'POST', headers, signal: gone.signal });
      await expect.poll(() => api.world.pool.counts.waiting, { interval: 1 }).toBe(1);
      // The commit of the grant is under way when the client goes.
      const letCommit = await holdCommits(api.world.where.databaseUrl!);
      const freeing = key === null ? release() : api.post('/api/tokens/cleanup');
      await expect.poll(() => api.world.pool.counts.waiting, { interval: 1 }).toBe(0);
      gone.abort();
      await letCommit();
      await Promise.all([freeing, asked]);
      const { body } = await api.get('/api/tokens?status=active');
      grants.push(body.tokens[0]?.user_id ?? null);
      if (key === null) await api.allocate({ user_id: 'eve' });
    }
    expect(grants).toEqual([null, expect.any(String)]);
    const { body } = await api.get('/api/events?type=released');
    expect(body.events.map(({ reason }: { reason: string }) => reason)).toContain('caller_gone');
  });
});

/** Time goes on at every look at it, as it does in a process that takes time. */
class RestlessClock extends SteppedClock {
  isRestless = false;

  override now(): number {
    if (this.isRestless) this.stall(1);
    return super.now();
  }
}

describe('a token that comes free in the breath in which somebody joins the line', () => {
  it.each([undefined, 'k'])('is theirs, and they are told so (key %s) [I9][I10]', async (key) => {
    const pool = { whenFull: 'wait' as const, coolDownMs: 1000 };
    // The lease has run out, and its token rests; the rest is over between two looks at the clock.
    for (let left = 1; left <= 12; left++) {
      const api = await createApi({ size: 1, clock: new RestlessClock(), pool });
      const clock = api.world.clock as RestlessClock;
      await api.allocate({ user_id: 'ada', ttl_ms: 100 });
      clock.advance(100);
      clock.advance(1000 - left);
      clock.isRestless = true;
      const headers = { 'content-type': 'application/json', ...(key && { 'idempotency-key': key }) };
      const asked = api.send('POST', '/api/tokens/allocate', {
        json: { user_id: 'bob', wait_ms: 60_000 },
        headers,
      });
      const { pool: waited } = api.world;
      await expect.poll(() => waited.counts.active + waited.counts.waiting, { interval: 1 }).toBe(1);
      clock.isRestless = false;
      clock.advance(left);
      expect((await asked).body).toMatchObject({ user_id: 'bob' });
    }
  });
});

describe('ten thousand who wait', () => {
  it('are all served, in the order of their coming [I10]', async () => {
    const { api, release } = await full({ waitMs: 24 * 3_600_000 });
    const count = 10_000;
    const users = Array.from({ length: count }, (_, index) => `user ${index}`);
    const order: string[] = [];
    const all = users.map(async (userId) => {
      const outcome = await api.world.pool.allocate({ userId, ttlMs: 1 });
      if ('ok' in outcome || outcome.refused.code === 'too_late') order.push(userId);
    });
    await expect.poll(() => api.world.pool.counts.waiting).toBe(count);
    await release();
    for (let served = 0; served < count; served++) api.world.clock.advance(1);
    await Promise.all(all);
    expect(order).toHaveLength(count);
    const seen: string[] = [];
    for (let cursor = ''; ; ) {
      const { body } = await api.get(`/api/events?order=asc&type=activated&limit=1000${cursor}`);
      seen.push(...body.events.map(({ user_id }: { user_id: string }) => user_id));
      if (body.next_cursor === null) break;
      cursor = `&cursor=${body.next_cursor}`;
    }
    expect(seen).toEqual(['ada', ...users]);
  });
});
