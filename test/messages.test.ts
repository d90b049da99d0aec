/** What passes between route, pool, line, tokens and journal, as those see it who look on: in order, and nothing that is a holder's own. */

import { sql } from 'drizzle-orm';
import { describe, expect, it } from 'vitest';
import { databaseKinds } from './support/databases.ts';
import { createApi, nobody } from './support/http.ts';
import { openDatabase } from './support/journal.ts';
import { Onlooker } from './support/messages.ts';
import { Seeded } from './support/seeded.ts';
import { SteppedClock, twoMinutes } from './support/world.ts';

describe.each(databaseKinds)('the messages of a pool on %s', (kind) => {
  it('show an eviction step by step, from the command to the answer after the commit [I7] [I14]', async () => {
    const api = await createApi({ kind, size: 1 });
    const { token_id } = await api.allocate({ user_id: 'ada' });
    const onlooker = await Onlooker.at(api);
    await api.allocate({ user_id: 'bob', ttl_ms: 5000 });
    await onlooker.sees('pool → route: granted');
    const [first] = onlooker.messages;
    const step = first!.step;
    const at = '2026-01-31T12:00:00.000Z';
    const lease = { ttl_ms: 5000, fence: 4, expires_at: '2026-01-31T12:00:05.000Z' };
    const before = { ttl_ms: twoMinutes, fence: 2, expires_at: '2026-01-31T12:02:00.000Z' };
    const told = (n: number, from: string, to: string, message: string, user_id: string, detail: object) => ({
      ...{ step, n, at, from, to, message, user_id, detail },
      token_id: to === 'pool' ? null : token_id,
    });
    expect(onlooker.messages).toEqual([
      told(1, 'route', 'pool', 'ALLOCATE', 'bob', { ttl_ms: 5000, count: 1, guard: 'enoughCanBeEvicted' }),
      told(2, 'pool', 'token', 'EVICT', 'bob', { reason: 'lru_eviction', ...lease }),
      told(3, 'token', 'journal', 'fact released lru_eviction', 'ada', { seq: 3, ...before }),
      told(4, 'token', 'journal', 'fact activated allocated_after_eviction', 'bob', { seq: 4, ...lease }),
      expect.objectContaining({
        ...{ step: step + 1, n: 1, from: 'journal', to: 'pool', message: 'commit', user_id: null },
        detail: { up_to_seq: 4, ms: expect.any(Number) },
      }),
      told(5, 'pool', 'route', 'granted', 'bob', { seq: 4 }),
    ]);
  });
});

describe('the messages of a pool', () => {
  it('show a timer that fires, and the states that a token goes from and to', async () => {
    const api = await createApi({ size: 1 });
    await api.allocate();
    const onlooker = await Onlooker.at(api);
    api.world.clock.advance(twoMinutes);
    await onlooker.sees('journal → pool: commit');
    expect(onlooker.lines).toEqual([
      'clock → token: untilDeadline',
      'token → journal: fact expired ttl_expired',
      'token → pool: MOVED',
      'journal → pool: commit',
    ]);
    const [timer, , moved] = onlooker.messages;
    expect(timer!.detail.state).toEqual({ before: 'active', after: 'available' });
    expect(moved).toMatchObject({
      n: 3,
      token_id: timer!.token_id,
      detail: { place: 'free', is_held: false },
    });
  });

  it('show what was refused, by which guard, and with the code that the caller is told', async () => {
    const api = await createApi({ size: 1, pool: { whenFull: 'reject' } });
    const { token_id, lease_id } = await api.allocate({ user_id: 'ada' });
    const onlooker = await Onlooker.at(api);
    await api.post('/api/tokens/allocate', {});
    await api.post(`/api/tokens/${token_id}/release`, { user_id: 'mallory' });
    await api.post(`/api/tokens/${nobody}/keep-alive`, {});
    await api.post(`/api/tokens/${token_id}/release`, {});
    await api.post(`/api/tokens/${token_id}/keep-alive`, { lease_id });
    await onlooker.sees('pool → route: refused lease_ended');
    const refusals = onlooker.messages.filter(({ detail }) => 'refusal' in detail);
    expect(
      refusals.map(({ to, message, detail: { refusal, proof } }) => [to, message, refusal, proof]),
    ).toEqual([
      ['pool', 'ALLOCATE', 'pool_full', undefined],
      ['token', 'RELEASE', 'lease_mismatch', 'user_id'],
      ['pool', 'RENEW', 'not_found', 'none'],
      ['token', 'RENEW', 'token_not_active', 'lease_id'],
    ]);
    const answers = onlooker.messages.filter(({ to }) => to === 'route');
    expect(answers.map(({ message }) => message)).toEqual([
      'refused pool_full',
      'refused lease_mismatch',
      'refused not_found',
      'released',
      'refused lease_ended',
    ]);
    // Each belongs to the step of its command.
    const asked = onlooker.messages.filter(({ from }) => from === 'route');
    expect(answers.map(({ step }) => step)).toEqual(asked.map(({ step }) => step));
    const [released] = onlooker.messages.filter(({ to, detail }) => to === 'token' && detail.state);
    expect(released!.detail.state).toEqual({ before: 'active', after: 'available' });
  });

  it('show a batch as one step, and each renewal of several as a step of its own', async () => {
    const api = await createApi({ size: 3 });
    const onlooker = await Onlooker.at(api);
    const { leases } = await api.allocate({ count: 3 });
    await onlooker.sees('pool → route: granted');
    const batch = onlooker.take().filter(({ message }) => message !== 'commit');
    expect(new Set(batch.map(({ step }) => step)).size).toBe(1);
    expect(batch.filter(({ to }) => to === 'token').map(({ token_id }) => token_id)).toEqual(
      leases.map(({ token_id }: { token_id: string }) => token_id),
    );
    await api.post('/api/tokens/keep-alive', {
      leases: [leases[0], leases[1]].map(({ token_id }) => ({ token_id })),
    });
    await expect
      .poll(() => onlooker.lines.filter((line) => line === 'pool → route: renewed'))
      .toHaveLength(2);
    const renewed = onlooker.messages.filter(({ message }) => message === 'renewed');
    expect(renewed.map(({ token_id }) => token_id)).toEqual([leases[0].token_id, leases[1].token_id]);
    expect(renewed[0]!.step).toBeLessThan(renewed[1]!.step);
  });

  it('show who joins the line, is served and leaves it [I10]', async () => {
    const api = await createApi({ size: 1, pool: { whenFull: 'wait' } });
    const { token_id } = await api.allocate();
    const onlooker = await Onlooker.at(api);
    const waiting = api.allocate({ user_id: 'bob' });
    const inVain = api.post('/api/tokens/allocate', { user_id: 'cyd', wait_ms: 1000 });
    await expect.poll(() => api.world.pool.counts.waiting).toBe(2);
    api.world.clock.advance(1000);
    expect((await inVain).status).toBe(409);
    await api.post(`/api/tokens/${token_id}/release`);
    await waiting;
    await onlooker.sees('pool → route: granted');
    const without = onlooker.messages.filter(({ to, message }) => to !== 'journal' && message !== 'commit');
    expect(without.map(({ from, to, message }) => `${from} → ${to}: ${message}`)).toEqual([
      'route → pool: ALLOCATE',
      'pool → line: joined',
      'route → pool: ALLOCATE',
      'pool → line: joined',
      'route → pool: LEAVE',
      'pool → line: left',
      'pool → route: refused wait_expired',
      'route → pool: RELEASE',
      'pool → token: RELEASE',
      'token → pool: MOVED',
      'line → pool: SERVE',
      'pool → token: ALLOCATE',
      'pool → route: released',
      'pool → route: granted',
    ]);
    const stepOf = (told: string) => without.find(({ message }) => message === told)!.step;
    expect(stepOf('granted')).toBe(stepOf('SERVE'));
    expect(without.at(-1)).toMatchObject({ user_id: 'bob', token_id });
  });

  it('have no lease id in them, and no proof of a user, whatever happens', async () => {
    const timers = new SteppedClock();
    const api = await createApi({ size: 3, timers, pool: { whenFull: 'wait' } });
    const onlooker = await Onlooker.at(api);
    const chance = new Seeded(11);
    const pick = <T>(...from: T[]): T => chance.of(from);
    const grants: { token_id: string; lease_id: string }[] = [];
    for (let turn = 0; turn < 150; turn++) {
      timers.advance(1000);
      const { token_id = nobody, lease_id = nobody } = pick(...grants) ?? {};
      const proof = pick<object>(
        { lease_id },
        { user_id: 'a proof' },
        {},
        { lease_id: nobody, user_id: 'a proof' },
      );
      const path = pick(
        'keep-alive',
        'release',
        'allocate',
        'allocate',
        'cleanup',
        'withdraw',
        'restore',
        'wait',
      );
      if (path === 'wait') api.world.clock.advance(pick(1, 70_000));
      else if (path === 'cleanup') await (pick(false, true) && api.post('/api/tokens/cleanup'));
      else if (path === 'allocate') {
        const metadata = { told: 'a secret' };
        const ask = {
          metadata,
          wait_ms: 0,
          user_id: `user ${pick(1, 2, 3)}`,
          on_existing: pick('new', 'return', 'renew'),
        };
        const { status, body } = await api.post('/api/tokens/allocate', ask);
        if (status === 200) grants.push(body);
      } else if (path === 'withdraw')
        await api.post(`/api/tokens/${token_id}/withdraw`, { note: 'a secret' });
      else await api.post(`/api/tokens/${token_id}/${path}`, path === 'restore' ? undefined : proof);
    }
    const shown = JSON.stringify(onlooker.viewer.events);
    expect(onlooker.messages.length).toBeGreaterThan(300);
    expect(onlooker.dropped).toEqual([]);
    const leaseIds = new Set(api.world.facts.flatMap(({ leaseId }) => leaseId ?? []));
    expect(leaseIds.size).toBeGreaterThan(20);
    for (const leaseId of leaseIds) expect(shown).not.toContain(leaseId);
    expect(shown).not.toMatch(/a proof|a secret|lease_id":"/);
    expect(new Set(onlooker.messages.map(({ message }) => message))).toContain('WITHDRAW');
  });

  it('are those of the pool that is named', async () => {
    const api = await createApi({ size: 1 });
    await api.post('/api/pools', { name: 'gpu', size: 1 });
    const onlooker = await Onlooker.at(api, '/api/pools/gpu');
    const { token_id } = (await api.post('/api/pools/gpu/tokens/allocate', {})).body;
    await api.allocate();
    await onlooker.sees('pool → route: granted');
    await api.send('DELETE', '/api/pools/gpu');
    await onlooker.viewer.ended;
    expect(onlooker.lines).toContain('pool → journal: fact closed pool_deleted');
    const tokens = new Set(onlooker.messages.map(({ token_id }) => token_id));
    expect(tokens).toEqual(new Set([null, token_id]));
    await api.refused('pool_not_found', 'GET', '/api/pools/gpu/messages/stream');
    await api.refused('invalid_request', 'GET', '/api/messages/stream?cursor=1');
  });

  it('end when the service stops, and when another process has the pools', async () => {
    const api = await createApi({ size: 2 });
    const onlooker = await Onlooker.at(api);
    const database = await openDatabase(api.world.where);
    await database.db.execute(sql`update openings set number = number + 1`);
    await database.close();
    await api.world.pool.allocate({});
    await onlooker.viewer.ended;
    expect(onlooker.lines).toContain('journal → pool: FENCED');
    expect(onlooker.lines).not.toContain('journal → pool: commit');
    const other = await createApi({ size: 2 });
    const last = await Onlooker.at(other);
    other.world.service.stopServing();
    await last.viewer.ended;
    await other.refused('unavailable', 'GET', '/api/messages/stream');
  });
});
