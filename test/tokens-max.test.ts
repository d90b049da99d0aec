/** How many tokens there may be in all, and that other processes are told of the long steps that many of them take. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sql } from 'drizzle-orm';
import { describe, expect, it, onTestFinished } from 'vitest';
import { readConfig } from '../src/config.ts';
import { Journal } from '../src/journal/journal.ts';
import { tenures } from '../src/journal/schema.ts';
import { newId } from '../src/random.ts';
import { freshDatabase } from './support/databases.ts';
import { type Api, createApi } from './support/http.ts';
import { listening, openDatabase, requestOf } from './support/journal.ts';
import { commitTimes, start } from './support/world.ts';

describe('all pools together', () => {
  const field = (body: { errors: { field: string; message: string }[] }) => body.errors[0];
  const make = (api: Api, json: object) => api.post('/api/pools', json);

  it('have no more tokens than they may, whoever makes or grows one', async () => {
    const api = await createApi({ size: 2, tokensMax: 10 });
    expect((await make(api, { name: 'a', size: 5 })).status).toBe(201);
    const { body } = await api.refused('invalid_request', 'POST', '/api/pools', {
      json: { name: 'b', size: 4 },
    });
    const message = 'must be at most 3: all pools together may have 10 tokens';
    expect(field(body)).toEqual({ field: 'size', message });
    await api.refused('pool_not_found', 'GET', '/api/pools/b');
    // Of one whose tokens come one by one, all that may come count.
    const elastic = { name: 'b', membership: 'elastic', when_full: 'reject' };
    await api.refused('invalid_request', 'POST', '/api/pools', { json: { ...elastic, size: 4 } });
    expect((await make(api, { ...elastic, size: 3 })).status).toBe(201);
    const grown = await api.refused('invalid_request', 'PATCH', '/api/pools/a', { json: { size: 6 } });
    expect(field(grown.body)).toEqual({ field: 'size', message: message.replace('3', '5') });
    expect((await api.send('PATCH', '/api/pools/a', { json: { size: 4 } })).status).toBe(200);
    expect((await api.send('PATCH', '/api/pools/b', { json: { size: 4 } })).status).toBe(200);
    expect((await api.send('DELETE', '/api/pools/b')).status).toBe(200);
    expect((await api.send('PATCH', '/api/pools/a', { json: { size: 8 } })).status).toBe(200);
  });

  it('count with the tokens that are still to leave', async () => {
    const api = await createApi({ size: 6, tokensMax: 8 });
    for (let index = 0; index < 6; index++) await api.post('/api/tokens/allocate', {});
    expect((await api.send('PATCH', '/api/pools/default', { json: { size: 1 } })).status).toBe(200);
    await api.refused('invalid_request', 'POST', '/api/pools', { json: { name: 'a', size: 3 } });
    expect((await make(api, { name: 'a', size: 2 })).status).toBe(201);
  });

  it('are as many as they were grown to, though several grow them at once', async () => {
    const api = await createApi({ size: 2, tokensMax: 4000 });
    for (const name of ['a', 'b']) await make(api, { name, size: 1 });
    const grow = (name: string) => api.send('PATCH', `/api/pools/${name}`, { json: { size: 2500 } });
    const answers = await Promise.all([grow('a'), grow('a'), grow('b')]);
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 400]);
    expect((await api.get('/api/pools/a')).body.counts.total).toBe(2500);
    expect((await api.get('/api/pools/b')).body.counts.total).toBe(1);
  });

  it('can be changed otherwise where there are more than may be', async () => {
    const api = await createApi({ size: 6, tokensMax: 4 });
    const changed = await api.send('PATCH', '/api/pools/default', { json: { max_per_user: 2, size: 6 } });
    expect(changed.status).toBe(200);
  });

  it('stop the start where a file declares more', () => {
    const folder = mkdtempSync(join(tmpdir(), 'leasehold-pools-'));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    const POOLS_FILE = join(folder, 'pools.yaml');
    writeFileSync(POOLS_FILE, 'pools: {a: {size: 50}}');
    const env = { POOLS_FILE, POOL_SIZE: '5', CLIENT_POOL_SIZE: '5' };
    expect(readConfig({ ...env, TOKENS_MAX: '60' }).tokensMax).toBe(60);
    expect(() => readConfig({ ...env, TOKENS_MAX: '59' })).toThrow(
      'the pools declared have 60 tokens together, and may have 59: declare fewer (POOLS_FILE), or set TOKENS_MAX',
    );
  });
});

describe('a process that serves pools on Postgres', () => {
  it('says before a long step that it may be silent for longer, by the tokens that there are', async () => {
    const where = await freshDatabase('postgres');
    const minute = 60_000;
    let held: Journal | undefined;
    const silenceMs = () => 1000 + (held?.tokens ?? 0) * minute;
    const journal = await Journal.open(where, newId(), { ...commitTimes, silenceMs });
    onTestFinished(() => journal.close());
    held = journal;
    const { db } = await openDatabase(where);
    const promisedMinutes = async () => {
      const left = sql<number>`extract(epoch from ${tenures.aliveUntil} - clock_timestamp())::float8 / 60`;
      return Math.ceil((await db.select({ left }).from(tenures))[0]!.left);
    };
    expect(await journal.hold()).toBe(true);
    await journal.openPools(
      { at: () => start, declared: [requestOf('a', { size: 7 })] },
      listening().listener,
    );
    expect(journal.tokens).toBe(7);
    await journal.step(2000, async () => {
      expect(journal.tokens).toBe(4007);
      expect(await promisedMinutes()).toBeGreaterThan(4000);
      const { journal: made } = journal.make(requestOf('b', { size: 2000 }), start);
      await made.committed();
    });
    expect(journal.tokens).toBe(2007);
    journal.pool('b').appendOfPool({ type: 'closed', at: start });
    expect(journal.tokens).toBe(7);
  });
});
