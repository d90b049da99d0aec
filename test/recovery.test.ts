/** What a pool is after its process has ended, one way or the other: the log is all that is left of it. */
import { cpSync } from 'node:fs';
import postgres from 'postgres';
import { describe, expect, it, onTestFinished } from 'vitest';
import { Cable } from './support/cable.ts';
import { type DatabaseKind, databaseKinds, freshFolder, type Where } from './support/databases.ts';
import { expectSoundLogAt, preparedDatabase } from './support/journal.ts';
import { createWorld, ok, SteppedClock, start, twoMinutes, type World } from './support/world.ts';

/** Ends the service and starts it again, `downMs` later. */
async function restart(world: World, downMs = 0, size = 3): Promise<World> {
  await world.close();
  const clock = new SteppedClock(world.clock.now() + downMs);
  return createWorld({ where: world.where, clock, size });
}

/** A world whose process can die at any moment, without a word. `die` says where its database is then found. */
async function mortalWorld(kind: DatabaseKind, size: number): Promise<{ world: World; die(): Where }> {
  const where = await preparedDatabase(kind);
  if (kind === 'pglite') {
    const world = await createWorld({ where, size });
    const die = () => {
      // The files as a killed process would leave them; the lock is of the folder, and is left with it.
      const dataDir = freshFolder();
      cpSync(where.dataDir, dataDir, { recursive: true });
      return { dataDir };
    };
    return { world, die };
  }
  const cable = await Cable.lay(where.databaseUrl!);
  const world = await createWorld({ where: { ...where, databaseUrl: cable.url }, size });
  const die = () => {
    cable.cut();
    return where;
  };
  return { world, die };
}

describe.each(databaseKinds)('a pool on %s, started again', (kind) => {
  const begin = async (size = 3) => createWorld({ where: await preparedDatabase(kind), size });

  it('keeps the deadline of a live lease, and ends it at that very millisecond [I5]', async () => {
    const before = await begin();
    const { tokenId, lease } = ok(await before.pool.allocate({ userId: 'ada', metadata: { job: 7 } }));
    before.clock.advance(45_000);
    const after = await restart(before, 10_000);
    expect(ok(await after.pool.token(tokenId, 1)).token.lease).toEqual(lease);
    after.clock.advance(lease.expiresAt - after.clock.now() - 1);
    expect(ok(await after.pool.token(tokenId, 1)).token.lease).toEqual(lease);
    after.clock.advance(1);
    expect(ok(await after.pool.token(tokenId, 1)).token.lease).toBeNull();
    expect(after.facts).toMatchObject([
      {
        type: 'expired',
        reason: 'ttl_expired',
        at: lease.expiresAt,
        leaseId: lease.leaseId,
        expiresAt: lease.expiresAt,
      },
    ]);
    expect(after.swept).toBe(0);
  });

  it('second-restart-loses-the-remaining-time: it neither loses nor gains any, however often', async () => {
    let world = await begin();
    const { tokenId, lease } = ok(await world.pool.allocate({}));
    for (const downMs of [0, 20_000, 39_999, 60_000]) {
      world = await restart(world, downMs);
      expect(ok(await world.pool.token(tokenId, 1)).token.lease).toEqual(lease);
    }
    world.clock.advance(1);
    expect(ok(await world.pool.token(tokenId, 1)).token.lease).toBeNull();
    expect(world.facts).toMatchObject([{ reason: 'ttl_expired', at: start + twoMinutes }]);
  });

  it('keeps a renewed deadline, and the TTL that the next renewal goes by [I12]', async () => {
    const before = await begin();
    const { tokenId } = ok(await before.pool.allocate({ ttlMs: 30_000 }));
    ok(await before.pool.renew({ tokenId, ttlMs: 90_000 }));
    const after = await restart(before, 80_000);
    expect(ok(await after.pool.renew({ tokenId })).expiresAt).toBe(start + 80_000 + 30_000);
  });

  it('restart-never-expires: what ran out meanwhile is over before anything is served [I6]', async () => {
    const before = await begin(4);
    const [a, b, c] = [
      ok(await before.pool.allocate({ ttlMs: 60_000 })),
      ok(await before.pool.allocate({ ttlMs: 59_999 })),
      ok(await before.pool.allocate({ ttlMs: 60_001 })),
    ];
    const after = await restart(before, 60_000, 4);
    const now = start + 60_000;
    const page = ok(await after.pool.tokens('active', { limit: 9 }));
    expect(page).toMatchObject({ tokens: [{ tokenId: c.tokenId }], counts: { active: 1, available: 3 } });
    const reason = 'ttl_expired_while_down';
    expect(after.facts).toMatchObject([
      { seq: 6, type: 'expired', reason, at: now, tokenId: a.tokenId, leaseId: a.lease.leaseId },
      { seq: 7, type: 'expired', reason, at: now, tokenId: b.tokenId, leaseId: b.lease.leaseId },
    ]);
    expect(ok(await after.pool.history(a.tokenId, { limit: 9 }))).toMatchObject([
      { endedAt: a.lease.expiresAt, endReason: reason },
    ]);
    after.clock.advance(1);
    expect(ok(await after.pool.token(c.tokenId, 1)).token.lease).toBeNull();
    expect(after.facts.at(-1)).toMatchObject({ reason: 'ttl_expired', at: c.lease.expiresAt });
  });

  it('evicts nobody for a newcomer while leases that ran out meanwhile are there to be had [I7]', async () => {
    const before = await begin(3);
    for (const ttlMs of [90_000, 10_000, 90_000]) ok(await before.pool.allocate({ ttlMs }));
    const after = await restart(before, 10_000);
    expect(ok(await after.pool.allocate({})).evicted).toBeNull();
    expect(after.facts.map(({ type, seq }) => [type, seq])).toEqual([
      ['expired', 6],
      ['activated', 7],
    ]);
  });

  it('goes on with the order of use: who is evicted next, which token is next', async () => {
    const before = await begin(5);
    const { pool } = before;
    const [a, b, c, d] = [1, 2, 3, 4].map(() => pool.allocate({}));
    const [idA, idB, idC, idD] = (await Promise.all([a, b, c, d])).map((grant) => ok(grant!).tokenId);
    ok(await pool.renew({ tokenId: idA! }));
    ok(await pool.release({ tokenId: idD! }));
    ok(await pool.release({ tokenId: idC! }));
    const after = await restart(before, 1000, 5);
    const next = [];
    for (let i = 0; i < 5; i++) next.push(ok(await after.pool.allocate({})));
    const [unused] = next;
    expect([idA, idB, idC, idD]).not.toContain(unused!.tokenId);
    expect(next.slice(1).map(({ tokenId }) => tokenId)).toEqual([idD, idC, idB, idA]);
    expect(next.map(({ evicted }) => evicted !== null)).toEqual([false, false, false, true, true]);
  });

  it('lets seq and fence rise on, without gaps, from process to process [I3] [I8]', async () => {
    let world = await begin();
    const fences: number[] = [];
    for (let run = 0; run < 4; run++) {
      for (let i = 0; i < 4; i++) fences.push(ok(await world.pool.allocate({})).lease.fence);
      world = await restart(world);
    }
    await world.close();
    expect(fences).toEqual([...new Set(fences)].sort((a, b) => a - b));
    const log = await expectSoundLogAt(world.where);
    expect(log.filter(({ type }) => type === 'activated').map(({ fence }) => fence)).toEqual(fences);
    expect(log.filter(({ type }) => type === 'opened')).toHaveLength(5);
  });

  it('ends a thousand leases of the same second, each at its own millisecond [I6]', async () => {
    const before = await begin(1000);
    const { pool, clock } = before;
    const granting = Array.from({ length: 1000 }, () => {
      clock.advance(1);
      return pool.allocate({});
    });
    const grants = (await Promise.all(granting)).map(ok);
    const half = start + 500 + twoMinutes;
    const after = await restart(before, half - clock.now(), 1000);
    expect(ok(await after.pool.tokens('active', { limit: 1 })).counts.active).toBe(500);
    after.clock.advance(500);
    expect(ok(await after.pool.tokens('active', { limit: 1 })).counts.active).toBe(0);
    expect(after.facts.map(({ at }) => at)).toEqual(
      grants.map(({ lease }) => Math.max(lease.expiresAt, half)),
    );
    expect(after.swept).toBe(0);
    await after.close();
    await expectSoundLogAt(after.where);
  });

  it('has everything that was acknowledged when the process died in the middle of it [I14]', async () => {
    const { world, die } = await mortalWorld(kind, 20);
    const { pool } = world;
    const grants = (await Promise.all(Array.from({ length: 30 }, () => pool.allocate({})))).map(ok);
    const renewed = ok(await pool.renew({ tokenId: grants[29]!.tokenId, ttlMs: 200_000 }));
    const where = die();
    const clock = new SteppedClock(start + 1000);
    const after = await createWorld({ where, size: 20, clock });
    await expect.poll(() => after.service.stage).toBe('serving');
    const leases = ok(await after.pool.tokens('all', { limit: 20 })).tokens.map(({ lease }) => lease);
    expect(new Set(leases)).toEqual(new Set([...grants.slice(10, 29).map(({ lease }) => lease), renewed]));
    await after.close();
    await expectSoundLogAt(where);
  });
});

describe('a pool that takes long to open', () => {
  it('counts each deadline from when it is open, not from when it asked [I6]', async () => {
    const before = await createWorld({ kind: 'postgres', size: 3 });
    const { tokenId, lease } = ok(await before.pool.allocate({}));
    await before.close();
    const client = postgres(before.where.databaseUrl!, { max: 2 });
    onTestFinished(() => client.end());
    const clock = new SteppedClock(start + 1000);
    const [opening] = await client.begin(async (tx) => {
      await tx`lock table token_events in share mode`;
      const opening = createWorld({ where: before.where, clock, size: 3 });
      const blocked = () => client`
        select 1 from pg_locks join pg_database on database = pg_database.oid
        where datname = current_database() and not granted`;
      await expect.poll(async () => (await blocked()).length, { timeout: 30_000 }).toBe(1);
      clock.advance(30_000);
      // Not the promise itself, or the lock would last until it is kept.
      return [opening];
    });
    const after = await opening!;
    clock.advance(lease.expiresAt - clock.now() - 1);
    expect(after.pool.counts.active).toBe(1);
    clock.advance(1);
    expect(after.pool.counts.active).toBe(0);
    expect(ok(await after.pool.history(tokenId, { limit: 1 }))).toMatchObject([
      { endedAt: lease.expiresAt, endReason: 'ttl_expired' },
    ]);
    expect(after.facts).toMatchObject([{ type: 'expired', at: lease.expiresAt }]);
    expect(after.swept).toBe(0);
  });
});
