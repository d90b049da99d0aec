/** Kill -9 at any moment: what was acknowledged is there afterwards, and the rest is sound [I1][I3][I14]. */
import { describe, expect, it } from 'vitest';
import { databaseKinds, freshDatabase, freshFolder } from './support/databases.ts';
import { environment, pause, ServiceProcess, startService, until } from './support/process.ts';
import { checkLog, type LeaseSeen, Told, useTokens } from './support/told.ts';

const rounds = process.env.LONG ? 20 : 3;
const users = 8;
const killed = { code: null, signal: 'SIGKILL' };

describe.each(databaseKinds)('a service on %s that is killed', (kind) => {
  const timeoutMs = 60_000 + rounds * 30_000;

  it('has lost nothing it acknowledged, with many users at it [I1][I3][I5][I8][I14]', {
    timeout: timeoutMs,
  }, async () => {
    const where = await freshDatabase(kind);
    const env = { POOL_SIZE: '20' };
    const told = new Told();
    let service = await startService(where, env);
    let done = false;
    const busy = Array.from({ length: users }, (_, index) =>
      useTokens(
        () => service,
        `user ${index}`,
        told,
        () => !done,
      ),
    );
    for (let round = 1; round <= rounds; round++) {
      const enough = told.acknowledged.length + 150;
      await until('there is something to lose', () => told.acknowledged.length > enough);
      expect(await service.stop('SIGKILL')).toEqual(killed);
      // Some leases run out while nobody serves them.
      await pause(300);
      service = await startService(where, env);
    }
    done = true;
    await Promise.all(busy);
    expect(told.unanswered).toBeGreaterThan(0);
    const log = await checkLog(service, told);
    expect(log.filter(({ type }) => type === 'opened')).toHaveLength(rounds + 1);
    const reasons = new Set(log.map(({ reason }) => reason));
    expect(reasons).toContain('ttl_expired_while_down');
    expect(reasons).toContain('lru_eviction');
    expect(service.log.filter(({ msg }) => String(msg).startsWith('the sweep'))).toEqual([]);
  });

  it('has lost nothing when it dies right after an answer [I3][I14]', async () => {
    const where = await freshDatabase(kind);
    const told = new Told();
    const first = await startService(where);
    const { body: grant } = await first.post<LeaseSeen>('/api/tokens/allocate', { user_id: 'ada' });
    told.note('activated', grant);
    const path = `/api/tokens/${grant.token_id}`;
    const renewal = await first.post<LeaseSeen>(`${path}/keep-alive`, { ttl_ms: 600_000 });
    first.signal('SIGKILL');
    told.note('renewed', renewal.body);
    await first.exited;

    const second = await startService(where);
    // The lease goes on as it was: its holder can still renew and release it by the id of the lease.
    expect((await second.get(path)).body).toMatchObject({
      status: 'active',
      expires_at: renewal.body.expires_at,
    });
    const proof = { lease_id: grant.lease_id };
    const again = await second.post<LeaseSeen>(`${path}/keep-alive`, { ...proof, ttl_ms: 1 });
    expect(again.body).toMatchObject({ fence: grant.fence, expires_at: renewal.body.expires_at });
    told.note('renewed', again.body);
    const next = await second.post<LeaseSeen>('/api/tokens/allocate', { user_id: 'bob' });
    told.note('activated', next.body);
    expect(next.body.fence).toBeGreaterThan(grant.fence);
    const release = await second.post(`${path}/release`, proof);
    second.signal('SIGKILL');
    expect(release.status).toBe(200);
    told.note('released', renewal.body);
    await second.exited;

    const third = await startService(where);
    expect((await third.get(path)).body).toMatchObject({ status: 'available' });
    await checkLog(third, told);
  });
});

describe('npm start', () => {
  it('ends the service with it, and leaves no process behind', async () => {
    // Without its pre-script, the build: other tests run what is built.
    const env = await environment({ dataDir: freshFolder() }, { LOG_LEVEL: 'info' });
    const npm = await new ServiceProcess('npm', ['start', '--ignore-scripts'], env, true).ready();
    expect((await npm.post('/api/tokens/allocate')).status).toBe(200);
    expect(npm.stdout).toContain(`Leasehold serves 100 tokens at ${npm.url}`);
    npm.signal('SIGTERM');
    await until('the service has heard of it and ends', () => npm.stdout.includes('"stopped"'));
    expect((await npm.exited).signal).toBeNull();
    await expect(npm.get('/livez')).rejects.toThrow('fetch failed');
    // All that npm started is in its process group: nobody is left to take a signal.
    expect(() => process.kill(-npm.pid, 0)).toThrow('ESRCH');
  });
});
