import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import autocannon from 'autocannon';
import { describe, expect, it } from 'vitest';
import { bodyBytesMax } from '../src/http/route.ts';
import { headerBytesMax } from '../src/http/server.ts';
import { type Answer, type Api, nobody } from './support/http.ts';
import { Client, lines, sendRaw, serveApi } from './support/socket.ts';

const twoMegabytes = Buffer.alloc(2 * 1024 * 1024, 'x');
const post = (...headers: string[]) =>
  lines(
    'POST /api/tokens/allocate HTTP/1.1',
    'Host: here',
    'Connection: close',
    'Content-Type: application/json',
    ...headers,
  );
const chunk = (data: Buffer | string) => `${Buffer.byteLength(data).toString(16)}\r\n${data}\r\n`;

function expectProblem(
  { status, headers, body, text }: Answer,
  expected: { status: number; error: string },
): void {
  expect({ status, error: body.error }, text).toEqual(expected);
  expect(headers.get('content-type')).toBe('application/problem+json');
  expect(body).toMatchObject({ ...expected, title: expect.any(String) });
}

/** Nothing was granted, and the next one is served as ever. */
async function expectUnharmed(api: Api): Promise<void> {
  expect(api.world.facts).toEqual([]);
  expect((await api.allocate()).fence).toBe(2);
}

describe('a body over the limit', () => {
  it('of 2 MB is refused with 413, and the service goes on', async () => {
    const { api, port } = await serveApi({ size: 1 });
    const answer = await sendRaw(port, post(`Content-Length: ${twoMegabytes.length}`), twoMegabytes);
    expectProblem(answer, { status: 413, error: 'body_too_large' });
    expect(answer.body.detail).toContain(String(bodyBytesMax));
    await expectUnharmed(api);
  });

  it('of 2 MB in chunks, which says no length beforehand, is refused with 413', async () => {
    const { api, port } = await serveApi({ size: 1 });
    const answer = await sendRaw(port, post('Transfer-Encoding: chunked'), chunk(twoMegabytes), chunk(''));
    expectProblem(answer, { status: 413, error: 'body_too_large' });
    await expectUnharmed(api);
  });

  it.each(['length', 'chunks'])('is one byte more than %s up to the limit, which are taken', async (how) => {
    const { api, port } = await serveApi({ size: 1 });
    const send = (bytes: number) => {
      const body = `{"user_id":"ada"}${' '.repeat(bytes - 17)}`;
      return how === 'length'
        ? sendRaw(port, post(`Content-Length: ${bytes}`), body)
        : sendRaw(
            port,
            post('Transfer-Encoding: chunked'),
            chunk(body.slice(0, 9)),
            chunk(body.slice(9)),
            chunk(''),
          );
    };
    expectProblem(await send(bodyBytesMax + 1), { status: 413, error: 'body_too_large' });
    expect(api.world.facts).toEqual([]);
    const { status } = await send(bodyBytesMax);
    expect(status).toBe(200);
    expect(api.world.facts).toMatchObject([{ userId: 'ada' }]);
  });
});

describe('what never becomes a request', () => {
  it('because its headers are 17 KB is refused with 431', async () => {
    const { api, port } = await serveApi({ size: 1 });
    const answer = await sendRaw(port, post(`X-Large: ${'x'.repeat(headerBytesMax + 1024)}`));
    expectProblem(answer, { status: 431, error: 'headers_too_large' });
    await expectUnharmed(api);
  });

  it('because its body, or the rest of its headers, never comes is refused with 408', async () => {
    const { api, port } = await serveApi({ size: 1, requestTimeoutMs: 200 });
    const never = [
      post('Content-Length: 20'),
      post('Transfer-Encoding: chunked'),
      'POST /api/tokens/allocate HT',
    ];
    const slow = never.map((head) => sendRaw(port, head));
    for (const answer of await Promise.all(slow))
      expectProblem(answer, { status: 408, error: 'request_timeout' });
    await expectUnharmed(api);
  });

  it.each([
    ['is no HTTP', lines('ALLOCATE please')],
    [
      'has a Host that is none',
      lines('POST /api/tokens/allocate HTTP/1.1', 'Host: a b', 'Connection: close'),
    ],
    ['has a URL that is none', lines('POST http:// HTTP/1.1', 'Host: here', 'Connection: close')],
    ['has a line break in a header', lines('POST / HTTP/1.1', 'Host: here', 'X-Request-Id: a\rb')],
    ['has two lengths', post('Content-Length: 2', 'Transfer-Encoding: chunked')],
  ])('because it %s is refused with 400', async (_, text) => {
    const { api, port } = await serveApi({ size: 1 });
    expectProblem(await sendRaw(port, text), { status: 400, error: 'bad_request' });
    await expectUnharmed(api);
  });

  it('because the client hangs up in the middle of the body changes nothing, and is no bug', async () => {
    const { api, server, port, url } = await serveApi({ size: 1 });
    for (const head of [post('Content-Length: 20'), post('Transfer-Encoding: chunked')]) {
      const client = new Client(port);
      client.write(head);
      const [request] = (await once(server, 'request')) as [IncomingMessage];
      const gone = once(request.socket, 'close');
      client.socket.destroy();
      await gone;
    }
    // Another round trip, so that the app has heard of it too.
    await fetch(`${url}/api/tokens`);
    expect(api.logged.filter((line) => line.includes('"status":400'))).toHaveLength(2);
    await expectUnharmed(api);
  });

  it('is cut off in the end, even if the client keeps its side open', async () => {
    const { server, port } = await serveApi({ size: 1 });
    const client = new Client(port, { allowHalfOpen: true });
    client.write('NONSENSE');
    const [socket] = (await once(server, 'connection')) as [Socket];
    await once(socket, 'close');
  });
});

describe('a socket', () => {
  it('over the limit of connections is closed, and taken again when another one has left', async () => {
    const { port, server } = await serveApi({ size: 1, maxConnections: 1 });
    const first = new Client(port);
    const [socket] = (await once(server, 'connection')) as [Socket];
    const livez = lines('GET /livez HTTP/1.1', 'Host: here', 'Connection: close');
    await expect(sendRaw(port, livez)).rejects.toThrow('no answer');
    first.socket.destroy();
    await once(socket, 'close');
    expect((await sendRaw(port, livez)).status).toBe(200);
  });

  it('carries 10,000 requests with bad ids: a 4xx each, and the pool as before [I17]', async () => {
    const { api, url } = await serveApi({ size: 3 });
    await api.allocate();
    const before = (await api.get('/api/tokens')).body;
    const requests = [
      { method: 'GET', path: '/api/tokens/1' },
      { method: 'GET', path: `/api/tokens/${nobody}` },
      { method: 'POST', path: "/api/tokens/'--/release" },
      { method: 'POST', path: `/api/tokens/release/${nobody}` },
      { method: 'POST', path: '/api/tokens/%/keep-alive' },
    ] as const;
    const result = await autocannon({ url, connections: 50, amount: 10_000, requests: [...requests] });
    expect(result['4xx']).toBe(10_000);
    expect({ errors: result.errors, timeouts: result.timeouts, resets: result.resets }).toEqual({
      errors: 0,
      timeouts: 0,
      resets: 0,
    });
    expect((await api.get('/api/tokens')).body).toEqual(before);
    expect(api.world.facts).toHaveLength(1);
  });

  it('echoes the request id, or makes one', async () => {
    const { url } = await serveApi({ size: 1 });
    for (const path of ['/api/tokens', '/api/tokens/1', '/nowhere', '/docs', '/livez']) {
      const given = await fetch(url + path, { headers: { 'x-request-id': 'mine:1' } });
      expect(given.headers.get('x-request-id')).toBe('mine:1');
      const made = await fetch(url + path);
      expect(made.headers.get('x-request-id')).toMatch(/^[0-9a-f-]{36}$/);
    }
  });
});

it('answers 503 with Retry-After and what it is doing when it does not serve', async () => {
  const { api, url } = await serveApi({ size: 1 });
  const { token_id } = await api.allocate();
  api.world.service.stopServing();
  const routes = ['POST allocate', 'POST cleanup', `POST ${token_id}/keep-alive`, `POST ${token_id}/release`];
  for (const route of [...routes, 'GET ', 'GET active', `GET ${token_id}`, `GET ${token_id}/history`]) {
    const [method, path] = route.split(' ') as [string, string];
    const target = `/api/tokens/${path}`.replace(/\/$/, '');
    const { status, headers, body } = await api.refused('unavailable', method, target);
    expect({ status, stage: body.stage }).toEqual({ status: 503, stage: 'stopping' });
    expect(Number(headers.get('retry-after'))).toBeGreaterThan(0);
  }
  await api.refused('unavailable', 'GET', '/api/events');
  const ready = await fetch(`${url}/readyz`);
  expect({ status: ready.status, body: await ready.json() }).toEqual({
    status: 503,
    body: { status: 'stopping' },
  });
  expect(ready.headers.get('retry-after')).toBe('1');
  expect((await fetch(`${url}/livez`)).status).toBe(200);
});
