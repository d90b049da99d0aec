/** How the built service starts, and what it says when it cannot. */
import { existsSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { databaseKinds, freshDatabase, freshFolder, freshPostgres } from './support/databases.ts';
import { freePort } from './support/postgres-server.ts';
import { environment, type ServiceProcess, spawnService, startService, until } from './support/process.ts';
import { type LeaseSeen, readLog } from './support/told.ts';

async function tokenIds(service: ServiceProcess): Promise<string[]> {
  const { body } = await service.get<{ tokens: { id: string }[] }>('/api/tokens');
  return body.tokens.map(({ id }) => id).sort();
}

/** The port of a server that takes every connection and does this with it. */
async function serverThat(does: (socket: Socket) => void): Promise<number> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket.on('error', () => {}));
    does(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return (server.address() as AddressInfo).port;
}

/** One line, which is all that a person needs to see. */
function onlyLine(text: string): string {
  expect(text.trim().split('\n')).toHaveLength(1);
  return text;
}

describe.each(databaseKinds)('the service on %s', (kind) => {
  it('starts where nothing is yet, and again with the same tokens and leases [I3][I8]', async () => {
    const where = await freshDatabase(kind);
    const first = await startService(where);
    const ids = await tokenIds(first);
    expect(new Set(ids).size).toBe(100);
    const { status, body: lease } = await first.post<LeaseSeen>('/api/tokens/allocate', { user_id: 'ada' });
    expect(status).toBe(200);
    expect(lease.fence).toBe(2);
    expect(await first.stop()).toEqual({ code: 0, signal: null });

    const second = await startService(where);
    expect(await tokenIds(second)).toEqual(ids);
    const { body } = await second.get(`/api/tokens/${lease.token_id}`);
    expect(body).toMatchObject({ status: 'active', user_id: 'ada', fence: 2, expires_at: lease.expires_at });
    expect((await readLog(second)).map(({ type }) => type)).toEqual(['opened', 'activated', 'opened']);
  });

  it('writes its log as JSON, a line each, with no lease id in it', async () => {
    const service = await startService(await freshDatabase(kind), { LOG_LEVEL: 'trace' });
    const { body: lease } = await service.post<LeaseSeen>('/api/tokens/allocate');
    await service.post(`/api/tokens/${lease.token_id}/release`, { lease_id: lease.lease_id });
    await service.stop();
    expect(service.stderr).toBe('');
    const started = service.log.find(({ msg }) => msg === 'started');
    expect(started).toMatchObject({
      ...{ service: 'leasehold', level: 30, stage: 'serving' },
      // The default one, and that of the tokens for clients, which begins empty.
      ...{ pools: 2, tokens: 100 },
    });
    expect(service.log.map(({ msg }) => msg)).toContain('answered');
    for (const { time } of service.log) expect(new Date(String(time)).toISOString()).toBe(time);
    expect(service.stdout).not.toContain(lease.lease_id);
  });

  it('grows when it is started with a larger POOL_SIZE, and keeps the tokens that it had [I2]', async () => {
    const where = await freshDatabase(kind);
    const first = await startService(where, { POOL_SIZE: '3' });
    const ids = await tokenIds(first);
    await first.stop();
    const grown = await startService(where, { POOL_SIZE: '4' });
    const more = await tokenIds(grown);
    expect([ids.length, more.length]).toEqual([3, 4]);
    expect(more).toEqual(expect.arrayContaining(ids));
    expect((await readLog(grown)).map(({ type, reason }) => [type, reason])).toEqual([
      ['opened', 'pool_opened'],
      ['opened', 'pool_opened'],
      ['changed', 'options_changed'],
      ['created', 'pool_grown'],
    ]);
    expect(grown.log.find(({ msg }) => msg === 'started')).toMatchObject({ pools: 2, tokens: 4 });
  });

  it('drains when it is started with a smaller POOL_SIZE: what is held stays until it is given back [I2]', async () => {
    const where = await freshDatabase(kind);
    const first = await startService(where, { POOL_SIZE: '3' });
    const held: LeaseSeen[] = [];
    for (const user_id of ['ada', 'bob'])
      held.push((await first.post<LeaseSeen>('/api/tokens/allocate', { user_id })).body);
    await first.stop();

    const drained = await startService(where, { POOL_SIZE: '1' });
    const heldIds = held.map(({ token_id }) => token_id).sort();
    expect(await tokenIds(drained)).toEqual(heldIds);
    // What is there counts, not what was asked for.
    expect(drained.log.find(({ msg }) => msg === 'started')).toMatchObject({ tokens: 2 });
    const released = [];
    for (const { token_id, lease_id } of held) {
      expect((await drained.post(`/api/tokens/${token_id}/release`, { lease_id })).status).toBe(200);
      released.push(await tokenIds(drained));
    }
    expect(released.map(({ length }) => length)).toEqual([1, 1]);
    expect((await readLog(drained)).filter(({ reason }) => reason === 'pool_shrunk')).toHaveLength(2);
  });
});

describe('a service that cannot start', () => {
  it('names the port that is taken, and does not disturb the process that has it [I1]', async () => {
    const where = await freshDatabase('postgres');
    const serving = await startService(where);
    const { body: lease } = await serving.post<LeaseSeen>('/api/tokens/allocate', { user_id: 'ada' });
    const port = new URL(serving.url).port;
    const second = await spawnService(where, { PORT: port });
    expect(await second.exited).toEqual({ code: 1, signal: null });
    expect(onlyLine(second.stderr)).toMatch(new RegExp(`port ${port} .* is taken.*PORT`));
    expect((await serving.get('/readyz')).status).toBe(200);
    const next = await serving.post<LeaseSeen>('/api/tokens/allocate', { user_id: 'bob' });
    expect(next.body.fence).toBe(lease.fence + 1);
    expect((await readLog(serving)).map(({ type }) => type)).toEqual(['opened', 'activated', 'activated']);
    expect(serving.log.filter(({ msg }) => msg === 'serves the pool')).toMatchObject([{ stage: 'serving' }]);
  });

  it('names a HOST that is not of this machine', async () => {
    const service = await spawnService(await freshDatabase('postgres'), { HOST: '192.0.2.1' });
    expect(await service.exited).toEqual({ code: 1, signal: null });
    expect(onlyLine(service.stderr)).toMatch(/192\.0\.2\.1.*HOST/);
  });

  it('names the database that it does not reach, without the password', async () => {
    const port = await freePort();
    const databaseUrl = `postgres://ada:open-sesame@127.0.0.1:${port}/pool`;
    const service = await spawnService({ databaseUrl, dataDir: '' });
    expect(await service.exited).toEqual({ code: 1, signal: null });
    expect(onlyLine(service.stderr)).toContain(`127.0.0.1:${port}/pool (DATABASE_URL)`);
    expect(service.stderr + service.stdout).not.toContain('open-sesame');
  });

  it.each([
    ['takes connections and never answers', (socket: Socket) => socket.resume()],
    ['closes every connection at once', (socket: Socket) => socket.destroy()],
    [
      'ends every connection after the first word',
      (socket: Socket) => socket.once('data', () => socket.end()),
    ],
  ])('names the database whose host %s, and ends by itself', async (_, does) => {
    const port = await serverThat(does);
    const databaseUrl = `postgres://ada:open-sesame@127.0.0.1:${port}/pool`;
    const service = await spawnService({ databaseUrl, dataDir: '' });
    expect(await service.exited).toEqual({ code: 1, signal: null });
    const reason = `cannot open Postgres at 127.0.0.1:${port}/pool (DATABASE_URL): `;
    expect(onlyLine(service.stderr)).toContain(reason);
    // It says more than that: why.
    expect(service.stderr.split(reason)[1]!.trim()).not.toBe('');
    expect(service.stderr + service.stdout).not.toContain('open-sesame');
  });

  it('names the database that is not there', async () => {
    const databaseUrl = new URL(await freshPostgres());
    databaseUrl.pathname = '/no_such_database';
    const service = await spawnService({ databaseUrl: databaseUrl.href, dataDir: '' });
    expect(await service.exited).toEqual({ code: 1, signal: null });
    expect(onlyLine(service.stderr)).toMatch(/DATABASE_URL.*"no_such_database" does not exist/);
  });

  it('names a DATA_DIR that it cannot use', async () => {
    // Not by permissions: these tests may run as root, whom none of them stops.
    const file = join(freshFolder(), 'file');
    writeFileSync(file, '');
    const service = await spawnService({ dataDir: join(file, 'data') });
    expect(await service.exited).toEqual({ code: 1, signal: null });
    expect(onlyLine(service.stderr)).toContain(`${join(file, 'data')} (DATA_DIR)`);
  });

  it('names every variable that is wrong, before it touches anything', async () => {
    const dataDir = join(freshFolder(), 'data');
    const service = await spawnService({ dataDir }, { PORT: 'http', TTL_MS: '0' });
    expect(await service.exited).toEqual({ code: 1, signal: null });
    expect(service.stderr).toMatch(/\n {2}PORT: .*"http"/);
    expect(service.stderr).toMatch(/\n {2}TTL_MS: .*"0"/);
    expect(service.stdout).toBe('');
    expect(existsSync(dataDir)).toBe(false);
  });

  it('is told which folder another process uses, and that one goes on [I1]', async () => {
    const where = await freshDatabase('pglite');
    const serving = await startService(where);
    await serving.post('/api/tokens/allocate');
    const second = await spawnService(where);
    expect(await second.exited).toEqual({ code: 1, signal: null });
    expect(onlyLine(second.stderr)).toContain(`another Leasehold process uses the folder ${where.dataDir}`);
    expect((await serving.post('/api/tokens/allocate')).status).toBe(200);
    expect(await serving.stop()).toEqual({ code: 0, signal: null });
    expect(await readLog(await startService(where))).toHaveLength(4);
  });
});

describe('a service that is still starting', () => {
  it('ends at a signal, and starts anew afterwards', async () => {
    const dataDir = freshFolder();
    const env = await environment({ dataDir });
    const service = await spawnService({ dataDir }, env);
    await until('the folder is locked', () => existsSync(join(dataDir, 'lock')));
    expect(await service.stop('SIGTERM')).toEqual({ code: 0, signal: null });
    const said = service.log.map(({ msg }) => msg);
    expect(said).toEqual(['opens the embedded database', 'stopping', 'stopped']);
    expect((await (await startService({ dataDir }, env)).post('/api/tokens/allocate')).status).toBe(200);
  });

  it('ends when its first start is killed half way, and starts anew afterwards [I14]', async () => {
    const dataDir = freshFolder();
    const service = await spawnService({ dataDir });
    await until('the database is being made', () => existsSync(join(dataDir, 'pglite', 'base')));
    expect(await service.stop('SIGKILL')).toEqual({ code: null, signal: 'SIGKILL' });
    expect(await tokenIds(await startService({ dataDir }))).toHaveLength(100);
  });
});
