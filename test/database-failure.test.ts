/** A real Postgres server that fails its service: cut connections, lost answers, closed doors, rival processes. */
import postgres from 'postgres';
import { describe, expect, inject, it, onTestFinished } from 'vitest';
import type { Outcome } from '../src/lease/refusal.ts';
import type { Grant } from '../src/service/allocating.ts';
import { Cable } from './support/cable.ts';
import { freshPostgres } from './support/databases.ts';
import { expectSoundLogAt, openDatabase, openJournal } from './support/journal.ts';
import {
  createWorld,
  ok,
  refusal,
  start,
  twoMinutes,
  type World,
  type WorldOptions,
} from './support/world.ts';

/** Generous: a real server answers when it does. */
const soon = { timeout: 30_000, interval: 5 };
const untilStage = (world: World, stage: string) => expect.poll(() => world.service.stage, soon).toBe(stage);

/** A world, and the server's own view of its database. */
async function createServedWorld(options: WorldOptions = {}) {
  const databaseUrl = await freshPostgres();
  const name = new URL(databaseUrl).pathname.slice(1);
  const server = postgres(inject('postgresUrl'), { max: 1, onnotice: () => {} });
  onTestFinished(() => server.end());
  const world = await createWorld({ where: { databaseUrl, dataDir: '' }, size: 20, ...options });
  return {
    world,
    /** Ends every connection to the database, whatever it is doing. */
    terminate: () => server`select pg_terminate_backend(pid) from pg_stat_activity where datname = ${name}`,
    accept: (yes: boolean) => server.unsafe(`alter database ${name} allow_connections ${yes}`),
  };
}

/** A world whose only way to its database is a cable. */
async function createCabledWorld(options: WorldOptions = {}) {
  const where = { databaseUrl: await freshPostgres(), dataDir: '' };
  const cable = await Cable.lay(where.databaseUrl);
  const world = await createWorld({ where: { ...where, databaseUrl: cable.url }, size: 20, ...options });
  return { world, cable, where };
}

describe('connections that break', () => {
  it('lose nothing that was acknowledged, write nothing twice, and leave no gap [I3] [I14] [I17]', async () => {
    const { world, terminate } = await createServedWorld();
    const answers = new Map<string, Outcome<Grant>>();
    let going = true;
    const users = Array.from({ length: 32 }, async (_, user) => {
      for (let turn = 0; going; turn++) {
        const userId = `user ${user}, turn ${turn}`;
        answers.set(userId, await world.pool.allocate({ userId }));
        // A refusal is given at once, and asking again at once would leave no time for anything else.
        await new Promise((resolve) => setImmediate(resolve));
      }
    });
    for (let round = 1; round <= 8; round++) {
      await expect.poll(() => world.facts.length, soon).toBeGreaterThan(round * 200);
      await terminate();
    }
    await untilStage(world, 'serving');
    going = false;
    await Promise.all(users);
    expect(ok(await world.pool.allocate({ userId: 'at last' })).lease.userId).toBe('at last');

    const grants = new Map<string | null, unknown[]>();
    for (const row of await expectSoundLogAt(world.where)) {
      if (row.type !== 'activated') continue;
      grants.set(row.userId, [...(grants.get(row.userId) ?? []), row.leaseId]);
    }
    for (const [userId, answer] of answers) {
      if ('ok' in answer) expect(grants.get(userId)).toEqual([answer.ok.lease.leaseId]);
      else if (answer.refused.code === 'unavailable') expect(grants.get(userId)).toBeUndefined();
      else expect(answer.refused.code).toBe('outcome_unknown');
    }
    expect(world.stages).toContain('degraded');
    expect(world).toMatchObject({ crashes: [], swept: 0 });
  });

  it('bring nobody a wrong answer when COMMIT was sent and its answer never came [I14]', async () => {
    const { world, cable, where } = await createCabledWorld();
    // The first one takes an answer before its COMMIT: how to put the parameters.
    ok(await world.pool.allocate({}));
    cable.loseAnswers();
    const asking = Array.from({ length: 5 }, (_, user) => world.pool.allocate({ userId: `user ${user}` }));
    await expect.poll(async () => (await expectSoundLogAt(where)).length, soon).toBe(7);
    cable.cut();
    await untilStage(world, 'degraded');
    await cable.mend();
    const grants = (await Promise.all(asking)).map(ok);
    await untilStage(world, 'serving');
    const log = await expectSoundLogAt(where);
    expect(log.slice(2).map(({ leaseId }) => leaseId)).toEqual(grants.map(({ lease }) => lease.leaseId));
    expect(world.crashes).toEqual([]);
  });

  it('leave it open what became of a commit that is not confirmed in time, and it is written all the same', async () => {
    const { world, cable, where } = await createCabledWorld({ times: { patienceMs: 1 } });
    ok(await world.pool.allocate({ userId: 'bob' }));
    cable.loseAnswers();
    const asking = world.pool.allocate({ userId: 'ada' });
    await expect.poll(async () => (await expectSoundLogAt(where)).length, soon).toBe(3);
    cable.cut();
    expect(refusal(await asking)).toEqual({ code: 'outcome_unknown' });
    expect(refusal(await world.pool.allocate({}))).toEqual({ code: 'unavailable', stage: 'degraded' });
    await cable.mend();
    await untilStage(world, 'serving');
    const { tokens } = ok(await world.pool.tokens('active', { limit: 9 }));
    expect(tokens.map(({ lease }) => lease)).toContainEqual(
      expect.objectContaining({ userId: 'ada', fence: 3 }),
    );
    expect(await expectSoundLogAt(where)).toHaveLength(3);
  });
});

describe('a database that takes no connections for a while', () => {
  it('is waited for: refusals meanwhile, timers go on, and nothing is lost [I5] [I14]', async () => {
    const { world, terminate, accept } = await createServedWorld();
    const { pool, clock } = world;
    const [short, long] = [ok(await pool.allocate({ ttlMs: 1500 })), ok(await pool.allocate({}))];
    await accept(false);
    await terminate();
    // Nobody has asked for anything: the loss of the connection is enough to know.
    await untilStage(world, 'degraded');
    const unavailable = { code: 'unavailable', stage: 'degraded' };
    expect(refusal(await pool.allocate({}))).toEqual(unavailable);
    expect(refusal(await pool.renew({ tokenId: long.tokenId }))).toEqual(unavailable);
    expect(refusal(await pool.release({ tokenId: long.tokenId }))).toEqual(unavailable);
    expect(refusal(await pool.releaseAll())).toEqual(unavailable);
    expect(refusal(await pool.tokens('all', { limit: 9 }))).toEqual(unavailable);
    expect(refusal(await pool.facts({}, { limit: 9, order: 'asc' }))).toEqual(unavailable);
    clock.advance(60_000);
    expect(world.facts).toHaveLength(2);
    await accept(true);
    await untilStage(world, 'serving');
    expect(ok(await pool.token(short.tokenId, 1)).token.lease).toBeNull();
    expect(ok(await pool.token(long.tokenId, 1)).token.lease).toEqual(long.lease);
    expect(world.facts.at(-1)).toMatchObject({ type: 'expired', seq: 4, at: start + 1500 });
    ok(await pool.allocate({}));
    expect((await expectSoundLogAt(world.where)).map(({ seq, type }) => [seq, type])).toEqual([
      [1, 'opened'],
      [2, 'activated'],
      [3, 'activated'],
      [4, 'expired'],
      [5, 'activated'],
    ]);
    expect(world).toMatchObject({ crashes: [], swept: 0 });
  });
});

describe('two processes on one database', () => {
  it('serve one after the other: the second waits, and takes over when the first one leaves', async () => {
    const { world: first } = await createServedWorld();
    const { tokenId, lease } = ok(await first.pool.allocate({}));
    const { where, clock } = first;
    const second = await createWorld({ where, size: 20 });
    expect(second.service.stage).toBe('standby');
    const unavailable = { code: 'unavailable', stage: 'standby' };
    expect(refusal(await second.pool.allocate({}))).toEqual(unavailable);
    expect(refusal(await second.pool.token(tokenId, 1))).toEqual(unavailable);
    clock.advance(30_000);
    ok(await first.pool.renew({ tokenId, leaseId: lease.leaseId }));
    await first.close();
    await untilStage(second, 'serving');
    const renewed = { ...lease, expiresAt: start + 30_000 + twoMinutes };
    expect(ok(await second.pool.token(tokenId, 1)).token.lease).toEqual(renewed);
    expect(ok(await second.pool.allocate({})).lease.fence).toBe(5);
    await expectSoundLogAt(where);
  });

  it('stop asking for the pool once they are told to stop', async () => {
    const { world: first } = await createServedWorld();
    const second = await createWorld({ where: first.where, size: 20 });
    await second.close();
    await first.close();
    expect(second.stages).toEqual(['standby', 'stopping']);
    expect(await expectSoundLogAt(first.where)).toHaveLength(1);
  });

  it('cannot both write: the one that was cut off is fenced out, stands by, and may serve again later [I1]', async () => {
    const { world: first, cable, where } = await createCabledWorld();
    const { tokenId, lease } = ok(await first.pool.allocate({ userId: 'ada' }));
    const second = await createWorld({ where, size: 20 });
    cable.cut();
    await untilStage(second, 'serving');
    expect(ok(await second.pool.token(tokenId, 1)).token.lease).toEqual(lease);
    ok(await second.pool.release({ tokenId, leaseId: lease.leaseId }));

    await cable.mend();
    await expect.poll(() => first.service.stage, soon).not.toBe('degraded');
    expect(refusal(await first.pool.allocate({ userId: 'never' }))).toEqual({
      code: 'unavailable',
      stage: 'standby',
    });
    expect(first.stages.slice(-2)).toEqual(['fenced', 'standby']);

    await second.close();
    await untilStage(first, 'serving');
    expect(ok(await first.pool.token(tokenId, 1)).token.lease).toBeNull();
    expect(ok(await first.pool.allocate({ userId: 'bob' })).lease.fence).toBe(6);
    expect((await expectSoundLogAt(where)).map(({ type, userId }) => [type, userId])).toEqual([
      ['opened', null],
      ['activated', 'ada'],
      ['opened', null],
      ['released', 'ada'],
      ['opened', null],
      ['activated', 'bob'],
    ]);
    expect(first).toMatchObject({ crashes: [], swept: 0 });
  });

  it('do not show what they remember: who has lost the pool stands by, though nobody asks it to write [I15]', async () => {
    const { world: first, cable, where } = await createCabledWorld();
    const { tokenId } = ok(await first.pool.allocate({}));
    const second = await createWorld({ where, size: 20 });
    cable.cut();
    await untilStage(second, 'serving');
    ok(await second.pool.release({ tokenId }));
    await cable.mend();
    await expect.poll(() => first.service.stage, soon).not.toBe('degraded');
    expect(refusal(await first.pool.token(tokenId, 1))).toEqual({ code: 'unavailable', stage: 'standby' });
    expect(first.stages).toEqual(['serving', 'degraded', 'fenced', 'standby']);
  });

  it('find out by themselves that the pool was opened elsewhere, once they have lost the lock', async () => {
    const { world, cable, where } = await createCabledWorld();
    cable.cut();
    const rival = await openDatabase(where);
    await expect.poll(() => rival.hold(), soon).toBe(true);
    await cable.mend();
    await untilStage(world, 'serving');
    ok(await world.pool.allocate({}));
    await openJournal(rival, 20);
    await untilStage(world, 'standby');
    expect(await expectSoundLogAt(where)).toHaveLength(3);
  });
});
