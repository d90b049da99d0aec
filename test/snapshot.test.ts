/** The pool as it was: at every fact of a history the log tells the same as whoever has followed it. */
import { sql } from 'drizzle-orm';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { PoolJournal } from '../src/journal/pool-journal.ts';
import { openPostgres } from '../src/journal/postgres.ts';
import { readSnapshot } from '../src/journal/snapshot.ts';
import { factTypes } from '../src/lease/fact.ts';
import { apply, countsOf, type Picture } from '../src/lease/picture.ts';
import { newId } from '../src/random.ts';
import { databaseKinds, freshDatabase } from './support/databases.ts';
import { type Api, createApi } from './support/http.ts';
import { openJournal, preparedDatabase } from './support/journal.ts';
import { optionsOf } from './support/options.ts';
import { anything, factsOf, pictureOf } from './support/past.ts';
import { Seeded } from './support/seeded.ts';
import { commitTimes } from './support/world.ts';

const base = '/api/pools/it';
const pools: Record<string, object> = {
  evicting: { size: 3 },
  oldest: { size: 3, eviction: 'oldest', min_hold_ms: 300 },
  resting: { size: 3, when_full: 'reject', cool_down_ms: 900 },
  elastic: {
    membership: 'elastic',
    size: 4,
    when_full: 'reject',
    cool_down_ms: 500,
    idle_ttl_ms: 1200,
  },
  named: {
    tokens: [{ name: 'one', labels: { os: 'linux' } }, { name: 'two' }, { labels: { os: 'mac' } }],
    when_full: 'reject',
  },
};
/** Each is what a pool can become at any time. */
const changes: Record<string, object[]> = {
  evicting: [{ size: 5 }, { size: 2 }, { ttl_ms: 5000 }],
  named: [{ tokens: [{ name: 'two' }, { name: 'four' }] }, { tokens: [{ name: 'one' }] }],
};

/** As a page would show it, in the order of the making. */
const shown = ({ tokens, ...rest }: Picture) => ({ ...rest, tokens: [...tokens.values()] });

async function at(api: Api, query: string, base = '/api/pools/it'): Promise<Picture> {
  const { status, text, body } = await api.get(`${base}/snapshot${query}`);
  expect(status, text).toBe(200);
  expect(body.counts).toEqual(countsOf(pictureOf(body).tokens.values()));
  return pictureOf(body);
}

/** Every kept moment is asked for, and held against the one before it and its fact. Returns how often that did not suffice. */
async function expectTrueAtEverySeq(api: Api, base: string): Promise<number> {
  const facts = await factsOf(api, base);
  let folded: Picture | undefined;
  let asked = 0;
  for (const fact of facts) {
    const asWas = await at(api, `?seq=${fact.seq}`, base);
    expect(asWas.at).toBe(fact.at);
    if (folded === undefined || !apply(folded, fact)) asked++;
    else expect(shown(folded), `after fact ${fact.seq}, ${fact.type}`).toEqual(shown(asWas));
    folded = asWas;
  }
  expect(shown(await at(api, '', base))).toEqual(shown(folded!));
  return asked;
}

/** The newest moment is what the pool itself shows. */
async function expectAsThePoolIs(api: Api, base: string): Promise<void> {
  const { body } = await api.get(`${base}/snapshot`);
  const list = (await api.get(`${base}/tokens`)).body;
  const pool = (await api.get(base)).body;
  expect(body.options).toEqual(pool.options);
  expect(body.counts).toMatchObject({
    available: list.counts.available,
    active: list.counts.active,
    total: list.counts.total,
  });
  expect(body.now).toBe(new Date(api.world.clock.now()).toISOString());
  const byId = (tokens: { id: string }[]) => [...tokens].sort((a, b) => (a.id < b.id ? -1 : 1));
  const alike = body.tokens.map((token: Record<string, unknown>) => {
    const { token_id, withdrawn, note, used_seq: _, ...rest } = token;
    return { ...rest, id: token_id, withdrawn: withdrawn ? { note } : null };
  });
  const listed = list.tokens.map(
    ({ metadata: _, expires_in_ms: __, ...rest }: Record<string, unknown>) => rest,
  );
  expect(byId(alike)).toEqual(byId(listed));
}

describe.each(databaseKinds)('a snapshot on %s', (kind) => {
  it('is true at every fact of every kind of pool, through restarts, changes and being made again [I8]', async () => {
    const chance = new Seeded(20);
    let api = await createApi({ where: await preparedDatabase(kind) });
    const { where, clock } = api.world;
    const steps = async (count: number) => {
      for (let step = 0; step < count; step++) {
        for (const name in pools) await anything(api, `/api/pools/${name}`, chance);
        for (const name in changes)
          if (step % 9 === 8)
            await api.send('PATCH', `/api/pools/${name}`, { json: chance.of(changes[name]!) });
      }
    };
    const make = async () => {
      for (const name in pools) await api.post('/api/pools', { name, ...pools[name] });
    };
    await make();
    await steps(25);
    for (const name in pools) await expectAsThePoolIs(api, `/api/pools/${name}`);
    for (const name in pools) await api.send('DELETE', `/api/pools/${name}`);
    await make();
    await steps(10);
    await api.world.close();
    clock.advance(1000);
    api = await createApi({ where, clock });
    await steps(15);
    const types = new Set<string>();
    for (const name in pools) {
      for (const { type } of await factsOf(api, `/api/pools/${name}`)) types.add(type);
      await expectAsThePoolIs(api, `/api/pools/${name}`);
      // The first moment of all, and of a pool made again with tokens that no fact names.
      const anew = name === 'elastic' ? 1 : 2;
      expect(await expectTrueAtEverySeq(api, `/api/pools/${name}`)).toBe(anew);
    }
    expect([...types].sort()).toEqual([...factTypes].sort());
    await api.world.close();
  });

  it('knows the tokens of a pool that has been made again since, named by a fact or not, and its options', async () => {
    const api = await createApi({ where: await preparedDatabase(kind) });
    const named = {
      tokens: [{ name: 'one', labels: { os: 'linux' } }, { name: 'two' }],
      when_full: 'reject',
    };
    await api.post('/api/pools', { name: 'it', ...named });
    const before = await at(api, '');
    await api.send('DELETE', base);
    expect((await api.refused('pool_not_found', 'GET', `${base}/snapshot`)).status).toBe(404);
    await api.post('/api/pools', { name: 'it', size: 1 });
    expect(shown(await at(api, '?seq=1'))).toEqual(shown(before));
    expect(shown(await at(api, '?seq=2'))).toMatchObject({ options: null, tokens: [] });
    expect([...(await at(api, '?seq=3')).tokens.keys()]).not.toContain([...before.tokens.keys()][0]);
  });

  it('is of the newest fact at or before an instant, and refuses moments that the log does not have [I17]', async () => {
    const api = await createApi({
      where: await preparedDatabase(kind),
      others: [{ name: 'it', options: optionsOf({ size: 1 }) }],
    });
    const begun = api.world.clock.now();
    for (let times = 0; times < 9; times++) {
      api.world.clock.advance(1000);
      await api.post(`${base}/tokens/allocate`);
    }
    const facts = await factsOf(api, base);
    for (const offset of [0, 1, 999, 1000, 4500, 8999, 9000, 99_000]) {
      const instant = begun + offset;
      const { seq } = await at(api, `?at=${new Date(instant).toISOString()}`);
      expect(seq).toBe(facts.findLast((fact) => fact.at <= instant)!.seq);
    }
    const { head_seq } = (await api.get(`${base}/snapshot`)).body;
    expect(head_seq).toBe(facts.at(-1)!.seq);
    await api.refused('cursor_ahead', 'GET', `${base}/snapshot?seq=${head_seq + 1}`);
    await api.refused('cursor_ahead', 'GET', `${base}/statistics?seq=${head_seq + 1}`);
    const early = await api.refused(
      'moment_pruned',
      'GET',
      `${base}/snapshot?at=${new Date(begun - 1).toISOString()}`,
    );
    expect([early.status, early.body.oldest_seq]).toEqual([410, 1]);
    for (const query of [
      'seq=0',
      'seq=-1',
      'seq=x',
      'seq=1&seq=2',
      'at=yesterday',
      'at=2026-01-31',
      // By UTC in the year 0 and in the year 10000, which no database knows.
      'at=0001-01-01T00:00:00%2B14:00',
      'at=9999-12-31T23:59:59-14:00',
      'seq=1&at=2026-01-31T12:00:00Z',
      'moment=1',
    ])
      await api.refused('invalid_request', 'GET', `${base}/snapshot?${query}`);
    for (const query of ['seq=0', 'at=2026-01-31T12:00:00Z'])
      await api.refused('invalid_request', 'GET', `${base}/statistics?${query}`);
    await api.refused('pool_not_found', 'GET', '/api/pools/none/snapshot');
  });

  it('shows no lease that is over by now, and of the past what was so then [I6]', async () => {
    const api = await createApi({ where: await preparedDatabase(kind), size: 1 });
    const { token_id } = await api.allocate({ ttl_ms: 1000 });
    api.world.clock.stall(1000);
    const { body } = await api.get('/api/snapshot');
    expect(body).toMatchObject({ pool: 'default', clock: 'system', seq: 3, counts: { active: 0 } });
    expect((await api.get('/api/snapshot?seq=2')).body.tokens).toMatchObject([
      { token_id, status: 'active', fence: 2 },
    ]);
  });

  it('is answered although leases run out all the time while it is read, and shows none of those [I6]', async () => {
    const api = await createApi({ where: await preparedDatabase(kind), size: 12 });
    for (let seconds = 1; seconds <= 12; seconds++) await api.allocate({ ttl_ms: seconds * 1000 });
    const slow = PoolJournal.prototype.snapshot;
    const reading = vi.spyOn(PoolJournal.prototype, 'snapshot').mockImplementation(async function (
      this: PoolJournal,
      moment,
    ) {
      const found = await slow.call(this, moment);
      api.world.clock.stall(1000);
      return found;
    });
    onTestFinished(() => reading.mockRestore());
    const { body } = await api.get('/api/snapshot');
    expect(body).toMatchObject({ seq: 14, head_seq: 14, counts: { active: 11, available: 1 } });
    const now = Date.parse(body.now);
    for (const { expires_at } of body.tokens)
      if (expires_at !== null) expect(Date.parse(expires_at)).toBeGreaterThan(now);
    reading.mockRestore();
    expect(pictureOf(body)).toEqual(await at(api, '', '/api'));
  });

  it('is read one at a time, however many ask for one, and one that fails is nobody else’s', async () => {
    const api = await createApi({ where: await preparedDatabase(kind), size: 2 });
    const reads = { underWay: 0, most: 0, begun: 0 };
    const read = PoolJournal.prototype.snapshot;
    const reading = vi.spyOn(PoolJournal.prototype, 'snapshot').mockImplementation(async function (
      this: PoolJournal,
      moment,
    ) {
      reads.begun++;
      reads.most = Math.max(reads.most, ++reads.underWay);
      const found = await read.call(this, moment).finally(() => reads.underWay--);
      if (reads.begun === 2) throw new Error('connection lost');
      return found;
    });
    onTestFinished(() => reading.mockRestore());
    const asked = ['', '?seq=1', '', '?seq=1', ''].map((query) => api.get(`/api/snapshot${query}`));
    expect((await Promise.all(asked)).map(({ status }) => status)).toEqual([200, 503, 200, 200, 200]);
    expect(reads).toEqual({ underWay: 0, most: 1, begun: 5 });
  });

  it('is true at every fact that is kept of a pruned log, and refused for those that are not', async () => {
    const chance = new Seeded(7);
    const shared = { size: 4, whenFull: 'reject', coolDownMs: 500 } as const;
    const others = [
      { name: 'it', options: optionsOf({ membership: 'elastic', ...shared }) },
      { name: 'fixed', options: optionsOf(shared) },
    ];
    const api = await createApi({ where: await preparedDatabase(kind), others });
    for (const { name } of others) {
      const base = `/api/pools/${name}`;
      while ((await factsOf(api, base)).length < 45) await anything(api, base, chance);
      const newest = (await factsOf(api, base)).at(-1)!;
      for (let batch = 0; batch < 3; batch++) {
        await api.world.journal.upkeep.prune(name, newest.at + 1, 10);
        const facts = await factsOf(api, base);
        expect(facts[0]!.seq).toBe(11 + 10 * batch);
        expect(await expectTrueAtEverySeq(api, base)).toBe(1);
        const gone = await api.refused('moment_pruned', 'GET', `${base}/snapshot?seq=${facts[0]!.seq - 1}`);
        expect(gone.body.oldest_seq).toBe(facts[0]!.seq);
        await api.refused('moment_pruned', 'GET', `${base}/statistics?seq=1`);
      }
    }
  });
});

describe('a snapshot of a large pool', () => {
  it('may take longer than any other read', async () => {
    const where = await freshDatabase('postgres');
    const times = { ...commitTimes, commitTimeoutMs: 100 };
    const database = await openPostgres(where.databaseUrl!, newId(), times, { connectionLost() {} });
    onTestFinished(() => database.close());
    await openJournal(database);
    const looked: Promise<unknown>[] = [];
    await database.opener.transaction(async (tx) => {
      await tx.execute(sql`lock table tokens in access exclusive mode`);
      for (const moment of ['newest', { seq: 1 }] as const)
        looked.push(readSnapshot(database.db, 'default', moment));
      for (const look of looked) look.catch(() => {});
      // In the database's own time, which nobody simulates.
      await tx.execute(sql`select pg_sleep(0.5)`);
    });
    expect(await Promise.all(looked)).toMatchObject([{ seq: 1 }, { seq: 1 }]);
  });
});
