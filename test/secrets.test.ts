/** Lease ids and metadata are their holders' alone: whatever the database refuses, the log says why without them. */
import postgres from 'postgres';
import { describe, expect, it, onTestFinished } from 'vitest';
import { freshPostgres } from './support/databases.ts';
import { type ServiceProcess, startService, until } from './support/process.ts';
import type { LeaseSeen } from './support/told.ts';

const secret = 'the-combination-of-the-safe';

interface Scene {
  service: ServiceProcess;
  /** Held by somebody. */
  lease: LeaseSeen;
  /** A superuser's own connection to the database. */
  client: postgres.Sql;
}

async function createScene(): Promise<Scene> {
  const databaseUrl = await freshPostgres();
  const client = postgres(databaseUrl, { max: 1, onnotice: () => {} });
  onTestFinished(() => client.end({ timeout: 0 }));
  const env = { LOG_LEVEL: 'trace', COMMIT_TIMEOUT_MS: '1000', LEASE_PROOF: 'required' };
  const service = await startService({ databaseUrl, dataDir: '' }, env);
  const lease = await allocate(service);
  return { service, lease, client };
}

async function allocate(service: ServiceProcess): Promise<LeaseSeen> {
  const { status, body } = await service.post<LeaseSeen>('/api/tokens/allocate', { metadata: { secret } });
  expect(status).toBe(200);
  return body;
}

function keepAlive(service: ServiceProcess, { token_id, lease_id }: LeaseSeen) {
  return service.post(`/api/tokens/${token_id}/keep-alive`, { lease_id });
}

/** Each new session of the database is one that may only read, or may write again; gives those that it ends. */
async function setReadOnly(client: postgres.Sql, readOnly: boolean): Promise<number[]> {
  const [row] = await client<{ name: string }[]>`select current_database() as name`;
  await client.unsafe(`alter database ${row!.name} set default_transaction_read_only = ${readOnly}`);
  const ended = await client<{ pid: number }[]>`
    select pid, pg_terminate_backend(pid) from pg_stat_activity
    where datname = current_database() and pid <> pg_backend_pid()`;
  return ended.map(({ pid }) => pid);
}

/** Whether a session that is none of these has the pool's lock. */
async function isHeldAnew(client: postgres.Sql, before: readonly number[]): Promise<boolean> {
  const holders = await client<{ pid: number }[]>`
    select pid from pg_locks join pg_database on pg_database.oid = database
    where locktype = 'advisory' and granted and datname = current_database()`;
  return holders.some(({ pid }) => !before.includes(pid));
}

/** The lines that give this as the reason of a failure. */
const saidOf = (service: ServiceProcess, reason: RegExp) =>
  service.log.filter(({ err }) => reason.test((err as { message: string } | undefined)?.message ?? ''));

/** Nor any other lease id, of which the test knows nothing: all of them are UUIDs of version 7, and nothing else is. */
const anyLeaseId = /[\da-f]{8}-[\da-f]{4}-7[\da-f]{3}-[89ab][\da-f]{3}-[\da-f]{12}/i;

function expectNoSecret(service: ServiceProcess, { lease_id }: LeaseSeen): void {
  expect(lease_id).toMatch(anyLeaseId);
  for (const said of [service.stdout, service.stderr]) {
    expect(said).not.toContain(lease_id);
    expect(said).not.toMatch(anyLeaseId);
    expect(said).not.toContain(secret);
  }
}

describe('a database that refuses to write', () => {
  it('is written of without the lease ids and the metadata that it was sent', async () => {
    const { service, lease, client } = await createScene();
    const ended = await setReadOnly(client, true);
    await until('the pool is held by who may only read', () => isHeldAnew(client, ended));
    const refused = await Promise.all([
      keepAlive(service, lease),
      service.post('/api/tokens/allocate', { metadata: { secret } }),
    ]);
    expect(refused.map(({ status }) => status)).toEqual([503, 503]);
    await service.ready('degraded');
    await setReadOnly(client, false);
    await service.ready();
    expect((await keepAlive(service, lease)).status).toBe(200);
    await service.stop();
    expect(saidOf(service, /read-only transaction/)[0]).toMatchObject({ level: 40, stage: 'degraded' });
    expectNoSecret(service, lease);
  });

  it('for good is named in the fatal line, without the lease ids and the metadata that it was sent', async () => {
    const { service, lease, client } = await createScene();
    await client`alter table token_events rename to elsewhere`;
    const asked = [service.post('/api/tokens/allocate', { metadata: { secret } }), keepAlive(service, lease)];
    await Promise.allSettled(asked);
    expect(await service.exited).toEqual({ code: 1, signal: null });
    const fatal = service.log.filter(({ level }) => level === 60);
    expect(fatal).toMatchObject([{ err: { code: '42P01' } }]);
    expect(fatal[0]!.msg).toMatch(/^cannot go on.*"token_events" does not exist$/);
    expectNoSecret(service, lease);
  });
});

describe('a database that refuses to read', () => {
  it('is written of without the lease id that was asked for', async () => {
    const { service, lease, client } = await createScene();
    const path = `/api/tokens/${lease.token_id}`;
    expect((await service.post(`${path}/release`, { lease_id: lease.lease_id })).status).toBe(200);
    // Only what explains an ending needs it; whether the pool is still this process's is seen without.
    await client`alter table token_events rename metadata to elsewhere`;
    const stale = await keepAlive(service, lease);
    expect(stale).toMatchObject({ status: 503, body: { error: 'unavailable' } });
    await client`alter table token_events rename elsewhere to metadata`;
    await until('the log can be read again', async () => (await keepAlive(service, lease)).status === 410);
    await service.stop();
    const unanswered = { level: 40, msg: 'the database did not answer a question', err: { code: '42703' } };
    expect(saidOf(service, /does not exist/)[0]).toMatchObject(unanswered);
    expectNoSecret(service, lease);
  });
});
