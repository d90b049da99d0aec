/** Waiting in line: who is served, when, and who never is. */

import { describe, expect, it } from 'vitest';
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
    expect(world.served).toEqual([
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

describe('ten thousand in line', () => {
  const many = Array.from({ length: 10_000 }, (_, index) => `${index}`);

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
