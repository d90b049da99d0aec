/** Simulated time over HTTP: everything at its own instant, and nothing told before it is recorded. */
import { sql } from 'drizzle-orm';
import { describe, expect, it } from 'vitest';
import { systemClock } from '../src/clock.ts';
import { databaseKinds, freshDatabase, holdCommits } from './support/databases.ts';
import { type Api, createApi } from './support/http.ts';
import { openDatabase } from './support/journal.ts';
import { SteppedClock, start, thirtyDays, twoMinutes } from './support/world.ts';

const at = (ms: number) => new Date(start + ms).toISOString();

async function advance(api: Api, ms: number) {
  const { status, body, text } = await api.post('/api/clock/advance', { ms });
  expect(status, text).toBe(200);
  return body;
}

const now = async (api: Api) => (await api.get('/api/clock')).body.now;

const year = 31_536_000_000;

describe.each(databaseKinds)('simulated time on %s', (kind) => {
  it('goes from deadline to deadline in all pools, and answers when all that it led to is recorded', async () => {
    const api = await createApi({ kind, size: 3 });
    await api.post('/api/pools', { name: 'gpu', size: 1, when_full: 'wait', cool_down_ms: 500 });
    await api.post('/api/pools', { name: 'seats', membership: 'elastic', size: 2, idle_ttl_ms: 3000 });
    await api.post('/api/pools/seats/tokens', {});
    await api.allocate({ user_id: 'ada', ttl_ms: 1000 });
    const bob = await api.allocate({ user_id: 'bob', ttl_ms: 2500 });
    await api.post('/api/pools/gpu/tokens/allocate', { user_id: 'cyd', ttl_ms: 1200 });
    expect(await advance(api, 500)).toEqual({ now: at(500), next_deadline: at(1000), facts: 0 });
    await api.post(`/api/tokens/${bob.token_id}/keep-alive`, { ttl_ms: 3300 });
    const gpu = '/api/pools/gpu/tokens/allocate';
    const dan = api.post(gpu, { user_id: 'dan', ttl_ms: twoMinutes, wait_ms: 5000 });
    const eve = api.post(gpu, { user_id: 'eve', wait_ms: 300 });
    await expect.poll(async () => (await api.get('/api/pools/gpu/queue')).body.total).toBe(2);
    expect((await api.get('/api/clock')).body).toEqual({ now: at(500), next_deadline: at(800) });
    const before = api.world.facts.length;
    expect(await advance(api, 10_000)).toEqual({
      now: at(10_500),
      next_deadline: at(1700 + twoMinutes),
      facts: 6,
    });
    // The answer comes after the commit of each.
    const facts = api.world.facts.slice(before);
    expect(facts.map(({ pool, type, userId, at }) => [at - start, pool, type, userId])).toEqual([
      [1000, 'default', 'expired', 'ada'],
      [1200, 'gpu', 'expired', 'cyd'],
      [1700, 'gpu', 'rested', null],
      [1700, 'gpu', 'activated', 'dan'],
      [3000, 'seats', 'deleted', null],
      [3800, 'default', 'expired', 'bob'],
    ]);
    expect((await dan).body).toMatchObject({ activated_at: at(1700), expires_at: at(1700 + twoMinutes) });
    expect((await eve).body).toMatchObject({ error: 'wait_expired' });
    expect(await advance(api, thirtyDays)).toEqual({
      now: at(10_500 + thirtyDays),
      next_deadline: null,
      facts: 2,
    });
  });

  it('never runs backwards, however late a process begins that has not heard of it', async () => {
    const first = await createApi({ kind, size: 1 });
    await first.allocate({ ttl_ms: thirtyDays });
    await advance(first, thirtyDays + 5000);
    await first.world.close();
    // Nothing happened in the last five seconds.
    const second = await createApi({ where: first.world.where, size: 1, clock: new SteppedClock() });
    expect(await now(second)).toBe(at(thirtyDays));
    await second.world.close();
    const later = await createApi({
      where: first.world.where,
      size: 1,
      clock: new SteppedClock(start + year),
    });
    expect(await now(later)).toBe(at(year));
  });
});

describe('simulated time', () => {
  it('is told to have come on only when what it led to is committed [I14]', async () => {
    const where = await freshDatabase('postgres');
    const clock = new SteppedClock();
    let letCommit: (() => Promise<void>) | undefined;
    const hold = async () => {
      letCommit = await holdCommits(where.databaseUrl!);
    };
    // From the first second on, which is before the lease is over.
    const settled = () => (letCommit === undefined && clock.now() > start ? hold() : null);
    const api = await createApi({ size: 1, where, clock, settled });
    await api.allocate();
    let isAnswered = false;
    const answer = advance(api, twoMinutes).finally(() => {
      isAnswered = true;
    });
    await expect.poll(() => api.world.pool.counts.active).toBe(0);
    for (let turn = 0; turn < 50; turn++) await new Promise((resolve) => setImmediate(resolve));
    expect(isAnswered).toBe(false);
    expect(api.world.facts.map(({ type }) => type)).not.toContain('expired');
    await letCommit!();
    expect(await answer).toEqual({ now: at(twoMinutes), next_deadline: null, facts: 1 });
    expect(api.world.facts.at(-1)).toMatchObject({ type: 'expired', at: start + twoMinutes });
  });

  it('stands still where it cannot be recorded what it would lead to', async () => {
    const api = await createApi({ size: 1, times: { commitTimeoutMs: 100, patienceMs: 100 } });
    await api.allocate();
    const letCommit = await holdCommits(api.world.where.databaseUrl!);
    await api.post('/api/tokens/cleanup');
    await expect.poll(() => api.world.service.stage).toBe('degraded');
    await api.refused('unavailable', 'POST', '/api/clock/advance', { json: { ms: twoMinutes } });
    expect((await api.get('/api/clock')).body.error).toBe('unavailable');
    await letCommit();
    await expect.poll(() => api.world.service.stage).toBe('serving');
    expect(await now(api)).toBe(at(0));
  });

  it('stands still in a process that another has followed, and goes on from what that has recorded', async () => {
    const api = await createApi({ size: 1 });
    const other = await openDatabase(api.world.where);
    await other.db.execute(sql`update openings set number = number + 1`);
    await api.refused('unavailable', 'POST', '/api/clock/advance', { json: { ms: 1000 } });
    await other.close();
    expect(api.world.clock.now()).toBe(start);
    await expect.poll(() => api.world.service.stage).toBe('serving');
    expect(await now(api)).toBe(at(0));
  });

  it('is moved by one after the other', async () => {
    const api = await createApi({ size: 4 });
    for (const ttl_ms of [500, 1500, 2500]) await api.allocate({ ttl_ms });
    const answers = await Promise.all([1000, 1000, 0, 1000].map((ms) => advance(api, ms)));
    expect(answers.map(({ now, facts }) => [now, facts])).toEqual([
      [at(1000), 1],
      [at(2000), 1],
      [at(2000), 0],
      [at(3000), 1],
    ]);
  });

  it('passes once for a request that is repeated with its key [I9]', async () => {
    const api = await createApi({ size: 1 });
    await api.allocate({ ttl_ms: 500 });
    const headers = { 'idempotency-key': 'one-day' };
    const sent = { json: { ms: 86_400_000 }, headers };
    const first = await api.send('POST', '/api/clock/advance', sent);
    const again = await api.send('POST', '/api/clock/advance', sent);
    expect(first.body).toEqual({ now: at(86_400_000), next_deadline: null, facts: 1 });
    expect(again.body).toEqual(first.body);
    expect(again.headers.get('idempotency-replayed')).toBe('true');
    expect(await now(api)).toBe(first.body.now);
  });

  it.each([
    [{}, 'ms'],
    [{ ms: -1 }, 'ms'],
    [{ ms: 1.5 }, 'ms'],
    [{ ms: '1000' }, 'ms'],
    [{ ms: year + 1 }, 'ms'],
    [{ ms: null }, 'ms'],
    [{ ms: 1, to: 'noon' }, 'to'],
    [[], 'body'],
  ])('is not moved by %j', async (json, field) => {
    const api = await createApi({ size: 1 });
    const { body } = await api.refused('invalid_request', 'POST', '/api/clock/advance', { json });
    expect(body.errors).toMatchObject([{ field }]);
    expect(await now(api)).toBe(at(0));
  });

  it('is right for those who ask while it passes [I6][I15]', async () => {
    const api = await createApi({ size: 300 });
    for (let n = 1; n <= 300; n++) void api.world.pool.allocate({ ttlMs: n * 1000 });
    let isOver = false;
    const moved = advance(api, 300_000).finally(() => {
      isOver = true;
    });
    let looks = 0;
    while (!isOver) {
      const { status, body } = await api.get('/api/tokens?status=active&limit=300');
      looks++;
      // Time has overtaken it again and again.
      if (status === 503) continue;
      // Each by the time at which it was asked, of which there is only one for all of it.
      const due = body.tokens.map(({ expires_at }: { expires_at: string }) => Date.parse(expires_at));
      expect(Math.min(...due, Infinity)).toBeGreaterThan(start + 1000 * (300 - due.length));
    }
    expect([(await moved).facts, looks > 0]).toEqual([300, true]);
    expect(api.world.pool.counts.active).toBe(0);
  });

  it('is not there on a real clock', async () => {
    const api = await createApi({ size: 1, clock: systemClock() as SteppedClock });
    const refusals = [
      await api.refused('clock_not_simulated', 'GET', '/api/clock'),
      await api.refused('clock_not_simulated', 'POST', '/api/clock/advance', { json: { ms: 1 } }),
    ];
    for (const { status, body } of refusals) {
      expect(status).toBe(404);
      expect(body.detail).toContain('CLOCK=simulated');
    }
  });
});
