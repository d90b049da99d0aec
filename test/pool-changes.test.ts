/** Options that change while leases live, tokens that come and go, maintenance, and all of it across a restart. */
import { describe, expect, it } from 'vitest';
import type { PoolWorld, StartOptions } from './support/pool.ts';
import { idOf, rowOf, startPool, told, traitsOf } from './support/pool.ts';
import { SteppedClock, start, twoMinutes } from './support/world.ts';

const ids = ({ pool, clock }: PoolWorld): number[] =>
  Array.from(pool.tokens(clock.now()), ({ tokenId }) => Number(tokenId.slice(-12)));

describe('a shrinking pool', () => {
  it('lets free tokens go first, the longest free of them, and says that its options changed before', () => {
    const world = startPool({ size: 3 });
    world.allocate();
    world.release(idOf(0));
    world.allocate();
    expect(told(world.change({ size: 2 }))).toEqual(['deleted pool_shrunk 2']);
    expect(world.changes[0]).toMatchObject({ seq: 5 });
    expect(world.facts.at(-1)?.seq).toBe(6);
    expect(ids(world)).toEqual([0, 1]);
  });

  it('lets holders keep their lease till it ends, and renews none of those that are the last', () => {
    const world = startPool({ size: 3 });
    for (const user of ['ada', 'bob', 'cy']) world.allocate(user);
    world.clock.advance(1000);
    world.renew(idOf(0));
    expect(told(world.change({ size: 1 }))).toEqual([]);
    // The least recently used ones leave.
    expect(world.renew(idOf(1)).refusal).toBe('token_withdrawn');
    expect(world.renew(idOf(2)).refusal).toBe('token_withdrawn');
    expect(told(world.renew(idOf(0)))).toEqual(['renewed renewed_by_client 0']);
    expect(told(world.release(idOf(1)))).toEqual(['released released_by_client 1', 'deleted pool_shrunk 1']);
    expect(world.holder(idOf(2))).toBe('cy');
    world.clock.advance(twoMinutes - 1000);
    expect(told(world).slice(-2)).toEqual(['expired ttl_expired 2', 'deleted pool_shrunk 2']);
    expect(ids(world)).toEqual([0]);
  });

  it('evicts nobody from a token that leaves, for it would be granted again', () => {
    const world = startPool({ size: 2 });
    for (const user of ['ada', 'bob']) world.allocate(user);
    world.change({ size: 1 });
    expect(told(world.allocate('cy'))[0]).toBe('released lru_eviction 1');
    expect(world.holder(idOf(0))).toBe('ada');
  });

  it('keeps those that have not left yet when it grows again, and shrinks by no more when told twice', () => {
    const world = startPool({ size: 3 });
    for (const user of ['ada', 'bob', 'cy']) world.allocate(user);
    world.change({ size: 1 });
    world.change({ size: 1 });
    world.change({ size: 2 });
    expect(world.renew(idOf(0)).refusal).toBe('token_withdrawn');
    expect(told(world.renew(idOf(1)))).toEqual(['renewed renewed_by_client 1']);
    world.releaseAll();
    expect(ids(world)).toEqual([1, 2]);
  });

  it('drains after a restart too', () => {
    const world = startPool({ size: 2 });
    for (const user of ['ada', 'bob']) world.allocate(user);
    world.change({ size: 1 });
    const next = startPool({ size: 1, rows: world.rows(), seq: 9 });
    expect(next.renew(idOf(0)).refusal).toBe('token_withdrawn');
    expect(told(next.release(idOf(0)))).toEqual(['released released_by_client 0', 'deleted pool_shrunk 0']);
  });

  it('of many more tokens than one event settles loses no count', () => {
    const world = startPool({ size: 12_000 });
    expect(world.change({ size: 1 }).facts).toHaveLength(11_999);
    expect(ids(world)).toEqual([11_999]);
    const added = Array.from({ length: 11_999 }, (_, index) => traitsOf(20_000 + index));
    expect(world.change({ size: 12_000 }, added).facts).toHaveLength(11_999);
    expect(world.pool.counts).toEqual({ available: 12_000, active: 0, total: 12_000, waiting: 0 });
    expect(told(world.allocate())).toEqual(['activated allocated 11999']);
  });
});

describe('a list of tokens that changes', () => {
  const specs = [
    { name: 'a', labels: { os: 'android' } },
    { name: 'b', labels: { os: 'ios' } },
  ];
  const rows = specs.map(({ name, labels }, index) => rowOf(traitsOf(index, labels, name)));

  it('replaces what has other labels now, and keeps what has not', () => {
    const world = startPool({ size: 2, tokens: specs, rows });
    world.allocate('ada');
    const tokens = [{ name: 'a', labels: { os: 'android 2' } }, specs[1]!];
    const answer = world.change({ tokens }, [traitsOf(7, { os: 'android 2' }, 'a')]);
    // The old one is held, and drains.
    expect(told(answer)).toEqual(['created pool_grown 7']);
    expect(world.renew(idOf(0)).refusal).toBe('token_withdrawn');
    world.release(idOf(0));
    expect(ids(world)).toEqual([1, 7]);
  });

  it('takes free ones off before held ones where they are alike', () => {
    const alike = Array.from({ length: 3 }, () => ({ name: null, labels: { os: 'android' } }));
    const world = startPool({
      size: 3,
      tokens: alike,
      rows: alike.map(({ labels }, index) => rowOf(traitsOf(index, labels))),
    });
    for (let token = 0; token < 3; token++) world.allocate();
    world.release(idOf(0));
    expect(told(world.change({ size: 2, tokens: alike.slice(1) }))).toEqual(['deleted pool_shrunk 0']);
  });

  it('keeps what was to leave when it is listed again', () => {
    const world = startPool({ size: 2, tokens: specs, rows });
    world.allocate('ada');
    world.change({ size: 1, tokens: [specs[1]!] });
    expect(world.renew(idOf(0)).refusal).toBe('token_withdrawn');
    world.change({ size: 2, tokens: specs });
    expect(told(world.renew(idOf(0)))).toEqual(['renewed renewed_by_client 0']);
  });
});

describe('other options that change', () => {
  it('hold for what begins from then on: free tokens keep their turn, and rests and idle times their end', () => {
    const elastic = { membership: 'elastic', idleTtlMs: 5000, coolDownMs: 1000, whenFull: 'reject' } as const;
    const world = startPool({ ...elastic, size: 9 });
    for (const index of [0, 1, 2]) world.create({ tokenId: idOf(index) });
    world.allocate();
    world.release(idOf(0));
    world.change({ idleTtlMs: 60_000, coolDownMs: 2000 });
    expect(told(world.allocate())).toEqual(['activated allocated 1']);
    world.clock.advance(5000);
    expect(ids(world)).toEqual([1]);
    world.releaseAll();
    world.clock.advance(1999);
    expect(world.pool.counts.available).toBe(0);
    world.clock.advance(1);
    expect(world.pool.counts.available).toBe(1);
    world.clock.advance(59_999);
    expect(ids(world)).toEqual([1]);
    world.clock.advance(1);
    expect(ids(world)).toEqual([]);
  });

  it('let those in line wait on, whatever newcomers get from then on', () => {
    const world = startPool({ size: 1, whenFull: 'wait' });
    world.allocate('ada');
    world.allocate('bob');
    world.change({ whenFull: 'reject' });
    expect(world.allocate('cy').refusal).toBe('pool_full');
    world.release(idOf(0));
    expect(world.holder(idOf(0))).toBe('bob');
  });
});

describe('an elastic pool', () => {
  const elastic = { membership: 'elastic', size: 2, idleTtlMs: 300_000, whenFull: 'reject' } as const;

  it('has no tokens but those that are created, up to its size, held and leaving ones counted', () => {
    const world = startPool(elastic);
    expect(world.allocate().refusal).toBe('pool_full');
    expect(told(world.create({ tokenId: idOf(0) }))).toEqual(['created token_created 0']);
    world.allocate();
    world.create({ tokenId: idOf(1) });
    expect(world.create().refusal).toBe('pool_limit_reached');
    world.allocate('bob');
    world.change({ size: 1 });
    world.release(idOf(1));
    expect(world.create().refusal).toBe('pool_limit_reached');
  });

  it('deletes a free token at once, and a held one with its lease', () => {
    const world = startPool(elastic);
    world.create({ tokenId: idOf(0) });
    world.create({ tokenId: idOf(1) });
    world.allocate();
    expect(told(world.delete(idOf(1)))).toEqual(['deleted deleted_by_client 1']);
    expect(told(world.delete(idOf(0)))).toEqual(['released token_deleted 0', 'deleted deleted_by_client 0']);
    expect(world.delete(idOf(0)).refusal).toBe('not_found');
    expect(world.pool.counts).toEqual({ available: 0, active: 0, total: 0, waiting: 0 });
    expect(world.pool.token(idOf(0), world.clock.now())).toBeUndefined();
    world.clock.advance(600_000);
    expect(world.facts).toHaveLength(6);
  });

  it('deletes a token that nobody asked for in time, never a held one (free-expiry-takes-a-held-token)', () => {
    const world = startPool(elastic);
    world.create({ tokenId: idOf(0) });
    world.create({ tokenId: idOf(1) });
    world.clock.advance(299_999);
    world.allocate();
    world.clock.advance(1);
    expect(told(world).at(-1)).toBe('deleted idle_ttl_expired 1');
    expect(world.holder(idOf(0))).toBe('ada');
    // Free again by its deadline, and kept from there.
    world.clock.advance(twoMinutes + 299_998);
    expect(ids(world)).toEqual([0]);
    world.clock.advance(1);
    expect(ids(world)).toEqual([]);
  });

  it('deletes it though the timer is late, before anybody is granted it', () => {
    const world = startPool(elastic);
    world.create({ tokenId: idOf(0) });
    world.clock.stall(300_000);
    expect(world.allocate().refusal).toBe('pool_full');
    expect(told(world).at(-1)).toBe('deleted idle_ttl_expired 0');
  });

  it('lets no fixed pool do the same', () => {
    const world = startPool();
    expect(world.create().refusal).toBe('pool_not_elastic');
    expect(world.delete(idOf(0)).refusal).toBe('pool_not_elastic');
  });
});

describe('maintenance', () => {
  it('takes a free token out of use until it is brought back', () => {
    const world = startPool({ size: 1, whenFull: 'reject' });
    expect(told(world.withdraw(idOf(0), true, 'cracked'))).toEqual(['withdrawn maintenance_begun 0']);
    expect(world.pool.token(idOf(0), start)?.withdrawn).toEqual({ note: 'cracked' });
    expect(world.allocate().refusal).toBe('pool_full');
    expect(world.pool.counts).toMatchObject({ available: 0, active: 0, total: 1 });
    expect(told(world.restore(idOf(0)))).toEqual(['restored maintenance_over 0']);
    expect(world.restore(idOf(0)).refusal).toBe('token_not_withdrawn');
    expect(told(world.allocate())).toEqual(['activated allocated 0']);
  });

  it('lets a lease run out, or ends it, as asked, and nobody is granted the token', () => {
    const world = startPool({ size: 2 });
    world.allocate('ada');
    world.allocate('bob');
    expect(told(world.withdraw(idOf(0)))).toEqual(['withdrawn maintenance_begun 0']);
    expect(world.renew(idOf(0)).refusal).toBe('token_withdrawn');
    expect(told(world.withdraw(idOf(1), true))).toEqual([
      'withdrawn maintenance_begun 1',
      'released maintenance 1',
    ]);
    expect(world.allocate('cy').refusal).toBe('pool_full');
    world.clock.advance(twoMinutes);
    expect(told(world).at(-1)).toBe('expired ttl_expired 0');
    expect(world.pool.counts).toMatchObject({ available: 0, active: 0 });
  });

  it('can be ended while the lease still runs, which may be renewed again then', () => {
    const world = startPool({ size: 1 });
    world.allocate();
    world.withdraw(idOf(0));
    world.restore(idOf(0));
    expect(told(world.renew(idOf(0)))).toEqual(['renewed renewed_by_client 0']);
  });
});

describe('a restart in the middle', () => {
  /** Another process goes on, so much later. */
  function after(world: PoolWorld, ms: number, options: StartOptions): PoolWorld {
    world.pool.stop();
    world.clock.advance(ms);
    const clock = new SteppedClock(world.clock.now());
    return startPool({ ...options, clock, rows: world.rows(), seq: 1 + world.facts.length });
  }
  const resting = { size: 1, coolDownMs: 5000, whenFull: 'wait' } as const;

  it('of a rest goes on with what remains of it (second-restart-loses-the-remaining-time)', () => {
    let world = startPool(resting);
    world.allocate();
    world.releaseAll();
    for (const ms of [1000, 1000, 1000]) {
      world = after(world, ms, resting);
      expect(world.pool.counts.available).toBe(0);
    }
    world.clock.advance(1999);
    expect(world.pool.counts.available).toBe(0);
    world.clock.advance(1);
    expect(told(world)).toEqual(['rested cool_down_over 0']);
  });

  it('of a rest that is over by then ends it at once', () => {
    const world = startPool(resting);
    world.allocate();
    world.releaseAll();
    const next = after(world, 5000, resting);
    expect(told(next.allocate())).toEqual(['activated allocated 0']);
  });

  it('of a lease counts the rest from its deadline', () => {
    const world = startPool(resting);
    world.allocate();
    const next = after(world, twoMinutes + 3000, resting);
    expect(told(next)).toEqual(['expired ttl_expired_while_down 0']);
    next.clock.advance(1999);
    expect(next.pool.counts.available).toBe(0);
    next.clock.advance(1);
    expect(next.pool.counts.available).toBe(1);
  });

  it('of an idle time goes on with what remains of it', () => {
    const options = { membership: 'elastic', size: 1, idleTtlMs: 60_000 } as const;
    const world = startPool(options);
    world.create();
    const next = after(world, 59_000, options);
    next.clock.advance(999);
    expect(next.pool.counts.total).toBe(1);
    next.clock.advance(1);
    expect(next.pool.counts.total).toBe(0);
  });

  it('of maintenance leaves the token out of use, and its lease running', () => {
    const world = startPool({ size: 2 });
    world.allocate('ada');
    world.withdraw(idOf(0), false, 'cracked');
    world.withdraw(idOf(1));
    const next = after(world, 1000, { size: 2 });
    expect(next.holder(idOf(0))).toBe('ada');
    expect(next.renew(idOf(0)).refusal).toBe('token_withdrawn');
    expect(next.allocate().refusal).toBe('pool_full');
    expect(next.pool.token(idOf(0), next.clock.now())?.withdrawn).toEqual({ note: 'cracked' });
    next.clock.advance(twoMinutes);
    expect(next.pool.counts).toMatchObject({ available: 0, active: 0 });
    expect(told(next.restore(idOf(0)))).toEqual(['restored maintenance_over 0']);
  });
});
