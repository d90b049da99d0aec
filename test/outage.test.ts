/** The database goes away under load, or stops answering: nothing acknowledged is lost, and it heals by itself. */
import postgres from 'postgres';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { Where } from './support/databases.ts';
import { type PostgresServer, startPostgres } from './support/postgres-server.ts';
import {
  type HttpAnswer,
  pause,
  type ServiceProcess,
  spawnService,
  startService,
  until,
} from './support/process.ts';
import { checkLog, type LeaseSeen, Told, useTokens } from './support/told.ts';

const outageMs = process.env.LONG ? 10_000 : 3000;
const timeoutMs = 120_000 + outageMs;

/** A server of the test's own, which it may treat as it likes. */
async function ownPostgres(): Promise<{ server: PostgresServer; where: Where }> {
  const server = await startPostgres();
  onTestFinished(() => server.stop());
  return { server, where: { databaseUrl: server.url, dataDir: '' } };
}

function expectToWait({ status, headers, body }: HttpAnswer, stage: string): void {
  expect({ status, ...body }).toMatchObject({ status: 503, error: 'unavailable', stage });
  expect(headers.get('retry-after')).toBe('1');
}

/** Those who got a lease before it went wrong are told the same afterwards. */
async function expectSameLease(service: ServiceProcess, { token_id, ...lease }: LeaseSeen): Promise<void> {
  const { user_id, fence, expires_at } = lease;
  const { body } = await service.get(`/api/tokens/${token_id}`);
  expect(body).toMatchObject({ status: 'active', user_id, fence, expires_at });
}

describe('Postgres that is shut down under load', () => {
  it('costs refusals meanwhile, and nothing that was acknowledged [I3][I14][I17]', {
    timeout: timeoutMs,
  }, async () => {
    const { server, where } = await ownPostgres();
    const service = await startService(where, { COMMIT_TIMEOUT_MS: '1000' });
    const { body: lease } = await service.post<LeaseSeen>('/api/tokens/allocate', { ttl_ms: 600_000 });
    const told = new Told();
    told.note('activated', lease);
    let done = false;
    const users = Array.from({ length: 8 }, (_, index) =>
      useTokens(
        () => service,
        `user ${index}`,
        told,
        () => !done,
      ),
    );
    await until('there is something to lose', () => told.acknowledged.length > 200);
    await server.halt();
    await service.ready('degraded');
    expect((await service.get('/readyz')).headers.get('retry-after')).toBe('1');
    expect((await service.get('/livez')).status).toBe(200);
    expectToWait(await service.post('/api/tokens/allocate'), 'degraded');
    expectToWait(await service.get('/api/tokens'), 'degraded');
    await pause(outageMs);
    const acknowledged = told.acknowledged.length;
    await server.resume();
    await service.ready();
    await until('users are served again', () => told.acknowledged.length > acknowledged + 100);
    done = true;
    await Promise.all(users);
    expect(service.exit).toBeNull();
    expect(told.unanswered).toBe(0);
    const errors = new Set(told.refusals.map(({ body }) => body.error));
    expect([...errors].filter((error) => error !== 'unavailable' && error !== 'outcome_unknown')).toEqual([]);
    for (const { status, headers } of told.refusals) {
      expect([status, headers.get('retry-after')]).toEqual([503, '1']);
    }
    await expectSameLease(service, lease);
    await checkLog(service, told);
  });

  it('leaves one process that serves, of two, even if nobody asks for anything [I1]', {
    timeout: timeoutMs,
  }, async () => {
    const { server, where } = await ownPostgres();
    const first = await startService(where);
    const second = await (await spawnService(where)).ready('standby');
    const { body: lease } = await first.post<LeaseSeen>('/api/tokens/allocate', { ttl_ms: 600_000 });
    await server.halt();
    await first.ready('degraded');
    await server.resume();
    const stages = async () => {
      const health = [await first.get('/readyz'), await second.get('/readyz')];
      return health.map(({ body }) => body.status).sort();
    };
    // Who serves for the moment may be about to be followed: whoever is asked twice, a while apart, is not.
    let serving = first;
    await until('one serves, stays so, and one stands by', async () => {
      const before = serving;
      serving = (await first.get('/readyz')).status === 200 ? first : second;
      await pause(300);
      return before === serving && (await stages()).join() === 'serving,standby';
    });
    await expectSameLease(serving, lease);
    const told = new Told();
    told.note('activated', lease);
    await checkLog(serving, told);
  });
});

describe('Postgres that does not answer at all', () => {
  it('leaves nobody without an answer, and writes nothing twice when it wakes up [I3][I14][I17]', {
    timeout: timeoutMs,
  }, async () => {
    const { server, where } = await ownPostgres();
    const service = await startService(where, { COMMIT_TIMEOUT_MS: '300' });
    const { body: lease } = await service.post<LeaseSeen>('/api/tokens/allocate', { user_id: 'ada' });
    const told = new Told();
    told.note('activated', lease);
    const thaw = await server.freeze();
    const asked = [
      ...Array.from({ length: 5 }, () => service.post('/api/tokens/allocate', { user_id: 'bob' })),
      service.post(`/api/tokens/${lease.token_id}/release`, { lease_id: lease.lease_id }),
    ];
    for (const { status, headers, body } of await Promise.all(asked)) {
      expect({ status, ...body }).toMatchObject({ status: 503, error: 'outcome_unknown' });
      expect(headers.get('retry-after')).toBe('1');
    }
    await service.ready('degraded');
    expectToWait(await service.post('/api/tokens/allocate'), 'degraded');
    thaw();
    await service.ready();
    expect((await service.post('/api/tokens/allocate', { user_id: 'eve' })).status).toBe(200);
    told.note('released', lease);
    const log = await checkLog(service, told);
    // What was unknown then has been recorded since, once.
    expect(log.map(({ type, user_id }) => [type, user_id])).toEqual([
      ['opened', null],
      ['activated', 'ada'],
      ...Array.from({ length: 5 }, () => ['activated', 'bob']),
      ['released', 'ada'],
      ['activated', 'eve'],
    ]);
  });

  it('leaves nobody without an answer who only reads [I17]', { timeout: timeoutMs }, async () => {
    const { server, where } = await ownPostgres();
    const service = await startService(where, { COMMIT_TIMEOUT_MS: '300' });
    const { body: lease } = await service.post<LeaseSeen>('/api/tokens/allocate');
    const thaw = await server.freeze();
    const paths = ['/api/events', `/api/tokens/${lease.token_id}`, `/api/tokens/${lease.token_id}/history`];
    for (const answer of await Promise.all(paths.map((path) => service.get(path)))) {
      expect(answer).toMatchObject({ status: 503, body: { error: 'unavailable' } });
    }
    thaw();
    await until('the log can be read again', async () => (await service.get('/api/events')).status === 200);
  });
});

describe('Postgres that can no longer be right', () => {
  it('ends the process, which cannot know what it would answer', { timeout: timeoutMs }, async () => {
    const { where } = await ownPostgres();
    const service = await startService(where);
    const client = postgres(where.databaseUrl!, { max: 1, onnotice: () => {} });
    await client.unsafe('drop table token_events');
    await client.end();
    await expect(service.post('/api/tokens/allocate')).rejects.toThrow();
    expect(await service.exited).toEqual({ code: 1, signal: null });
    expect(service.log.at(-1)).toMatchObject({
      level: 60,
      err: { message: expect.stringContaining('token_events') },
    });
  });
});
