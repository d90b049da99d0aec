/** A pool whose tables do not go together is not served, says so, and keeps no other from being served. */
import { sql } from 'drizzle-orm';
import { describe, expect, it } from 'vitest';
import { databaseKinds } from './support/databases.ts';
import { createApi } from './support/http.ts';
import { openDatabase } from './support/journal.ts';

describe.each(databaseKinds)('a service on %s with a damaged pool', (kind) => {
  it('serves the others, and says why not that one', async () => {
    const first = await createApi({ kind, size: 2 });
    for (const name of ['whole', 'broken'])
      expect((await first.post('/api/pools', { name, size: 2 })).status).toBe(201);
    await first.world.close();
    const { where } = first.world;
    const database = await openDatabase(where);
    await database.db.execute(sql`delete from tokens where pool = 'broken' and ordinal = 1`);
    await database.close();

    const api = await createApi({ where, size: 2 });
    expect(api.world.damaged).toEqual(['broken']);
    for (const path of ['/api/tokens', '/api/pools/whole/tokens'])
      expect((await api.post(`${path}/allocate`, {})).status).toBe(200);
    const { body } = await api.get('/api/pools');
    expect(body.pools.map(({ name }: { name: string }) => name)).toEqual(['default', 'whole']);
    const asked: [method: string, path: string, json?: object][] = [
      ['GET', ''],
      ['GET', '/tokens'],
      ['POST', '/tokens/allocate', {}],
      ['PATCH', '', { size: 3 }],
      ['DELETE', ''],
    ];
    for (const [method, path, json] of asked) {
      const at = `/api/pools/broken${path}`;
      const answer = await api.refused('unavailable', method, at, json ? { json } : {});
      expect(answer.body.detail).toContain("pool 'broken' is not served, for its log is damaged");
      expect(answer.headers.get('retry-after')).not.toBeNull();
    }
    await api.refused('pool_exists', 'POST', '/api/pools', { json: { name: 'broken', size: 1 } });
    const checked = await api.get('/api/pools/broken/verify');
    expect(checked.body).toMatchObject({ sound: false });
    expect((await api.get('/api/verify')).body).toMatchObject({ sound: true });
  });
});
