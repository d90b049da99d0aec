/**
 * The HTTP app over a world. Every answer is checked: its status, code and body against the OpenAPI document
 * that the app itself serves, formats included, and that no lease id is shown but to its holder.
 */
import { Writable } from 'node:stream';
import type { Hono } from 'hono';
import { pino } from 'pino';
import { expect, onTestFinished } from 'vitest';
import { createApp } from '../../src/http/app.ts';
import type { ProblemCode } from '../../src/http/problem.ts';
import type { StreamOptions } from '../../src/http/stream.ts';
import { createMetrics } from '../../src/metrics.ts';
import { Seats } from '../../src/service/waiting.ts';
import { OpenApi } from './openapi.ts';
import { createWorld, realTimers, thirtyDays, twoMinutes, type World, type WorldOptions } from './world.ts';

export const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
/** A well-formed id that no pool has. */
export const nobody = '00000000-0000-4000-8000-000000000000';

export interface Sent {
  json?: unknown;
  /** The body as it is written, where `json` cannot say it. */
  text?: string;
  headers?: Record<string, string>;
}

export interface Answer {
  status: number;
  headers: Headers;
  text: string;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into answers of every shape
  body: any;
}

// Default metrics watch the event loop: one watch is enough for all apps of a file.
const metrics = createMetrics({ stage: 'serving', pools: () => ({ ok: [] }) });

export class Api {
  readonly world: World;
  readonly app: Hono;
  /** What the app has logged, a JSON object a line. */
  readonly logged: string[] = [];
  readonly #openApi: OpenApi;

  constructor(world: World, openApi: OpenApi, app: Hono, logged: string[]) {
    this.world = world;
    this.app = app;
    this.#openApi = openApi;
    this.logged = logged;
  }

  get(path: string, headers: Record<string, string> = {}): Promise<Answer> {
    return this.send('GET', path, { headers });
  }

  post(path: string, json?: unknown): Promise<Answer> {
    return this.send('POST', path, { json });
  }

  /** Sends, and checks the answer. */
  async send(method: string, path: string, { json, text, headers = {} }: Sent = {}): Promise<Answer> {
    const body = text ?? (json === undefined ? null : JSON.stringify(json));
    const length = body === null ? {} : { 'content-length': String(Buffer.byteLength(body)) };
    const response = await this.app.request(path, {
      method,
      body,
      headers: { ...(body === null ? {} : { 'content-type': 'application/json' }), ...length, ...headers },
    });
    return this.checked(method, path, response);
  }

  /** Sends what must be refused with this code, and checks that it wrote no fact [I17]. */
  async refused(code: ProblemCode, method: string, path: string, sent: Sent = {}): Promise<Answer> {
    const before = await this.factCount();
    const answer = await this.send(method, path, sent);
    expect({ status: answer.status, error: answer.body.error }, `${method} ${path}: ${answer.text}`).toEqual({
      status: expect.toSatisfy((status: number) => status >= 400),
      error: code,
    });
    expect(await this.factCount()).toBe(before);
    return answer;
  }

  /** Takes a token for this user, or for one that is made. */
  async allocate(json?: unknown) {
    const answer = await this.post('/api/tokens/allocate', json);
    expect(answer.status, answer.text).toBe(200);
    return answer.body;
  }

  /** Allocates until no token is free; the leases in the order of their grant. */
  async fill(): Promise<{ token_id: string; user_id: string; lease_id: string }[]> {
    const grants = [];
    while (this.world.pool.counts.available > 0) grants.push(await this.allocate());
    return grants;
  }

  async checked(method: string, path: string, response: Response): Promise<Answer> {
    const { status, headers } = response;
    const text = await response.text();
    expect(headers.get('x-request-id'), `${method} ${path} has no request id`).toMatch(/^[\w.:-]{1,128}$/);
    const isJson = /json/.test(headers.get('content-type') ?? '') && text !== '';
    const answer = { status, headers, text, body: isJson ? JSON.parse(text) : undefined };
    this.#openApi.check(method, path, answer);
    this.#checkSecrets(method, path, answer);
    return answer;
  }

  #checkSecrets(method: string, path: string, { status, headers, text, body }: Answer): void {
    const shown = `${text} ${JSON.stringify([...headers])}`;
    const isTheirs = status === 200 && /\/(allocate|keep-alive)$/.test(path);
    const many = [
      ...(body?.leases ?? []),
      ...(body?.results ?? []).map(({ lease }: { lease: object }) => lease ?? {}),
    ];
    const own = new Set(isTheirs ? [body, ...many].map(({ lease_id }) => lease_id) : []);
    for (const leaseId of this.#leaseIds()) {
      if (!own.has(leaseId) && shown.includes(leaseId)) {
        throw new Error(`${method} ${path} shows a lease id: ${shown}`);
      }
    }
  }

  checkLog(): void {
    const leaseIds = this.#leaseIds();
    for (const line of this.logged) {
      expect(line, 'a bug of the app').not.toMatch(/"msg":"bug"/);
      for (const leaseId of leaseIds) expect(line, 'a lease id in the log').not.toContain(leaseId);
    }
  }

  #leaseIds(): Set<string> {
    return new Set(this.world.facts.flatMap(({ leaseId }) => leaseId ?? []));
  }

  /** How many facts there are, once time has done its part and all is committed. */
  async factCount(): Promise<number> {
    await this.world.pool.tokens('all', { limit: 1 });
    return this.world.facts.length;
  }
}

export { thirtyDays };

export interface ApiOptions extends WorldOptions {
  ttlMsMax?: number;
  stream?: Partial<StreamOptions>;
}

export async function createApi({
  ttlMsMax = thirtyDays,
  pool,
  stream,
  ...options
}: ApiOptions = {}): Promise<Api> {
  const clientPool = 'clients';
  const world = await createWorld({ unproven: clientPool, ...options, pool: { ttlMsMax, ...pool } });
  const logged: string[] = [];
  const lines = new Writable({
    write(line, _, done) {
      logged.push(String(line));
      done();
    },
  });
  const log = pino({ level: 'debug' }, lines);
  const app = createApp(world.service, metrics, log, {
    standard: { size: 100, ttlMs: twoMinutes, ttlMsMax },
    stream: {
      timers: realTimers,
      seats: new Seats(1000),
      keepAliveMs: 60_000,
      patienceMs: 60_000,
      ...stream,
    },
    clientPool,
    version: '0.0.0',
  });
  const openApi = new OpenApi(await (await app.request('/openapi.json')).json());
  const api = new Api(world, openApi, app, logged);
  onTestFinished(() => {
    api.checkLog();
    expect(world.crashes).toEqual([]);
    expect(world.swept).toBe(0);
  });
  return api;
}

/** All that a client can see of the pool; unchanged after every refusal [I17]. */
async function pictureOf(api: Api) {
  const [tokens, events] = [await api.get('/api/tokens'), await api.get('/api/events')];
  return { tokens: tokens.body, events: events.body };
}

/** A pool with one lease, which must be the same when `run` has sent what it has to send. */
export async function untouched(run: (api: Api, tokenId: string) => Promise<void>): Promise<void> {
  const api = await createApi({ size: 2 });
  const { token_id } = await api.allocate({ user_id: 'ada' });
  const before = await pictureOf(api);
  await run(api, token_id);
  expect(await pictureOf(api)).toEqual(before);
  expect(api.world.stages.at(-1)).toBe('serving');
  // What could not be stored would show now, by blocking every commit after it.
  expect((await api.allocate()).evicted).toBeNull();
}
