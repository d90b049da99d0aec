/** Requests that come again with their key: done once, answered the same, by this process and the next [I9][I17]. */
import { sql } from 'drizzle-orm';
import { describe, expect, it } from 'vitest';
import { Cable } from './support/cable.ts';
import { databaseKinds, freshPostgres } from './support/databases.ts';
import { type Api, createApi, nobody } from './support/http.ts';
import { openDatabase, openJournal, preparedDatabase } from './support/journal.ts';
import { createWorld, ok, refusal, start, twoMinutes, type World } from './support/world.ts';

const day = 24 * 60 * 60 * 1000;

const once = (key: string, fingerprint = 'the same') => ({ key, fingerprint });

/** Another process on the same database, after the first has ended without a word to anybody. */
async function successor(world: World): Promise<World> {
  await world.close();
  return createWorld({ where: world.where, size: 3, clock: world.clock });
}

describe.each(databaseKinds)('a request with a key, on %s', (kind) => {
  const createService = async () => createWorld({ size: 3, where: await preparedDatabase(kind), kind });

  it('is granted one lease, however often it is asked [I9]', async () => {
    const { pool, facts } = await createService();
    const first = await pool.allocate({ userId: 'ada' }, once('a'));
    const again = await pool.allocate({ userId: 'ada' }, once('a'));
    expect(again).toEqual({ ...first, replayed: true });
    expect(ok(await pool.allocate({ userId: 'ada' }, once('b'))).tokenId).not.toBe(ok(first).tokenId);
    expect(facts.map(({ type }) => type)).toEqual(['activated', 'activated']);
  });

  it('is answered by the next process as by the first, refusals too [I9][I14]', async () => {
    const world = await createService();
    const { pool } = world;
    const all = await pool.releaseAll(once('all'));
    const grant = await pool.allocate({ metadata: { b: [1, { z: null, a: 'x' }] } }, once('grant'));
    const { tokenId, lease } = ok(grant);
    const renewal = await pool.renew({ tokenId, leaseId: lease.leaseId }, once('renewal'));
    const stranger = await pool.release({ tokenId, userId: 'eve' }, once('stranger'));
    const other = ok(await pool.allocate({}));
    const release = await pool.release({ tokenId: other.tokenId }, once('release'));
    const proof = { tokenId: other.tokenId, leaseId: other.lease.leaseId };
    const ended = await pool.renew(proof, once('ended'));
    const nothing = await pool.release({ tokenId: nobody }, once('nothing'));
    expect([stranger, ended, nothing].map((outcome) => refusal(outcome).code)).toEqual([
      'lease_mismatch',
      'lease_ended',
      'not_found',
    ]);

    const next = await successor(world);
    // What would be refused now, and done then, is not asked again.
    const token = ok(await next.pool.allocate({ userId: 'bob' }));
    const replays = [
      [grant, await next.pool.allocate({}, once('grant'))],
      [renewal, await next.pool.renew({ tokenId }, once('renewal'))],
      [stranger, await next.pool.release({ tokenId }, once('stranger'))],
      [release, await next.pool.release({ tokenId }, once('release'))],
      [ended, await next.pool.renew({ tokenId }, once('ended'))],
      [nothing, await next.pool.release({ tokenId }, once('nothing'))],
      [all, await next.pool.releaseAll(once('all'))],
    ];
    for (const [before, after] of replays) expect(after).toEqual({ ...before, replayed: true });
    expect(ok(await next.pool.token(token.tokenId, 1)).token.lease).toEqual(token.lease);
    expect(next.facts.map(({ type }) => type)).toEqual(['activated']);
  });

  it('is refused if the key was that of another request, while that is answered and afterwards', async () => {
    const { pool } = await createService();
    const asking = pool.allocate({}, once('a'));
    const other = await pool.allocate({}, once('a', 'another'));
    const same = await pool.allocate({}, once('a'));
    ok(await asking);
    expect(refusal(other)).toEqual({ code: 'idempotency_key_reused' });
    expect(refusal(same)).toEqual({ code: 'idempotency_key_in_use' });
    expect(refusal(await pool.allocate({}, once('a', 'another')))).toEqual({
      code: 'idempotency_key_reused',
    });
    expect(pool.counts.active).toBe(1);
  });

  it('is told what became of its lease, once that is over [I6][I17]', async () => {
    const { pool, clock, facts } = await createService();
    const short = ok(await pool.allocate({ ttlMs: 1000 }, once('a')));
    clock.advance(1000);
    const ranOut = { code: 'lease_ended', reason: 'ttl_expired', endedAt: short.lease.expiresAt };
    const again = await pool.allocate({ ttlMs: 1000 }, once('a'));
    expect(again).toEqual({ refused: ranOut, replayed: true });
    const released = ok(await pool.allocate({}, once('b')));
    ok(await pool.release({ tokenId: released.tokenId }));
    const gone = { code: 'lease_ended', reason: 'released_by_client', endedAt: clock.now() };
    expect(refusal(await pool.allocate({}, once('b')))).toEqual(gone);
    // The commit of this one outlasts its TTL.
    const push = facts.push.bind(facts);
    facts.push = (...committed) => {
      clock.advance(1000);
      return push(...committed);
    };
    expect(refusal(await pool.allocate({ ttlMs: 1000 }, once('c'))).code).toBe('too_late');
    facts.push = push;
    const late = await pool.allocate({ ttlMs: 1000 }, once('c'));
    expect(refusal(late)).toMatchObject({ code: 'lease_ended', reason: 'ttl_expired' });
    expect(facts.filter(({ type }) => type === 'activated')).toHaveLength(3);
  });

  it('is shown its lease as it is now, however it was renewed meanwhile', async () => {
    const { pool, clock } = await createService();
    const { tokenId, lease } = ok(await pool.allocate({ ttlMs: 1000 }, once('a')));
    clock.advance(500);
    ok(await pool.renew({ tokenId, ttlMs: 1000 }, once('r')));
    const longest = ok(await pool.renew({ tokenId, ttlMs: 60_000 }));
    clock.advance(5000);
    expect(ok(await pool.allocate({ ttlMs: 1000 }, once('a'))).lease).toEqual(longest);
    expect(ok(await pool.renew({ tokenId, ttlMs: 1000 }, once('r')))).toEqual(longest);
    expect(longest.leaseId).toBe(lease.leaseId);
  });

  it('is a new one after 24 hours, and is kept for another 24', async () => {
    const { pool, clock } = await createService();
    const ask = { ttlMs: 3 * day };
    const first = ok(await pool.allocate(ask, once('a')));
    clock.advance(day - 1);
    expect(ok(await pool.allocate(ask, once('a')))).toEqual(first);
    clock.advance(1);
    const second = ok(await pool.allocate(ask, once('a', 'even another')));
    expect(second.lease.leaseId).not.toBe(first.lease.leaseId);
    expect(ok(await pool.allocate(ask, once('a', 'even another')))).toEqual(second);
  });
});

/** Waits for what needs no time, but some turns of the event loop. */
async function until(isSo: () => boolean): Promise<void> {
  await expect.poll(isSo, { timeout: 10_000, interval: 1 }).toBe(true);
}

describe('a key that is looked up while the pool changes hands', () => {
  it('is not believed to be new: another process may have done what it asks for [I9]', async () => {
    const where = await preparedDatabase('postgres');
    const { pool, service, journal: whole, facts } = await createWorld({ size: 3, where });
    const journal = whole.pool('default');
    let answer = () => {};
    const held = new Promise<void>((resolve) => {
      answer = resolve;
    });
    const keyed = journal.keyed.bind(journal);
    journal.keyed = async (...asked) => {
      const found = await keyed(...asked);
      await held;
      return found;
    };
    const asking = pool.allocate({}, once('a'));
    const rival = await openJournal(await openDatabase(where));
    rival.journal.append(rival.scribe.activated(rival.opening.tokens[0]!.tokenId));
    await rival.journal.committed();
    expect(refusal(await pool.tokens('all', { limit: 1 })).code).toBe('unavailable');
    // The lock was its own all the time: it serves the pool again, as another tenure.
    await until(() => service.stage === 'serving');
    answer();
    expect(refusal(await asking)).toEqual({ code: 'unavailable', stage: 'serving' });
    expect(facts).toEqual([]);
    ok(await pool.allocate({}, once('a')));
  });

  it('is not even asked for by one that stands by', async () => {
    const where = await preparedDatabase('postgres');
    const serving = await createWorld({ size: 3, where });
    const standby = await createWorld({ size: 3, where });
    ok(await serving.pool.allocate({}, once('a')));
    expect(refusal(await standby.pool.allocate({}, once('a')))).toEqual({
      code: 'unavailable',
      stage: 'standby',
    });
  });
});

describe('a commit without an answer', () => {
  it('is done once for its key: in use while nothing is known, then answered [I9][I17]', async () => {
    const databaseUrl = await freshPostgres();
    const cable = await Cable.lay(databaseUrl);
    const world = await createWorld({
      size: 3,
      where: { databaseUrl: cable.url, dataDir: '' },
      times: { patienceMs: 20, commitTimeoutMs: 300 },
    });
    const { pool } = world;
    // The key is looked up before its answer is lost.
    const asked = pool.allocate({}, once('a'));
    await until(() => pool.counts.active === 1);
    cable.loseAnswers();
    expect(refusal(await asked)).toEqual({ code: 'outcome_unknown' });
    expect(refusal(await pool.allocate({}, once('a'))).code).toBe('idempotency_key_in_use');
    expect(refusal(await pool.allocate({}, once('a', 'another'))).code).toBe('idempotency_key_reused');
    cable.cut();
    await cable.mend();
    await until(() => world.service.stage === 'serving');
    const answer = await pool.allocate({}, once('a'));
    expect(answer.replayed).toBe(true);
    expect(world.facts.map(({ type }) => type)).toEqual(['activated']);
    expect(ok(answer).lease.leaseId).toBe(world.facts[0]!.leaseId);
  });
});

describe('Idempotency-Key', () => {
  const keyed = (key: string, json?: unknown) => ({ json, headers: { 'idempotency-key': key } });
  const allocate = (api: Api, key: string, json?: unknown) =>
    api.send('POST', '/api/tokens/allocate', keyed(key, json));

  it('gives the same answer, with the time that remains now, and says that it is a repetition', async () => {
    const api = await createApi({ size: 3 });
    const first = await allocate(api, 'a', { user_id: 'ada' });
    expect(first.headers.get('idempotency-replayed')).toBeNull();
    api.world.clock.advance(20_000);
    const again = await allocate(api, 'a', { user_id: 'ada' });
    expect(again.headers.get('idempotency-replayed')).toBe('true');
    expect(again.body).toEqual({ ...first.body, expires_in_ms: 100_000, renew_after_ms: 50_000 });
    expect(first.body).toMatchObject({ expires_in_ms: twoMinutes });
    expect(first.body.activated_at).toBe(new Date(start).toISOString());
  });

  it('is understood by every route that changes something', async () => {
    const api = await createApi({ size: 3 });
    const { token_id, lease_id } = await api.allocate();
    for (const [method, path] of [
      ['POST', `/api/tokens/${token_id}/keep-alive`],
      ['POST', `/api/tokens/${token_id}/release`],
      ['POST', `/api/tokens/release/${token_id}`],
      ['POST', '/api/tokens/cleanup'],
      ['DELETE', '/api/tokens/clear-active'],
    ] as const) {
      const json = path.endsWith('cleanup') || method === 'DELETE' ? undefined : { lease_id };
      const first = await api.send(method, path, keyed(path, json));
      const again = await api.send(method, path, keyed(path, json));
      expect([again.status, again.body]).toEqual([first.status, first.body]);
      expect(again.headers.get('idempotency-replayed')).toBe('true');
    }
  });

  it('belongs to one request: its route, its token and its body', async () => {
    const api = await createApi({ size: 3 });
    const { body } = await allocate(api, 'a', { user_id: 'ada' });
    await api.refused('idempotency_key_reused', 'POST', '/api/tokens/allocate', keyed('a'));
    await api.refused(
      'idempotency_key_reused',
      'POST',
      '/api/tokens/allocate',
      keyed('a', { user_id: 'ada', ttl_ms: 1 }),
    );
    await api.refused('idempotency_key_reused', 'POST', `/api/tokens/${body.token_id}/release`, keyed('a'));
    await api.refused('idempotency_key_reused', 'POST', '/api/tokens/cleanup', keyed('a'));
    // The same body, written in another order.
    const ttl = { ttl_ms: 1000, user_id: 'bob' };
    const first = await allocate(api, 'b', ttl);
    const again = await allocate(api, 'b', { user_id: 'bob', ttl_ms: 1000 });
    expect(again.body).toEqual(first.body);
  });

  it('gets no other answer because the pool allows less by now', async () => {
    const api = await createApi({ size: 3 });
    const first = await allocate(api, 'a', { user_id: 'ada', ttl_ms: 100_000 });
    await api.send('PATCH', '/api/pools/default', { json: { ttl_ms: 1000, ttl_ms_max: 1000 } });
    expect((await allocate(api, 'a', { user_id: 'ada', ttl_ms: 100_000 })).body).toEqual(first.body);
  });

  it('shows of a batch what is live of it, and says why nothing is where nothing is', async () => {
    const api = await createApi({ size: 3 });
    const batch = { user_id: 'ada', count: 2 };
    const { body } = await allocate(api, 'a', batch);
    const [one, other] = body.leases;
    await api.post(`/api/tokens/${one.token_id}/release`);
    expect((await allocate(api, 'a', batch)).body).toEqual({ leases: [other] });
    await api.post(`/api/tokens/${other.token_id}/release`);
    expect((await allocate(api, 'a', batch)).body).toMatchObject({ error: 'lease_ended' });
  });

  it('shows of many renewals what has become of each by now [I6]', async () => {
    const api = await createApi({ size: 3 });
    const leases = [await api.allocate({ ttl_ms: 5000 }), await api.allocate()].map(
      ({ token_id, lease_id }) => ({
        token_id,
        lease_id,
      }),
    );
    const ask = keyed('k', { leases: [...leases, { token_id: nobody }, { ...leases[0], ttl_ms: 10 ** 12 }] });
    const { body } = await api.send('POST', '/api/tokens/keep-alive', ask);
    expect(body.results.map(({ ok, error }: { ok: boolean; error?: string }) => error ?? ok)).toEqual([
      true,
      true,
      'not_found',
      'invalid_request',
    ]);
    api.world.clock.advance(10_000);
    const again = await api.send('POST', '/api/tokens/keep-alive', ask);
    expect(again.headers.get('idempotency-replayed')).toBe('true');
    expect(again.body.results.slice(0, 2)).toMatchObject([
      { ok: false, error: 'lease_ended', reason: 'ttl_expired' },
      { ok: true, lease: { expires_in_ms: twoMinutes - 10_000 } },
    ]);
    expect((await api.get('/api/events?type=renewed')).body.events).toHaveLength(2);
  });

  it('shows a token as it is now', async () => {
    const api = await createApi({ size: 3 });
    const { token_id } = await api.allocate();
    const path = `/api/tokens/${token_id}/withdraw`;
    expect((await api.send('POST', path, keyed('k', {}))).body).toMatchObject({
      user_id: expect.any(String),
    });
    await api.post(`/api/tokens/${token_id}/release`);
    const again = await api.send('POST', path, keyed('k', {}));
    expect(again.headers.get('idempotency-replayed')).toBe('true');
    expect(again.body).toMatchObject({ id: token_id, user_id: null });
  });

  it('of a grant that was kept before there were batches is understood', async () => {
    const api = await createApi({ size: 3 });
    const first = await allocate(api, 'a', { user_id: 'ada' });
    const database = await openDatabase(api.world.where);
    await database.db.execute(
      sql`update keyed_outcomes set outcome = jsonb_set(outcome::jsonb, '{ok}', outcome::jsonb #> '{ok,0}')`,
    );
    await database.close();
    expect((await allocate(api, 'a', { user_id: 'ada' })).body).toEqual(first.body);
  });

  it('is refused by name if it is none', async () => {
    const api = await createApi({ size: 3 });
    for (const key of ['', ' ', 'a b', 'ä', 'x'.repeat(201)]) {
      const { body } = await api.refused('invalid_request', 'POST', '/api/tokens/allocate', keyed(key));
      expect(body.errors).toEqual([
        { field: 'Idempotency-Key', message: 'must be 1 to 200 visible ASCII characters' },
      ]);
    }
    expect((await allocate(api, 'x'.repeat(200))).status).toBe(200);
  });

  it('says when to come again while the first is under way', async () => {
    const api = await createApi({ size: 3 });
    const [first, second] = await Promise.all([allocate(api, 'a'), allocate(api, 'a')]);
    expect(first.status).toBe(200);
    expect([second.status, second.body.error]).toEqual([409, 'idempotency_key_in_use']);
    expect(second.headers.get('retry-after')).toBe('1');
  });
});

it('keeps no row of a request without a key', async () => {
  const where = await preparedDatabase('postgres');
  const { pool } = await createWorld({ size: 3, where });
  ok(await pool.allocate({}));
  ok(await pool.allocate({}, once('a')));
  const database = await openDatabase(where);
  const rows = await database.db.execute(sql`select key from keyed_outcomes`);
  expect(Array.from(rows as unknown as Iterable<unknown>)).toEqual([{ key: 'a' }]);
});
