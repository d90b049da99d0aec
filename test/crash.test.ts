/** What a bug in a machine does: the caller is told, the host is told once, and nothing half done is kept. */
import { describe, expect, it, onTestFinished } from 'vitest';
import { Journal } from '../src/journal/journal.ts';
import type { Fact } from '../src/lease/fact.ts';
import type { TokenState } from '../src/lease/lease.ts';
import type { FactView } from '../src/lease/view.ts';
import { Pool } from '../src/pool/pool.ts';
import { newId } from '../src/random.ts';
import { Service } from '../src/service/service.ts';
import { type DatabaseKind, databaseKinds, freshDatabase, type Where } from './support/databases.ts';
import { optionsOf } from './support/options.ts';
import { freeTokens, idOf } from './support/pool.ts';
import {
  commitTimes,
  createWorld,
  DefaultPool,
  ok,
  realTimers,
  SteppedClock,
  shutdownMs,
  start,
  twoMinutes,
} from './support/world.ts';

const bug = new Error('a bug');

/** A pool of `size` tokens whose host throws for the facts that `isFatal` names. */
function fragilePool(size: number, isFatal: (fact: Fact) => boolean, clock = new SteppedClock()) {
  const facts: Fact[] = [];
  const crashes: unknown[] = [];
  const record = (fact: Fact) => {
    if (isFatal(fact)) throw bug;
    facts.push(fact);
  };
  const host = {
    record,
    recordChange: () => 0,
    recordClosing() {},
    served() {},
    crashed: (error: unknown) => crashes.push(error),
  };
  const options = optionsOf({ size });
  const pool = new Pool(clock, { options, proofRequired: false }, host);
  pool.open({ seq: 1, options, tokens: freeTokens(size) });
  const allocate = (userId: string) =>
    pool.command({
      type: 'ALLOCATE',
      at: clock.now(),
      userId,
      leaseIds: [`lease of ${userId}`],
      ttlMs: twoMinutes,
      metadata: null,
    });
  const release = (tokenId: string) =>
    pool.command({ type: 'RELEASE', at: clock.now(), tokenId, reason: 'released_by_client' });
  const releaseAll = () => pool.command({ type: 'RELEASE_ALL', at: clock.now(), reason: 'cleanup' });
  return { clock, pool, facts, crashes, allocate, release, releaseAll };
}

const ofType = (type: Fact['type']) => (fact: Fact) => fact.type === type;

describe('a pool with a bug in one of its tokens', () => {
  it('throws to the caller of the command, tells its host once, and throws at every later call', () => {
    const { pool, clock, crashes, allocate, release, releaseAll } = fragilePool(3, ofType('released'));
    allocate('ada');
    expect(() => release(idOf(0))).toThrow(bug);
    expect(crashes).toEqual([bug]);
    expect(() => allocate('bob')).toThrow(bug);
    expect(() => release(idOf(0))).toThrow(bug);
    expect(releaseAll).toThrow(bug);
    expect(() => pool.pass(clock.now())).toThrow(bug);
    expect(() => pool.token(idOf(0), clock.now())).toThrow(bug);
    expect(() => [...pool.tokens(clock.now())]).toThrow(bug);
    expect(() => pool.signal({ type: 'STOP' })).toThrow(bug);
    expect(crashes).toEqual([bug]);
  });

  it('tells its host when the bug shows as a timer fires, and the next caller', () => {
    const { clock, crashes, facts, allocate } = fragilePool(3, ofType('expired'));
    allocate('ada');
    clock.advance(twoMinutes - 1);
    expect(crashes).toEqual([]);
    clock.advance(1);
    expect(crashes).toEqual([bug]);
    expect(facts.map(({ type }) => type)).toEqual(['activated']);
    expect(() => allocate('bob')).toThrow(bug);
  });

  it('fires no timer after it', () => {
    let broken = false;
    const { clock, crashes, facts, allocate, release } = fragilePool(3, () => broken);
    allocate('ada');
    allocate('bob');
    broken = true;
    expect(() => release(idOf(0))).toThrow(bug);
    broken = false;
    clock.advance(2 * twoMinutes);
    expect(facts.map(({ type }) => type)).toEqual(['activated', 'activated']);
    expect(crashes).toEqual([bug]);
  });

  it('has one when the number of a grant is not the fence of its lease', () => {
    const { pool, facts, crashes, allocate } = fragilePool(3, () => false);
    // Told a second time, it must not number its facts by one count and its leases by another.
    pool.open({ seq: 7, options: optionsOf({ size: 3 }), tokens: [] });
    expect(() => allocate('ada')).toThrow(/fact 8 of token .* grants a lease of another number/);
    expect(crashes).toHaveLength(1);
    expect(facts).toEqual([]);
  });

  it('has one while it is opened, if a lease that ran out meanwhile cannot be recorded', () => {
    const crashes: unknown[] = [];
    const record = () => {
      throw bug;
    };
    const pool = new Pool(
      new SteppedClock(),
      { options: optionsOf({ size: 2 }), proofRequired: false },
      {
        record,
        recordChange: () => 0,
        recordClosing() {},
        served() {},
        crashed: (error) => crashes.push(error),
      },
    );
    const lease = {
      leaseId: 'lease',
      userId: 'ada',
      fence: 2,
      activatedAt: start - twoMinutes,
      expiresAt: start - 1,
      ttlMs: twoMinutes,
      metadata: null,
    };
    const [first, second] = freeTokens(2) as [TokenState, TokenState];
    const tokens = [{ ...first, lease, seq: 2 }, second];
    expect(() => pool.open({ seq: 3, options: optionsOf({ size: 2 }), tokens })).toThrow(bug);
    expect(crashes).toEqual([bug]);
  });
});

describe.each(databaseKinds)('a service on %s with a bug in its machines', (kind) => {
  it('commits nothing of a command half done, but everything acknowledged before it [I8][I14]', async () => {
    const { pool, where, crashes, close, break: breakAt } = await fragileService(kind, 2);
    const ada = ok(await pool.allocate({ userId: 'ada' }));
    const bob = ok(await pool.allocate({ userId: 'bob' }));
    // To make room, ada's lease is ended first; what breaks is the grant that follows.
    breakAt('activated');
    await expect(pool.allocate({ userId: 'eve' })).rejects.toThrow(bug);
    expect(crashes).toEqual([bug]);
    await expect(pool.allocate({ userId: 'eve' })).rejects.toThrow(bug);
    await expect(pool.releaseAll()).rejects.toThrow(bug);
    await expect(pool.token(bob.tokenId, 1)).rejects.toThrow(bug);
    await close();
    expect(crashes).toEqual([bug]);
    expect(await logOf(where, 2)).toMatchObject([
      { type: 'opened' },
      { type: 'activated', userId: 'ada', fence: ada.lease.fence },
      { type: 'activated', userId: 'bob', fence: bob.lease.fence },
      { type: 'opened' },
    ]);
  });

  it('commits nothing of a release of all that breaks at the second token [I8]', async () => {
    const { pool, where, close, break: breakAt } = await fragileService(kind, 3);
    for (const userId of ['ada', 'bob', 'eve']) ok(await pool.allocate({ userId }));
    breakAt('released', 2);
    await expect(pool.releaseAll()).rejects.toThrow(bug);
    await close();
    const types = (await logOf(where, 3)).map(({ type }) => type);
    expect(types).toEqual(['opened', 'activated', 'activated', 'activated', 'opened']);
  });

  it('commits nothing of what a timer broke, and no timer goes on [I8]', async () => {
    const { pool, where, clock, crashes, close, break: breakAt } = await fragileService(kind, 3);
    for (const userId of ['ada', 'bob']) ok(await pool.allocate({ userId }));
    breakAt('expired');
    // The sweep is due with every full second, and would be the next to find the pool dead.
    clock.advance(500);
    ok(await pool.allocate({ userId: 'eve', ttlMs: 100 }));
    clock.advance(2 * twoMinutes);
    expect(crashes).toEqual([bug]);
    await expect(pool.tokens('all', { limit: 10 })).rejects.toThrow(bug);
    await close();
    const types = (await logOf(where, 3)).map(({ type }) => type);
    expect(types).toEqual(['opened', 'activated', 'activated', 'activated', 'opened']);
  });
});

/** A service whose machines break at the `nth` fact of a type from when they are told to. */
async function fragileService(kind: DatabaseKind, size: number) {
  const where = await freshDatabase(kind);
  const clock = new SteppedClock();
  const journal = await Journal.open(where, newId(), commitTimes);
  let fatal: { type: Fact['type']; nth: number } | null = null;
  const open = journal.openPools.bind(journal);
  journal.openPools = async (...asked) => {
    const opened = await open(...asked);
    const own = journal.pool('default');
    const append = own.append.bind(own);
    own.append = (fact) => {
      if (fact.type === fatal?.type && --fatal.nth === 0) throw bug;
      append(fact);
    };
    return opened;
  };
  const crashes: unknown[] = [];
  const service = new Service(
    journal,
    {
      clock,
      declared: [{ name: 'default', options: optionsOf({ size }) }],
      proofRequired: false,
      standbyPollMs: 20,
      timers: realTimers,
      retentionMs: Infinity,
      keysMax: 1,
      tokensMax: 100,
    },
    {
      stage() {},
      committed() {},
      unanswered() {},
      swept() {},
      pruned() {},
      damaged() {},
      crashed: (error) => crashes.push(error),
    },
  );
  await service.start();
  let closed: Promise<unknown> | null = null;
  const close = async () => {
    closed ??= service.close(shutdownMs);
    await closed;
  };
  onTestFinished(close);
  const breakAt = (type: Fact['type'], nth = 1) => {
    fatal = { type, nth };
  };
  return { pool: new DefaultPool(service), where, clock, crashes, close, break: breakAt };
}

/** What is in the log, read by a service of its own at the instant of the start, when no lease has run out. */
async function logOf(where: Where, size: number): Promise<FactView[]> {
  const { pool } = await createWorld({ where, size });
  return ok(await pool.facts({}, { order: 'asc', limit: 100 }));
}
