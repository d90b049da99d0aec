/** `GET /api/verify`: what it finds, one at a time, line by line, and for as long as somebody listens. */
import postgres from 'postgres';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { Verification } from '../src/lease/violation.ts';
import type { Task } from '../src/verify/verify-log.ts';
import { type Api, createApi } from './support/http.ts';
import { serveApi } from './support/socket.ts';

const ndjson = { accept: 'application/x-ndjson' };

function clientOf(api: Api): postgres.Sql {
  const client = postgres(api.world.where.databaseUrl!, { max: 2, onnotice: () => {} });
  onTestFinished(() => client.end({ timeout: 0 }));
  return client;
}

/** What a check reads to begin with is locked until `run` has ended; no commit needs it. */
async function whileBlocked(api: Api, run: (isWaiting: () => Promise<boolean>) => Promise<void>) {
  const client = clientOf(api);
  await client.begin(async (tx) => {
    await tx`lock table pruned_tokens in access exclusive mode`;
    await run(async () => {
      const waiting = await client`
        select from pg_locks join pg_database on pg_database.oid = database
        where datname = current_database() and not granted`;
      return waiting.length > 0;
    });
  });
}

const linesOf = (text: string) =>
  text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));

describe('GET /api/verify', () => {
  it('finds a log sound', async () => {
    const api = await createApi({ size: 2 });
    for (let i = 0; i < 3; i++) await api.allocate({ metadata: { i } });
    const { status, body } = await api.get('/api/verify');
    expect({ status, body }).toEqual({
      status: 200,
      body: {
        sound: true,
        facts: 5,
        tokens: 2,
        from_seq: 1,
        head_seq: 5,
        violations: [],
        violations_total: 0,
        elapsed_ms: 0,
      },
    });
  });

  it('names each violation, the fact and the token', async () => {
    const api = await createApi({ size: 2 });
    const { token_id } = await api.allocate({ user_id: 'ada' });
    await clientOf(api)`update token_events set user_id = 'eve' where seq = 2`;
    const { status, body } = await api.get('/api/verify');
    expect(status).toBe(200);
    expect(body).toMatchObject({ sound: false, violations_total: 2 });
    expect(body.violations).toMatchObject([
      { invariant: 'I8', seq: 2, token_id, message: expect.stringContaining('digest') },
      { invariant: 'I8', seq: 2, token_id, message: expect.stringContaining('user_id') },
    ]);
  });

  it('lists the first hundred violations, and counts them all', async () => {
    const api = await createApi({ size: 150 });
    await clientOf(api)`update tokens set ttl_ms = 1`;
    const { body } = await api.get('/api/verify');
    expect(body.violations).toHaveLength(100);
    expect(body.violations_total).toBe(150);
  });

  it('is done for one at a time, and disturbs nobody', async () => {
    const api = await createApi({ size: 2 });
    let first: Promise<{ status: number }> | undefined;
    await whileBlocked(api, async (isWaiting) => {
      first = api.get('/api/verify');
      await expect.poll(isWaiting).toBe(true);
      const second = await api.refused('verify_running', 'GET', '/api/verify');
      expect({ status: second.status, after: second.headers.get('retry-after') }).toEqual({
        status: 429,
        after: '1',
      });
      await api.refused('verify_running', 'GET', '/api/verify', { headers: ndjson });
      await api.allocate();
    });
    expect(await first).toMatchObject({ status: 200, body: { sound: true } });
    expect((await api.get('/api/verify')).body).toMatchObject({ sound: true, facts: 2 });
  });

  it('says line by line how it goes, and the answer last', async () => {
    const api = await createApi({ size: 1000 });
    await Promise.all(Array.from({ length: 1000 }, () => api.world.pool.allocate({})));
    await api.post('/api/tokens/cleanup');
    let response: Promise<Response> | undefined;
    await whileBlocked(api, async (isWaiting) => {
      response = Promise.resolve(api.app.request('/api/verify', { headers: ndjson }));
      await expect.poll(isWaiting).toBe(true);
      api.world.clock.stall(1000);
    });
    const { status, headers } = await response!;
    expect(status).toBe(200);
    expect(headers.get('content-type')).toBe('application/x-ndjson');
    expect(headers.get('x-request-id')).not.toBeNull();
    expect(linesOf(await (await response!).text())).toEqual([
      { facts: 250, from_seq: 1, head_seq: 2001, violations_total: 0 },
      expect.objectContaining({ sound: true, facts: 2001, tokens: 1000, elapsed_ms: 1000 }),
    ]);
  });

  it.each(['application/json', 'application/x-ndjson'])(
    'stops when nobody waits for its %s any more',
    async (accept) => {
      const { api, url } = await serveApi({ size: 1 });
      let heard: ((signal: AbortSignal) => void) | undefined;
      const signal = new Promise<AbortSignal>((resolve) => {
        heard = resolve;
      });
      api.world.service.verify = ({ signal, progress }: Task) => {
        progress?.({ facts: 1, fromSeq: 1, headSeq: 2, violations: 0 });
        heard!(signal!);
        return new Promise<{ ok: Verification }>(() => {});
      };
      const client = new AbortController();
      const answer = fetch(`${url}/api/verify`, { headers: { accept }, signal: client.signal });
      answer.catch(() => {});
      const gone = await signal;
      expect(gone.aborted).toBe(false);
      client.abort();
      await expect.poll(() => gone.aborted).toBe(true);
    },
  );

  it('says as the last line what has kept it from an answer', async () => {
    const api = await createApi({ size: 1 });
    api.world.service.verify = async ({ progress }: Task) => {
      api.world.clock.stall(1000);
      progress?.({ facts: 1, fromSeq: 1, headSeq: 2, violations: 0 });
      return { refused: { code: 'unavailable', stage: 'stopping' } };
    };
    const response = await api.app.request('/api/verify', { headers: ndjson });
    expect(linesOf(await response.text())).toMatchObject([
      { facts: 1, head_seq: 2 },
      { error: 'unavailable', stage: 'stopping' },
    ]);
  });

  it('is given by a standby too, and by none that is stopping', async () => {
    const api = await createApi({ size: 1 });
    const standby = await createApi({ size: 1, where: api.world.where });
    expect(standby.world.service.stage).toBe('standby');
    await api.allocate();
    expect((await standby.get('/api/verify')).body).toMatchObject({ sound: true, facts: 2 });
    standby.world.service.stopServing();
    const { status, body } = await standby.get('/api/verify');
    expect({ status, stage: body.stage }).toEqual({ status: 503, stage: 'stopping' });
  });

  it('ends unanswered, and is no failure of the database, when the service stops meanwhile', async () => {
    const api = await createApi({ size: 1 });
    let answer: Promise<{ status: number }> | undefined;
    await whileBlocked(api, async (isWaiting) => {
      answer = api.get('/api/verify');
      await expect.poll(isWaiting).toBe(true);
      api.world.service.stopServing();
    });
    expect(await answer).toMatchObject({ status: 503, body: { error: 'unavailable' } });
    expect(api.world.unanswered).toEqual([]);
  });
});
