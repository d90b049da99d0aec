/** How the built service ends when it is asked to: what is under way is answered, and nothing answered is lost. */
import { Agent, type ClientRequest, request } from 'node:http';
import { connect, type Socket } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { Cable } from './support/cable.ts';
import { databaseKinds, freshDatabase, freshPostgres, holdCommits } from './support/databases.ts';
import { pause, type ServiceProcess, startService, until } from './support/process.ts';
import { checkLog, type LeaseSeen, Told, useTokens } from './support/told.ts';

const cleanly = { code: 0, signal: null };

/** So long that a test which has to wait for it fails. */
const tooLong = { SHUTDOWN_TIMEOUT_MS: '600000' };

const saysStopping = (service: ServiceProcess) =>
  until('it says that it stops', () => service.stdout.includes('"stopping"'));

async function activeTokens(service: ServiceProcess): Promise<number> {
  const text = await (await fetch(`${service.url}/metrics`)).text();
  return Number(/leasehold_tokens\{pool="default",status="active"\} (\d+)/.exec(text)?.[1]);
}

describe.each([
  ['SIGTERM', 'postgres'],
  ['SIGTERM', 'pglite'],
  ['SIGINT', 'postgres'],
] as const)('%s to a service on %s under load', (signal, kind) => {
  it('ends it with exit code 0, and everything acknowledged is there after a restart [I14]', async () => {
    const where = await freshDatabase(kind);
    const service = await startService(where, { POOL_SIZE: '20', ...tooLong });
    const told = new Told();
    const going = () => service.exit === null;
    const users = Array.from({ length: 8 }, (_, index) =>
      useTokens(() => service, `user ${index}`, told, going),
    );
    await until('there is something to lose', () => told.acknowledged.length > 200);
    expect(await service.stop(signal)).toEqual(cleanly);
    await Promise.all(users);
    expect(service.log.at(-1)).toMatchObject({ msg: 'stopped' });
    // Whoever was not served was told so, and could tell from that.
    expect(new Set(told.refusals.map(({ body }) => `${body.error} ${body.stage}`)).size).toBeLessThan(2);
    for (const { body } of told.refusals)
      expect(body).toMatchObject({ error: 'unavailable', stage: 'stopping' });
    await checkLog(await startService(where, { POOL_SIZE: '20' }), told);
  });
});

describe('a service that stops while commits are under way', () => {
  it.each([
    ['one signal', ['SIGTERM']],
    ['every signal that a terminal, npm and an impatient user send', ['SIGINT', 'SIGINT', 'SIGTERM']],
  ] as [string, NodeJS.Signals[]][])(
    'answers all of them and takes nobody new, after %s [I14]',
    async (_, signals) => {
      const databaseUrl = await freshPostgres();
      const service = await startService({ databaseUrl, dataDir: '' }, tooLong);
      const release = await holdCommits(databaseUrl);
      const asked = Array.from({ length: 30 }, () => service.post<LeaseSeen>('/api/tokens/allocate'));
      await until('all are under way', async () => (await activeTokens(service)) === 30);
      for (const signal of signals) {
        service.signal(signal);
        await saysStopping(service);
      }
      await expect(service.get('/livez')).rejects.toThrow('fetch failed');
      await release();
      const answers = await Promise.all(asked);
      expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 200));
      expect(answers.map(({ headers }) => headers.get('connection'))).toEqual(answers.map(() => 'close'));
      expect(await service.exited).toEqual(cleanly);

      const told = new Told();
      for (const { body } of answers) told.note('activated', body);
      const again = await startService({ databaseUrl, dataDir: '' });
      await checkLog(again, told);
      expect(await activeTokens(again)).toBe(30);
    },
  );
});

describe.each(databaseKinds)('the end of a service on %s', (kind) => {
  it('is not held up by connections that nobody uses', async () => {
    const service = await startService(await freshDatabase(kind), tooLong);
    const used = await openSocket(service);
    used.write('GET /livez HTTP/1.1\r\nHost: localhost\r\nConnection: keep-alive\r\n\r\n');
    await until('it is answered', () => used.bytesRead > 0);
    const neverUsed = await openSocket(service);
    expect(await service.stop()).toEqual(cleanly);
    await until('both are closed', () => used.closed && neverUsed.closed);
  });
});

describe('the end of a service', () => {
  it('is not held up by connections that are always in use', async () => {
    const databaseUrl = await freshPostgres();
    const service = await startService({ databaseUrl, dataDir: '' }, tooLong);
    const release = await holdCommits(databaseUrl);
    const agent = new Agent({ keepAlive: true, maxSockets: 4 });
    onTestFinished(() => agent.destroy());
    const users = Array.from({ length: 4 }, async () => {
      await ask(service, agent, 'POST', '/api/tokens/allocate');
      // Whose connection stays open asks again at once, and for ever.
      while (service.exit === null) await ask(service, agent, 'GET', '/livez').catch(() => pause(5));
    });
    await until('all are under way', async () => (await activeTokens(service)) === 4);
    service.signal('SIGTERM');
    await saysStopping(service);
    await release();
    expect(await service.exited).toEqual(cleanly);
    await Promise.all(users);
  });

  it('waits for a request that is still arriving', async () => {
    const service = await startService({ databaseUrl: await freshPostgres(), dataDir: '' }, tooLong);
    const { ask, answered } = halfAsked(service);
    await until('its first half is there', () => (ask.socket?.bytesWritten ?? 0) > 0);
    await service.get('/livez');
    service.signal('SIGTERM');
    await saysStopping(service);
    ask.end('"user_id":"ada"}');
    expect(await answered).toBe(503);
    expect(await service.exited).toEqual(cleanly);
  });

  it('cuts off a request that never arrives, after SHUTDOWN_TIMEOUT_MS', async () => {
    const env = { SHUTDOWN_TIMEOUT_MS: '200', REQUEST_TIMEOUT_MS: '600000' };
    const service = await startService({ databaseUrl: await freshPostgres(), dataDir: '' }, env);
    const { ask, answered } = halfAsked(service);
    await until('its first half is there', () => (ask.socket?.bytesWritten ?? 0) > 0);
    const cut = expect(answered).rejects.toThrow();
    await service.get('/livez');
    expect(await service.stop()).toEqual(cleanly);
    await cut;
  });
});

/** A service whose only way to its database is a cable. It gives up soon on a stop, and late on a commit. */
async function startCabled() {
  const databaseUrl = await freshPostgres();
  const cable = await Cable.lay(databaseUrl);
  const env = { SHUTDOWN_TIMEOUT_MS: '400', COMMIT_TIMEOUT_MS: '60000' };
  const service = await startService({ databaseUrl: cable.url, dataDir: '' }, env);
  const told = new Told();
  const { body } = await service.post<LeaseSeen>('/api/tokens/allocate', { ttl_ms: 600_000 });
  told.note('activated', body);
  return { cable, databaseUrl, service, told };
}

describe.each([
  ['is gone', async () => {}],
  [
    'takes connections and answers nothing',
    async (cable: Cable) => {
      cable.silenceAll();
      await cable.mend();
      await until('it tries one of them', () => cable.connections > 0);
    },
  ],
] as const)('a service that stops while its database %s', (_, then) => {
  it('ends by itself with exit code 0 if there is nothing left to write [I14]', async () => {
    const { cable, databaseUrl, service, told } = await startCabled();
    cable.cut();
    await service.ready('degraded');
    await then(cable);
    expect(await service.stop()).toEqual(cleanly);
    expect(service.log).toContainEqual(expect.objectContaining({ msg: 'stopped' }));
    await checkLog(await startService({ databaseUrl, dataDir: '' }), told);
  });

  it('ends by itself with exit code 1 if facts are lost, and says how many and that nobody relies on them [I14]', async () => {
    const { cable, databaseUrl, service, told } = await startCabled();
    // Nobody notices, so that two more are asked for, and are on their way.
    cable.silence();
    const asked = [1, 2].map(() => service.post('/api/tokens/allocate').catch(() => null));
    await until('both are under way', async () => (await activeTokens(service)) === 3);
    cable.cut();
    await service.ready('degraded');
    await then(cable);
    expect(await service.stop()).toEqual({ code: 1, signal: null });
    const lost = 'the database took no more; facts lost, none of them acknowledged: 2';
    const fatal = service.log.filter(({ level }) => level === 60);
    expect(fatal).toMatchObject([{ msg: `stopping failed: ${lost}` }]);
    expect((await Promise.all(asked)).filter((answer) => answer?.status === 200)).toEqual([]);
    const log = await checkLog(await startService({ databaseUrl, dataDir: '' }), told);
    expect(log.map(({ type }) => type)).toEqual(['opened', 'activated', 'opened']);
  });
});

async function openSocket(service: ServiceProcess): Promise<Socket> {
  const { hostname, port } = new URL(service.url);
  const socket = connect(Number(port), hostname);
  onTestFinished(() => {
    socket.destroy();
  });
  socket.on('error', () => {});
  socket.resume();
  await new Promise<void>((resolve) => socket.once('connect', resolve));
  return socket;
}

function ask(service: ServiceProcess, agent: Agent, method: string, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const asked = request(service.url + path, { agent, method }, (answer) => {
      answer.resume().once('end', resolve);
    });
    asked.once('error', reject).end();
  });
}

/** An allocation of which the body has come half. */
function halfAsked(service: ServiceProcess): { ask: ClientRequest; answered: Promise<number> } {
  const headers = { 'content-type': 'application/json', 'transfer-encoding': 'chunked' };
  const ask = request(`${service.url}/api/tokens/allocate`, { method: 'POST', headers });
  const answered = new Promise<number>((resolve, reject) => {
    ask.once('error', reject);
    ask.once('response', (answer) => resolve(answer.statusCode!));
  });
  ask.write('{');
  return { ask, answered };
}
