/** Waiting in line: who is served, when, and who never is. */

import { describe, expect, it } from 'vitest';
import type { Allocate } from '../src/lease/command.ts';
import { waiterViews } from '../src/pool/pool-view.ts';
import { idOf, type PoolWorld, rowOf, startPool, told, traitsOf } from './support/pool.ts';
import { twoMinutes } from './support/world.ts';

/** A full pool of one kind of holder, and a line before it. */
function busy(waiters: [string, number?][], options: Parameters<typeof startPool>[0] = {}): PoolWorld {
  const world = startPool({ size: 1, whenFull: 'wait', ...options });
  for (let token = 0; token < world.pool.counts.total; token++) world.allocate('holder');
  for (const [user, priority = 0] of waiters)
    expect(world.allocate(user, twoMinutes, { leaseIds: [`of ${user}`], wait: { priority } }).waits).toBe(
      true,
    );
  world.facts.length = 0;
  return world;
}

const servedTo = ({ served }: PoolWorld): string[] => served.map(({ leaseId }) => leaseId.slice(3));

describe('the line', () => {
  it('is served strictly in the order of coming within a priority, higher ones first [I10]', () => {
    const world = busy([['ada'], ['bob', 1], ['cy'], ['dee', 1], ['eve', 2]]);
    expect(world.line()).toEqual(['eve', 'bob', 'dee', 'ada', 'cy']);
    for (let turn = 0; turn < 5; turn++) world.release(idOf(0));
    expect(servedTo(world)).toEqual(['eve', 'bob', 'dee', 'ada', 'cy']);
    expect(world.pool.counts).toEqual({ available: 0, active: 1, total: 1, waiting: 0 });
  });

  it('says who waits since when, and how many', () => {
    const { pool, clock } = busy([['ada', 3]]);
    expect([...pool.see(waiterViews)]).toEqual([
      { leaseId: 'of ada', userId: 'ada', since: clock.now(), priority: 3, labels: {} },
    ]);
    expect(pool.counts.waiting).toBe(1);
  });

  it('is bounded: who comes after that is refused', () => {
    const { allocate, leave } = busy([['ada'], ['bob']], { queueMax: 2 });
    expect(allocate('cy').refusal).toBe('queue_full');
    leave('of ada');
    expect(allocate('cy').waits).toBe(true);
  });

  it('is not joined by who asks for what no token could ever be', () => {
    const { allocate, pool } = busy([]);
    expect(allocate('ada', 1000, { labels: { os: 'beos' } }).refusal).toBe('no_such_token');
    expect(pool.counts.waiting).toBe(0);
  });
});

describe('who has left the line', () => {
  it('is never served (granted-to-a-dead-waiter) [I10]', () => {
    const world = busy([['ada'], ['bob']]);
    world.leave('of ada');
    expect(world.line()).toEqual(['bob']);
    world.release(idOf(0));
    expect(servedTo(world)).toEqual(['bob']);
    world.clock.advance(10 * twoMinutes);
    expect(servedTo(world)).toEqual(['bob']);
  });

  it('is not served by what came free just before and has not been seen yet', () => {
    const world = busy([['ada'], ['bob']]);
    world.clock.stall(twoMinutes);
    world.leave('of ada');
    world.pool.pass(world.clock.now());
    expect(servedTo(world)).toEqual(['bob']);
  });

  it('may leave again, after being served too, and nothing happens', () => {
    const world = busy([['ada']]);
    world.release(idOf(0));
    expect(world.leave('of ada')).toEqual({ facts: [], refusal: null, held: null, waits: false });
    expect(world.leave('nobody').refusal).toBeNull();
    expect(world.holder(idOf(0))).toBe('ada');
  });
});

describe('what comes free is handed over in the same step', () => {
  const granted = 'activated allocated_after_waiting 0';

  it('by a release, and whoever released is told of their own fact only', () => {
    const world = busy([['ada']]);
    expect(told(world.release(idOf(0)))).toEqual(['released released_by_client 0']);
    expect(told(world)).toEqual(['released released_by_client 0', granted]);
  });

  it('by a deadline', () => {
    const world = busy([['ada']]);
    world.clock.advance(twoMinutes);
    expect(told(world)).toEqual(['expired ttl_expired 0', granted]);
    expect(new Set(world.facts.map(({ at }) => at)).size).toBe(1);
    expect(world.pool.token(idOf(0), world.clock.now())?.lease?.expiresAt).toBe(
      world.clock.now() + twoMinutes,
    );
  });

  it('by a deadline whose timer is late', () => {
    const world = busy([['ada']]);
    world.clock.stall(twoMinutes);
    world.pool.pass(world.clock.now());
    expect(told(world)).toEqual(['expired ttl_expired 0', granted]);
  });

  it('by the end of a rest, and not before', () => {
    const world = busy([['ada']], { coolDownMs: 5000 });
    world.clock.advance(twoMinutes + 4999);
    expect(told(world)).toEqual(['expired ttl_expired 0']);
    world.clock.advance(1);
    expect(told(world).slice(1)).toEqual(['rested cool_down_over 0', granted]);
  });

  it('by the end of maintenance', () => {
    const world = busy([['ada']]);
    world.withdraw(idOf(0), true);
    expect(servedTo(world)).toEqual([]);
    world.restore(idOf(0));
    expect(told(world).slice(2)).toEqual(['restored maintenance_over 0', granted]);
  });

  it('by growth', () => {
    const world = busy([['ada'], ['bob']]);
    world.change({ size: 2 }, [traitsOf(7)]);
    expect(told(world)).toEqual(['created pool_grown 7', 'activated allocated_after_waiting 7']);
    expect(world.line()).toEqual(['bob']);
  });

  it('by a token that is created', () => {
    const world = startPool({ membership: 'elastic', size: 3, whenFull: 'wait', idleTtlMs: 1000 });
    world.allocate('ada');
    world.create({ tokenId: idOf(7) });
    expect(told(world)).toEqual(['created token_created 7', 'activated allocated_after_waiting 7']);
    world.clock.advance(1000);
    expect(world.holder(idOf(7))).toBe('ada');
  });

  it('by a clean-up, which ends what was live first and nothing of what comes after it [I13]', () => {
    const world = busy([['ada'], ['bob'], ['cy']], { size: 2 });
    expect(told(world.releaseAll())).toEqual(['released cleanup 0', 'released cleanup 1']);
    expect(told(world).slice(2)).toEqual([granted, 'activated allocated_after_waiting 1']);
    expect(world.line()).toEqual(['cy']);
  });

  it('by the end of a deadline while nothing else can be asked of the pool', () => {
    const world = busy([['ada']]);
    world.pool.signal({ type: 'JOURNAL_LOST' });
    world.clock.advance(twoMinutes);
    expect(servedTo(world)).toEqual([]);
    world.pool.signal({ type: 'JOURNAL_BACK' });
    expect(servedTo(world)).toEqual(['ada']);
  });
});

describe('a pool that is closed', () => {
  it('sends away who waits before it ends its leases: nobody is granted what comes free', () => {
    const world = busy([['ada'], ['bob', 1]], { size: 2 });
    const { facts, refusal } = world.close();
    expect(refusal).toBeNull();
    expect(told({ facts })).toEqual(['released pool_deleted 0', 'released pool_deleted 1']);
    expect(world.facts).toEqual(facts);
    expect(world.served).toMatchObject([
      { leaseId: 'of bob', fact: null, refusal: 'pool_not_found' },
      { leaseId: 'of ada', fact: null, refusal: 'pool_not_found' },
    ]);
    expect(world.pool.counts).toMatchObject({ active: 0, waiting: 0 });
    expect(world.closed?.seq).toBe(facts.at(-1)!.seq + 1);
  });

  it('is closed no earlier than the fact before says, whatever the clock said when that was asked [I3]', () => {
    const world = busy([]);
    const asked = world.clock.now();
    world.clock.advance(5);
    world.renew(idOf(0));
    world.pool.command({ type: 'CLOSE', at: asked });
    expect(told(world)).toEqual(['renewed renewed_by_client 0', 'released pool_deleted 0']);
    expect(world.closed?.at).toBe(world.facts.at(-1)!.at);
    expect(world.closed?.at).toBe(asked + 5);
  });
});

describe('labels in line', () => {
  const rows = ['android', 'ios'].map((os, index) => rowOf(traitsOf(index, { os })));
  const start = () => {
    const world = startPool({ size: 2, rows, whenFull: 'wait' });
    world.allocate('holder');
    world.allocate('holder');
    const wait = (user: string, os?: string) =>
      world.allocate(user, twoMinutes, { leaseIds: [`of ${user}`], labels: os === undefined ? os : { os } });
    return { world, wait };
  };

  it('let others by for whom something is free, and nobody waits for what is free [I10]', () => {
    const { world, wait } = start();
    wait('ada', 'android');
    wait('bob', 'android');
    wait('cy', 'ios');
    wait('dee');
    world.release(idOf(1));
    expect(servedTo(world)).toEqual(['cy']);
    world.release(idOf(1));
    expect(servedTo(world)).toEqual(['cy', 'dee']);
    world.release(idOf(1));
    // Free now, and of no use to those who wait.
    expect(world.line()).toEqual(['ada', 'bob']);
    expect(told(wait('eve', 'ios'))).toEqual(['activated allocated 1']);
    world.release(idOf(0));
    expect(servedTo(world).at(-1)).toBe('ada');
  });

  it('are looked for once, not for ever, when a timer frees what nobody wants', () => {
    const { world, wait } = start();
    wait('ada', 'android');
    world.renew(idOf(0), { ttlMs: 2 * twoMinutes });
    world.clock.advance(twoMinutes);
    expect(world.pool.counts).toMatchObject({ available: 1, waiting: 1 });
    world.clock.advance(twoMinutes);
    expect(servedTo(world)).toEqual(['ada']);
  });
});

describe('the line of a pool that evicts', () => {
  const minHoldMs = 1000;
  const evicting = (size = 1) => {
    const world = startPool({ size, minHoldMs });
    for (let token = 0; token < size; token++) {
      world.allocate('holder');
      world.clock.advance(10);
    }
    const wait = (user: string, more: Partial<Allocate> = {}) =>
      world.allocate(user, twoMinutes, { leaseIds: [`of ${user}`], wait: { priority: 0 }, ...more });
    return { world, wait };
  };
  const evicted = (token: number) => [
    `released lru_eviction ${token}`,
    `activated allocated_after_eviction ${token}`,
  ];

  it('is not joined by who can be served by an eviction', () => {
    const { world, wait } = evicting();
    world.clock.advance(minHoldMs);
    expect(told(wait('ada'))).toEqual(evicted(0));
    expect(wait('bob').waits).toBe(true);
  });

  it('is served as soon as a lease has been held for long enough, one after the other [I7][I10]', () => {
    const { world, wait } = evicting(2);
    const from = world.clock.now();
    for (const user of ['ada', 'bob', 'cy']) expect(wait(user).waits).toBe(true);
    world.facts.length = 0;
    world.clock.advance(minHoldMs - 21);
    expect(servedTo(world)).toEqual([]);
    world.clock.advance(1);
    expect(told(world)).toEqual(evicted(0));
    world.clock.advance(10);
    expect(servedTo(world)).toEqual(['ada', 'bob']);
    world.clock.advance(minHoldMs - 10);
    expect(servedTo(world)).toEqual(['ada', 'bob', 'cy']);
    expect(world.facts.map(({ at }) => at - from)).toEqual([980, 980, 990, 990, 1980, 1980]);
    expect(world.line()).toEqual([]);
  });

  it('is told what was evicted', () => {
    const { world, wait } = evicting();
    wait('ada');
    world.clock.advance(minHoldMs);
    expect(world.served.map(told)).toEqual([evicted(0)]);
  });

  it('is not overtaken by who comes later and could evict, though no timer has fired [I10]', () => {
    const { world, wait } = evicting(2);
    wait('ada');
    world.clock.stall(minHoldMs);
    world.facts.length = 0;
    expect(told(world.allocate('late'))).toEqual(evicted(1));
    expect(told(world)).toEqual([...evicted(0), ...evicted(1)]);
    expect(servedTo(world)).toEqual(['ada']);
  });

  it('evicts from when options allow it', () => {
    const world = busy([['ada'], ['bob']]);
    world.clock.advance(10);
    world.change({ whenFull: 'evict', minHoldMs: 50 });
    expect(servedTo(world)).toEqual([]);
    world.clock.advance(40);
    expect(servedTo(world)).toEqual(['ada']);
    world.change({ minHoldMs: 0 });
    expect(servedTo(world)).toEqual(['ada']);
    world.clock.advance(1);
    expect(servedTo(world)).toEqual(['ada', 'bob']);
  });
});

describe('who waits and would rather have what their user holds', () => {
  const same = (onExisting: 'return' | 'renew', leaseId: string) => ({
    leaseIds: [leaseId],
    wait: { priority: 0 },
    onExisting,
  });

  it.each(['return', 'renew'] as const)('is answered with that, by %s, and nobody is granted two', (how) => {
    const world = busy([]);
    for (const leaseId of ['of one', 'of two']) world.allocate('ada', twoMinutes, same(how, leaseId));
    world.allocate('bob', twoMinutes, { leaseIds: ['of bob'] });
    expect(world.line()).toEqual(['ada', 'ada', 'bob']);
    world.release(idOf(0));
    expect(servedTo(world)).toEqual(['one', 'two']);
    const [one, two] = world.served;
    expect(one?.fact?.type).toBe('activated');
    if (how === 'return') expect(two).toMatchObject({ fact: null, held: { lease: { leaseId: 'of one' } } });
    else expect(two).toMatchObject({ held: null, fact: { type: 'renewed', lease: { leaseId: 'of one' } } });
    expect([world.line(), world.holder(idOf(0))]).toEqual([['bob'], 'ada']);
  });

  it('is answered so too when their user comes by it as a newcomer', () => {
    const rows = ['a', 'b'].map((os, index) => rowOf(traitsOf(index, { os })));
    const world = startPool({ size: 2, rows, whenFull: 'wait' });
    world.allocate('holder', twoMinutes, { labels: { os: 'a' } });
    world.allocate('ada', twoMinutes, { ...same('return', 'of one'), labels: { os: 'a' } });
    world.allocate('ada', twoMinutes, { labels: { os: 'b' } });
    expect(servedTo(world)).toEqual([]);
    world.allocate('ada', twoMinutes, { ...same('return', 'of two'), labels: { os: 'a' } });
    world.release(idOf(0));
    expect(servedTo(world)).toEqual(['one', 'two']);
    expect(world.holder(idOf(0))).toBe('ada');
  });
});

describe('ten thousand in line', () => {
  const many = Array.from({ length: 10_000 }, (_, index) => `${index}`);

  it('cost a fact nothing that is of no use to them, and one that frees a token no more than a look each', () => {
    const world = startPool({ membership: 'elastic', size: 201, whenFull: 'wait' });
    for (let token = 0; token < 200; token++) world.create();
    const [held] = world.allocate('holder').facts;
    let looks = 0;
    for (const user of many.slice(0, 2000)) {
      const labels = {
        get user() {
          looks++;
          return user;
        },
      };
      expect(world.allocate(user, twoMinutes, { leaseIds: [user], labels }).waits).toBe(true);
    }
    looks = 0;
    for (let turn = 0; turn < 10; turn++) world.renew(held!.tokenId);
    world.withdraw(world.allocate('ada').facts[0]!.tokenId);
    world.leave('7');
    expect(looks).toBe(0);
    world.release(held!.tokenId);
    expect(looks).toBe(1999);
    world.allocate('bob', twoMinutes, { wait: { priority: 9 } });
    world.create({ labels: { user: '1500' } });
    expect(looks).toBeLessThan(2 * 2000);
    expect(world.served.map(({ leaseId }) => leaseId)).toEqual(['1500']);
    expect(world.pool.counts.waiting).toBe(1998);
  });

  it('join, leave and are served, each in turn', () => {
    const world = startPool({ size: 1, whenFull: 'wait' });
    world.allocate('holder');
    for (const user of many) world.allocate(user, twoMinutes, { leaseIds: [user] });
    expect(world.pool.counts.waiting).toBe(10_000);
    for (const user of many) if (Number(user) % 2 === 0) world.leave(user);
    for (let turn = 0; turn < 5000; turn++) world.release(idOf(0));
    expect(world.served.map(({ leaseId }) => leaseId)).toEqual(many.filter((user) => Number(user) % 2 === 1));
    expect(world.pool.counts.waiting).toBe(0);
  });

  it('are all served by one step that frees as many', () => {
    const world = startPool({ size: 10_001, whenFull: 'wait' });
    for (let token = 0; token < 10_001; token++) world.allocate('holder');
    for (const user of many) world.allocate(user, twoMinutes, { leaseIds: [user] });
    world.releaseAll();
    expect(world.served.map(({ leaseId }) => leaseId)).toEqual(many);
    expect(world.pool.counts).toEqual({ available: 1, active: 10_000, total: 10_001, waiting: 0 });
  });
});
