/** A service that keeps facts for a minute: what its users still have, and when it deletes. On simulated time. */
import { afterEach, beforeEach, describe, expect, it, type MockInstance, vi } from 'vitest';
import { Journal } from '../src/journal/journal.ts';
import { SqlStore } from '../src/journal/sql-store.ts';
import { Upkeep } from '../src/journal/upkeep.ts';
import { newId } from '../src/random.ts';
import { verifyLog } from '../src/verify/verify-log.ts';
import { type DatabaseKind, databaseKinds } from './support/databases.ts';
import { listening, openDatabase, optionsOf, preparedDatabase } from './support/journal.ts';
import { expectSoundRest } from './support/pruned-log.ts';
import {
  commitTimes,
  createWorld,
  ok,
  refusal,
  SteppedClock,
  twoMinutes,
  type World,
} from './support/world.ts';

const minute = 60_000;
const hour = 60 * minute;
const idle = 5000;

let due: MockInstance<Upkeep['due']>;
let prune: MockInstance<Upkeep['prune']>;
let pruneKeyed: MockInstance<Upkeep['pruneKeyed']>;

beforeEach(() => {
  due = vi.spyOn(Upkeep.prototype, 'due');
  prune = vi.spyOn(Upkeep.prototype, 'prune');
  pruneKeyed = vi.spyOn(Upkeep.prototype, 'pruneKeyed');
});

afterEach(() => vi.restoreAllMocks());

async function begin(kind: DatabaseKind, given: Partial<Parameters<typeof createWorld>[0]> = {}) {
  const where = given.where ?? (await preparedDatabase(kind));
  const clock = given.clock ?? new SteppedClock();
  return createWorld({ where, clock, timers: clock, size: 3, retentionMs: minute, ...given });
}

/** Lets housekeeping have a turn that begins now, and waits for its end. */
async function tidy({ clock }: World): Promise<void> {
  await settled();
  clock.advance(idle);
  await settled();
}

/** What has been begun to be deleted is. */
async function settled(): Promise<void> {
  const all = [due, prune, pruneKeyed];
  const calls = () => all.reduce((sum, { mock }) => sum + mock.calls.length, 0);
  for (let seen = -1; seen !== calls(); ) {
    seen = calls();
    await Promise.allSettled(all.flatMap(({ mock }) => mock.results.map(({ value }) => value)));
    await new Promise((resolve) => setImmediate(resolve));
  }
}

const seqs = async ({ pool }: World) =>
  ok(await pool.facts({}, { limit: 100, order: 'asc' })).map(({ seq }) => seq);

/** Ends the service, and checks what it leaves. */
async function leave(world: World): Promise<void> {
  await world.close();
  const database = await openDatabase(world.where);
  await expectSoundRest(database);
  expect(
    (await verifyLog(new Journal(new SqlStore(database), commitTimes).audited('default'))).violations,
  ).toEqual([]);
  await database.close();
}

describe.each(databaseKinds)('a service on %s that keeps facts for a minute', (kind) => {
  it('deletes those that are older, and no lease with them [I5][I8]', async () => {
    const world = await begin(kind);
    const { pool, clock } = world;
    const ada = ok(await pool.allocate({ userId: 'ada', ttlMs: hour, metadata: { job: 1 } }));
    const bob = ok(await pool.allocate({ userId: 'bob' }));
    ok(await pool.release({ tokenId: bob.tokenId }));
    clock.advance(minute);
    const cy = ok(await pool.allocate({ userId: 'cy' }));
    await tidy(world);
    expect(await seqs(world)).toEqual([cy.lease.fence]);
    const live = {
      seq: 2,
      userId: 'ada',
      activatedAt: ada.lease.activatedAt,
      endedAt: null,
      endReason: null,
    };
    expect(ok(await pool.token(ada.tokenId, 10))).toMatchObject({
      token: { tokenId: ada.tokenId, lease: ada.lease },
      history: [live],
    });
    expect(ok(await pool.history(bob.tokenId, { limit: 10 }))).toEqual([]);
    const renewal = ok(await pool.renew({ tokenId: ada.tokenId, leaseId: ada.lease.leaseId }));
    expect(renewal).toEqual({ ...ada.lease, expiresAt: clock.now() + hour });
    ok(await pool.release({ tokenId: ada.tokenId, leaseId: ada.lease.leaseId }));
    expect(ok(await pool.history(ada.tokenId, { limit: 10 }))).toEqual([
      { ...live, endedAt: clock.now(), endReason: 'released_by_client' },
    ]);
    expect(world.unanswered).toEqual([]);
    await leave(world);
  });

  it('answers for a lease whose end it has forgotten as for one that it never knew', async () => {
    const world = await begin(kind);
    const { pool, clock } = world;
    const { tokenId, lease } = ok(await pool.allocate({ userId: 'ada' }));
    ok(await pool.release({ tokenId }));
    const stale = { tokenId, leaseId: lease.leaseId };
    expect(refusal(await pool.renew(stale)).code).toBe('lease_ended');
    expect(refusal(await pool.release(stale)).code).toBe('lease_ended');
    clock.advance(minute);
    ok(await pool.allocate({}));
    await tidy(world);
    expect(refusal(await pool.renew(stale)).code).toBe('lease_mismatch');
    expect(refusal(await pool.release(stale)).code).toBe('token_not_active');
  });

  it('starts again from what is left, with every deadline, and numbers that go on [I3]', async () => {
    const first = await begin(kind);
    const ada = ok(await first.pool.allocate({ userId: 'ada', ttlMs: hour }));
    ok(await first.pool.allocate({ userId: 'bob' }));
    first.clock.advance(twoMinutes);
    ok(await first.pool.allocate({ userId: 'cy' }));
    await tidy(first);
    const [oldest, newest] = [(await seqs(first)).at(0)!, (await seqs(first)).at(-1)!];
    expect(oldest).toBe(4);
    await leave(first);
    const second = await begin(kind, {
      where: first.where,
      clock: new SteppedClock(first.clock.now() + minute),
    });
    expect(ok(await second.pool.token(ada.tokenId, 10))).toMatchObject({
      token: { lease: ada.lease },
      history: [{ userId: 'ada', endedAt: null }],
    });
    expect(ok(await second.pool.allocate({})).lease.fence).toBe(newest + 2);
    await tidy(second);
    expect(await seqs(second)).toEqual([newest + 1, newest + 2]);
    await leave(second);
  });

  it('deletes those of deleted pools too, and what was answered in them', async () => {
    const world = await begin(kind);
    const { service, clock, journal } = world;
    const options = optionsOf({ size: 2 });
    const once = { key: 'k', fingerprint: 'f' };
    ok(await service.createPool({ name: 'brief', options }));
    ok(await ok(service.pool('brief')).allocate({ userId: 'ada' }, once));
    ok(await service.deletePool('brief'));
    clock.advance(minute);
    await tidy(world);
    const { headSeq, pool } = await journal.audited('brief').standing();
    expect([pool!.prunedSeq, headSeq]).toEqual([headSeq! - 1, 4]);
    clock.advance(24 * hour);
    await tidy(world);
    expect(world.pruned.keys).toBe(1);
    // Its numbers go on all the same.
    ok(await service.createPool({ name: 'brief', options }));
    expect((await journal.audited('brief').standing()).headSeq).toBe(5);
    expect((await verifyLog(journal.audited('brief'))).violations).toEqual([]);
    expect(world.unanswered).toEqual([]);
  });

  it('deletes nothing more once it grants nothing more', async () => {
    const world = await begin(kind);
    await tidy(world);
    expect(due).toHaveBeenCalledTimes(1);
    world.service.stopServing();
    world.clock.advance(10 * idle);
    await settled();
    expect(due).toHaveBeenCalledTimes(1);
  });
});

describe('a service that another process has fenced out', () => {
  it('deletes nothing until it has the pool again', async () => {
    const world = await begin('postgres');
    const other = await Journal.open(world.where, newId(), commitTimes);
    const at = () => world.clock.now();
    await other.openPools({ at, declared: [] }, listening().listener);
    await other.close();
    expect(refusal(await world.pool.allocate({})).code).toBe('unavailable');
    expect(world.stages.at(-1)).toBe('standby');
    world.clock.advance(10 * idle);
    await settled();
    expect(due).not.toHaveBeenCalled();
    await vi.waitFor(() => expect(world.service.stage).toBe('serving'));
    await tidy(world);
    expect(due).toHaveBeenCalledTimes(1);
  });
});
