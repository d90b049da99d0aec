/** A process that hangs keeps its connections: it is no longer heard of, and another serves [I1][I3][I5][I6][I9][I15]. */
import postgres from 'postgres';
import { describe, expect, it } from 'vitest';
import { Cable } from './support/cable.ts';
import { freshPostgres, type Where } from './support/databases.ts';
import { pause, type ServiceProcess, spawnService, startService } from './support/process.ts';
import { checkLog, type LeaseSeen, Told } from './support/told.ts';

const freshWhere = async (): Promise<Where> => ({ databaseUrl: await freshPostgres(), dataDir: '' });
const startStandby = async (where: Where, env = {}) => (await spawnService(where, env)).ready('standby');

async function grant(service: ServiceProcess, told: Told, json: object): Promise<LeaseSeen> {
  const { status, body } = await service.post<LeaseSeen>('/api/tokens/allocate', json);
  expect(status, JSON.stringify(body)).toBe(200);
  told.note('activated', body);
  return body;
}

describe('a process that hangs, its connections and its lock its own', () => {
  it('is replaced, and says nothing of its own when it wakes up beside its successor [I1][I15] (stalled-instance-ends-all-leases)', async () => {
    const where = await freshWhere();
    const told = new Told();
    const first = await startService(where);
    const ada = await grant(first, told, { user_id: 'ada' });
    const short = await grant(first, told, { user_id: 'sue', ttl_ms: 500 });
    const second = await startStandby(where);
    first.signal('SIGSTOP');
    // Asked while it hangs, and answered when it wakes up: by then all of it is history.
    const late = [
      first.get('/api/tokens'),
      first.get(`/api/tokens/${ada.token_id}`),
      first.post(`/api/tokens/${ada.token_id}/release`, { user_id: 'eve' }),
      first.post('/api/tokens/cleanup'),
      first.post('/api/tokens/allocate'),
    ];
    await second.ready();
    const bob = await grant(second, told, { user_id: 'bob' });
    const release = await second.post(`/api/tokens/${ada.token_id}/release`, { lease_id: ada.lease_id });
    expect(release.status).toBe(200);
    told.note('released', ada);
    first.signal('SIGCONT');
    for (const [index, answer] of (await Promise.all(late)).entries()) {
      // A token is read in the log itself, which knows better than who asks it.
      if (index === 1 && answer.status === 200) expect(answer.body.status).toBe('available');
      else expect(answer).toMatchObject({ status: 503, body: { error: 'unavailable' } });
    }
    await first.ready('standby');
    const log = await checkLog(second, told);
    expect(log.filter(({ type }) => type === 'opened')).toHaveLength(2);
    expect(log.find(({ type }) => type === 'expired')).toMatchObject({
      token_id: short.token_id,
      expires_at: short.expires_at,
    });
    expect(log.filter(({ user_id }) => user_id === bob.user_id)).toHaveLength(1);
    // It is of use again: the next to take over, also from one that hangs.
    second.signal('SIGSTOP');
    await first.ready();
    await grant(first, told, { user_id: 'cy' });
    second.signal('SIGCONT');
    await second.ready('standby');
    await checkLog(first, told);
  });

  it('is not taken for one that hangs while it is only idle', async () => {
    const where = await freshWhere();
    const first = await startService(where, { HEARTBEAT_TIMEOUT_MS: '200' });
    const second = await startStandby(where, { HEARTBEAT_TIMEOUT_MS: '200' });
    await pause(3000);
    expect((await first.get('/readyz')).body).toEqual({ status: 'serving' });
    expect((await second.get('/readyz')).body).toEqual({ status: 'standby' });
    const told = new Told();
    await grant(first, told, {});
    expect((await checkLog(first, told)).filter(({ type }) => type === 'opened')).toHaveLength(1);
  });

  it('is replaced by one whose own connections had gone silent', async () => {
    const where = await freshWhere();
    const told = new Told();
    const first = await startService(where);
    const cable = await Cable.lay(where.databaseUrl!);
    const env = { COMMIT_TIMEOUT_MS: '500' };
    const second = await startStandby({ databaseUrl: cable.url, dataDir: '' }, env);
    const ada = await grant(first, told, { user_id: 'ada' });
    cable.silence();
    first.signal('SIGSTOP');
    await second.ready();
    const release = await second.post(`/api/tokens/${ada.token_id}/release`, { lease_id: ada.lease_id });
    expect(release.status).toBe(200);
    told.note('released', ada);
    first.signal('SIGCONT');
    await first.ready('standby');
    await checkLog(second, told);
  });

  it('is not what a busy one is, which renews what it holds, and the leases of others (renewal-starved-by-a-busy-loop)', async () => {
    const where = await freshWhere();
    const told = new Told();
    // More tokens than the herd comes to: nobody is evicted.
    const env = { POOL_SIZE: '10000' };
    const first = await startService(where, env);
    const second = await startStandby(where, env);
    const held = await grant(first, told, { user_id: 'ada', ttl_ms: 2000 });
    const herd = Array.from({ length: 50 }, async () => {
      for (let turn = 0; turn < 40; turn++) await grant(first, told, {});
    });
    for (let turn = 0; turn < 20; turn++) {
      const proof = { lease_id: held.lease_id };
      const renewal = await first.post<LeaseSeen>(`/api/tokens/${held.token_id}/keep-alive`, proof);
      expect(renewal.status).toBe(200);
      told.note('renewed', renewal.body);
      await pause(20);
    }
    await Promise.all(herd);
    expect((await second.get('/readyz')).body).toEqual({ status: 'standby' });
    const log = await checkLog(first, told);
    expect(log.filter(({ type }) => type === 'opened')).toHaveLength(1);
  });

  it('has given its answer to a key, and its successor gives the same [I9][I14]', async () => {
    const where = await freshWhere();
    const first = await startService(where);
    const second = await startStandby(where);
    const body = JSON.stringify({ user_id: 'ada' });
    const ask = async (service: ServiceProcess) => {
      const headers = { 'content-type': 'application/json', 'idempotency-key': 'one' };
      const response = await fetch(`${service.url}/api/tokens/allocate`, { method: 'POST', headers, body });
      return { status: response.status, lease: (await response.json()) as LeaseSeen };
    };
    const granted = await ask(first);
    expect(granted.status).toBe(200);
    await first.stop('SIGKILL');
    await second.ready();
    const again = await ask(second);
    expect(again.status).toBe(200);
    expect([again.lease.lease_id, again.lease.fence]).toEqual([granted.lease.lease_id, granted.lease.fence]);
    const told = new Told();
    told.note('activated', granted.lease);
    expect((await checkLog(second, told)).filter(({ type }) => type === 'activated')).toHaveLength(1);
  });
});

describe('time', () => {
  it('is the database’s, wherever the wall clocks of the processes stand, and never runs backwards [I5][I6]', async () => {
    const where = await freshWhere();
    const told = new Told();
    const first = await startService(where);
    const ada = await grant(first, told, { user_id: 'ada', ttl_ms: 600_000 });
    expect(Math.abs(Date.parse(ada.expires_at) - 600_000 - Date.now())).toBeLessThan(60_000);
    await first.stop();
    // As if the database's own clock had been an hour ahead until now.
    const client = postgres(where.databaseUrl!, { max: 1 });
    await client`update token_events set at = at + interval '1 hour' where seq = 2`;
    await client.end();
    const second = await startService(where);
    const { body } = await second.get<{ events: { type: string; at: string }[] }>('/api/events?order=asc');
    const [, activated, opened] = body.events;
    expect(opened!.at).toBe(activated!.at);
  });
});
