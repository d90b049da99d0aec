/** Several processes on one Postgres: one serves, the others wait, and one of them takes over [I1][I3][I14]. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import postgres from 'postgres';
import { describe, expect, it } from 'vitest';
import { freshFolder, freshPostgres, type Where } from './support/databases.ts';
import { type ServiceProcess, spawnService, startService, until } from './support/process.ts';
import { checkLog, type LeaseSeen, readLog, Told, useTokens } from './support/told.ts';

const freshWhere = async (): Promise<Where> => ({ databaseUrl: await freshPostgres(), dataDir: '' });

/** Starts a service while another one serves, and waits until it stands by. */
const startStandby = async (where: Where, env = {}) => (await spawnService(where, env)).ready('standby');

async function grant(service: ServiceProcess, userId: string, told: Told): Promise<LeaseSeen> {
  const { status, body } = await service.post<LeaseSeen>('/api/tokens/allocate', { user_id: userId });
  expect(status).toBe(200);
  told.note('activated', body);
  return body;
}

async function expectSameLease(service: ServiceProcess, { token_id, ...lease }: LeaseSeen): Promise<void> {
  const { fence, user_id, expires_at } = lease;
  const { body } = await service.get(`/api/tokens/${token_id}`);
  expect(body).toMatchObject({ status: 'active', fence, user_id, expires_at });
}

describe('a second process on the same Postgres', () => {
  it('is alive, says that it stands by, and refuses everybody', async () => {
    const where = await freshWhere();
    const serving = await startService(where);
    const standby = await startStandby(where);
    expect(await standby.get('/livez')).toMatchObject({ status: 200, body: { status: 'alive' } });
    const health = await standby.get('/readyz');
    expect(health).toMatchObject({ status: 503, body: { status: 'standby' } });
    expect(health.headers.get('retry-after')).toBe('1');
    const refusals = [
      await standby.post('/api/tokens/allocate', { user_id: 'ada' }),
      await standby.post('/api/tokens/cleanup'),
      await standby.get('/api/tokens'),
      await standby.get('/api/events'),
    ];
    for (const refusal of refusals) {
      expect(refusal).toMatchObject({ status: 503, body: { error: 'unavailable', stage: 'standby' } });
      expect(refusal.headers.get('retry-after')).toBe('1');
    }
    expect((await serving.get('/readyz')).status).toBe(200);
    expect((await readLog(serving)).map(({ type }) => type)).toEqual(['opened']);
  });

  it('ends at a signal without a trace', async () => {
    const where = await freshWhere();
    const serving = await startService(where);
    const standby = await startStandby(where);
    expect(await standby.stop()).toEqual({ code: 0, signal: null });
    expect((await readLog(serving)).map(({ type }) => type)).toEqual(['opened']);
  });

  it('takes over, and a third after it, with every lease as it was and rising fences [I1][I3][I14]', async () => {
    const where = await freshWhere();
    const told = new Told();
    const first = await startService(where);
    const second = await startStandby(where);
    const ada = await grant(first, 'ada', told);
    expect((await first.stop('SIGKILL')).signal).toBe('SIGKILL');
    await second.ready();
    await expectSameLease(second, ada);
    const third = await startStandby(where);
    const bob = await grant(second, 'bob', told);
    expect(await second.stop('SIGTERM')).toEqual({ code: 0, signal: null });
    await third.ready();
    await expectSameLease(third, ada);
    await expectSameLease(third, bob);
    const eve = await grant(third, 'eve', told);
    expect(ada.fence < bob.fence && bob.fence < eve.fence).toBe(true);
    const release = await third.post(`/api/tokens/${ada.token_id}/release`, { lease_id: ada.lease_id });
    expect(release.status).toBe(200);
    told.note('released', ada);
    const log = await checkLog(third, told);
    expect(log.filter(({ type }) => type === 'opened')).toHaveLength(3);
  });

  it('takes over under load, and again from whoever took over [I1][I3][I5][I14]', async () => {
    const where = await freshWhere();
    const env = { POOL_SIZE: '20' };
    const told = new Told();
    let serving = await startService(where, env);
    let done = false;
    const users = Array.from({ length: 6 }, (_, index) =>
      useTokens(
        () => serving,
        `user ${index}`,
        told,
        () => !done,
      ),
    );
    for (const signal of ['SIGKILL', 'SIGTERM', 'SIGKILL'] as const) {
      const standby = await startStandby(where, env);
      const enough = told.acknowledged.length + 100;
      await until('there is something to lose', () => told.acknowledged.length > enough);
      await serving.stop(signal);
      serving = await standby.ready();
    }
    done = true;
    await Promise.all(users);
    await checkLog(serving, told);
  });

  it('does not stand by for pools that are declared as what they cannot become', async () => {
    const where = await freshWhere();
    const file = join(freshFolder(), 'pools.yaml');
    const declare = (options: string) => writeFileSync(file, `pools: {a: {size: 2, ${options}}}`);
    declare('when_full: reject');
    const first = await startService(where, { POOLS_FILE: file });
    declare('when_full: reject, membership: elastic');
    const second = await spawnService(where, { POOLS_FILE: file });
    expect(await second.exited).toEqual({ code: 1, signal: null });
    expect(second.stderr).toContain("pool 'a' is fixed and stays so");
    expect((await first.get('/readyz')).status).toBe(200);
    await first.stop();
    const third = await spawnService(where, { POOLS_FILE: file });
    expect(await third.exited).toEqual({ code: 1, signal: null });
    declare('when_full: wait');
    const fourth = await startService(where, { POOLS_FILE: file });
    expect((await readLog(fourth)).map(({ type }) => type)).toEqual(['opened', 'opened']);
  });

  it('brings its own options along when it takes over, and lets the pool drain or grow to them', async () => {
    const where = await freshWhere();
    const first = await startService(where, { POOL_SIZE: '3' });
    const told = new Told();
    const ada = await grant(first, 'ada', told);
    const second = await startStandby(where, { POOL_SIZE: '4' });
    expect(await first.stop()).toEqual({ code: 0, signal: null });
    await second.ready();
    const { body } = await second.get<{ counts: object }>('/api/tokens');
    expect(body.counts).toMatchObject({ active: 1, available: 3, total: 4 });
    await expectSameLease(second, ada);
    await checkLog(second, told);
  });
});

describe('a process that has lost the pool without knowing it', () => {
  it('grants nothing more when it wakes up beside its successor, and stands by [I1][I3] (stalled-instance-ends-all-leases)', async () => {
    const where = await freshWhere();
    const told = new Told();
    const first = await startService(where);
    const ada = await grant(first, 'ada', told);
    const second = await startStandby(where);
    first.signal('SIGSTOP');
    await loseConnections(where);
    await second.ready();
    const bob = await grant(second, 'bob', told);
    first.signal('SIGCONT');
    const late = await first.post('/api/tokens/allocate', { user_id: 'eve' });
    expect(late).toMatchObject({ status: 503, body: { error: 'unavailable' } });
    await first.ready('standby');
    const log = await checkLog(second, told);
    expect(log.map(({ user_id }) => user_id)).toEqual([null, 'ada', null, 'bob']);
    // It is of use again: the next to take over.
    await second.stop();
    await first.ready();
    await expectSameLease(first, ada);
    await expectSameLease(first, bob);
    await checkLog(first, told);
  });

  it('says that it does not serve, even if nobody asks it for anything [I1]', async () => {
    const where = await freshWhere();
    const first = await startService(where);
    const second = await startStandby(where);
    first.signal('SIGSTOP');
    await loseConnections(where);
    await second.ready();
    first.signal('SIGCONT');
    await first.ready('standby');
    expect((await second.get('/readyz')).status).toBe(200);
  });
});

/** Cuts the connection that holds the pool, as a network or a restarted server would. */
async function loseConnections({ databaseUrl }: Where): Promise<void> {
  const client = postgres(databaseUrl!, { max: 1 });
  try {
    const cut = await client`
      select pg_terminate_backend(pid) from pg_locks
      where locktype = 'advisory' and granted
        and database = (select oid from pg_database where datname = current_database())`;
    expect(cut).toHaveLength(1);
  } finally {
    await client.end();
  }
}
