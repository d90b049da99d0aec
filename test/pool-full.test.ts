/** What a newcomer gets: by the pool's options, by labels, and by what the user holds already. */
import { describe, expect, it } from 'vitest';
import { idOf, leaseOf, type PoolWorld, rowOf, startPool, told, traitsOf } from './support/pool.ts';
import { twoMinutes } from './support/world.ts';

describe('a full pool', () => {
  it('that rejects lets every holder keep its lease', () => {
    const { allocate, holder } = startPool({ size: 1, whenFull: 'reject' });
    allocate('ada');
    expect(allocate('bob')).toMatchObject({ refusal: 'pool_full', facts: [], waits: false });
    expect(holder(idOf(0))).toBe('ada');
  });

  it('lets a newcomer wait who asks for it, whatever others get', () => {
    const { allocate, line } = startPool({ size: 1, whenFull: 'reject' });
    allocate('ada');
    expect(allocate('bob', 1000, { wait: { priority: 0 } }).waits).toBe(true);
    expect(allocate('cy').refusal).toBe('pool_full');
    expect(line()).toEqual(['bob']);
  });
});

describe('eviction of the oldest', () => {
  it('counts no renewal as use', () => {
    const { allocate, renew, clock } = startPool({ size: 2, eviction: 'oldest' });
    allocate('ada');
    allocate('bob');
    clock.advance(1000);
    renew(idOf(0));
    expect(told(allocate('cy'))).toEqual([
      'released oldest_eviction 0',
      'activated allocated_after_eviction 0',
    ]);
    expect(told(allocate('dee'))[0]).toBe('released oldest_eviction 1');
  });

  it('goes on where it was after a restart, and after the order was another', () => {
    const first = startPool({ size: 3, eviction: 'lru' });
    for (const user of ['ada', 'bob', 'cy']) first.allocate(user);
    first.renew(idOf(0));
    const next = startPool({ size: 3, eviction: 'oldest', rows: first.rows(), seq: 10 });
    expect(told(next.allocate())[0]).toBe('released oldest_eviction 0');
    next.renew(idOf(1));
    next.change({ eviction: 'lru' });
    expect(told(next.allocate())[0]).toBe('released lru_eviction 2');
    next.change({ eviction: 'oldest' });
    expect(told(next.allocate())[0]).toBe('released oldest_eviction 1');
  });

  it.each([
    ['lru', ['2', '1', '0']],
    ['oldest', ['0', '1', '2']],
  ] as const)(
    'counts the end of maintenance as use by %s, in this process and the next',
    (eviction, turns) => {
      const evictedIn = ({ allocate }: PoolWorld) =>
        [allocate(), allocate(), allocate()].map((answer) => told(answer)[0]!.at(-1));
      const world = startPool({ size: 3, eviction });
      for (const user of ['ada', 'bob', 'cy']) world.allocate(user);
      for (const index of [0, 1]) world.withdraw(idOf(index));
      for (const index of [1, 0]) world.restore(idOf(index));
      const next = startPool({ size: 3, eviction, rows: world.rows(), seq: 8 });
      expect(evictedIn(world)).toEqual(turns);
      expect(evictedIn(next)).toEqual(turns);
    },
  );
});

describe('the least time of holding', () => {
  it('keeps a fresh lease from being evicted, and others are evicted instead [I7]', () => {
    const { allocate, renew, clock } = startPool({ size: 2, minHoldMs: 1000 });
    allocate('ada');
    clock.advance(999);
    allocate('bob');
    expect(allocate('cy').refusal).toBe('pool_full');
    clock.advance(1);
    // The most recently used, and the only one that may be evicted.
    renew(idOf(0));
    expect(told(allocate('cy'))).toEqual(['released lru_eviction 0', 'activated allocated_after_eviction 0']);
    expect(allocate('dee').refusal).toBe('pool_full');
  });
});

describe('the most tokens of one user', () => {
  it('counts what the user holds and waits for, and what is asked for at once', () => {
    const { allocate, release, leave } = startPool({ size: 3, maxPerUser: 2, whenFull: 'wait' });
    const batch = { leaseIds: ['1', '2', '3'] };
    expect(allocate('ada', twoMinutes, batch).refusal).toBe('user_limit_reached');
    allocate('ada');
    allocate('ada');
    expect(allocate('ada').refusal).toBe('user_limit_reached');
    allocate('bob');
    expect(allocate('bob', twoMinutes, { leaseIds: ['waits'] }).waits).toBe(true);
    expect(allocate('bob').refusal).toBe('user_limit_reached');
    leave('waits');
    expect(allocate('bob').waits).toBe(true);
    // What comes free goes to bob, who waits, and has two by then.
    release(idOf(0));
    expect(allocate('bob').refusal).toBe('user_limit_reached');
    expect(allocate('ada').waits).toBe(true);
  });

  it('is not had by evicting oneself', () => {
    const { allocate } = startPool({ size: 1, maxPerUser: 1 });
    allocate('ada');
    expect(allocate('ada').refusal).toBe('user_limit_reached');
    expect(told(allocate('bob'))[0]).toBe('released lru_eviction 0');
    expect(told(allocate('ada'))[0]).toBe('released lru_eviction 0');
  });
});

describe('labels', () => {
  const rows = ['android', 'ios', 'android'].map((os, index) => rowOf(traitsOf(index, { os, at: 'desk' })));
  const named = { tokens: rows.map(({ name, labels }) => ({ name, labels })), rows };
  const asking = (os: string) => ({ labels: { os } });

  it('are all to be equal, and the longest free of those is granted', () => {
    const { allocate } = startPool(named);
    expect(told(allocate('ada', twoMinutes, asking('ios')))).toEqual(['activated allocated 1']);
    expect(told(allocate('ada', twoMinutes, { labels: { os: 'android', at: 'desk' } }))).toEqual([
      'activated allocated 0',
    ]);
    expect(told(allocate('ada', twoMinutes, { labels: {} }))).toEqual(['activated allocated 2']);
  });

  it('that no token has are refused as such, and busy ones as busy', () => {
    const { allocate, withdraw } = startPool({ ...named, whenFull: 'reject' });
    expect(allocate('ada', twoMinutes, asking('beos')).refusal).toBe('no_such_token');
    expect(allocate('ada', twoMinutes, { labels: { os: 'ios', at: 'home' } }).refusal).toBe('no_such_token');
    expect(allocate('ada', twoMinutes, { labels: { toString: 'ios' } }).refusal).toBe('no_such_token');
    const two = { leaseIds: ['1', '2'], ...asking('ios') };
    expect(allocate('ada', twoMinutes, two).refusal).toBe('no_such_token');
    // In maintenance it may come back.
    withdraw(idOf(1));
    expect(allocate('ada', twoMinutes, asking('ios')).refusal).toBe('pool_full');
  });

  it('are not had any more from a token that leaves, and may yet be had in an elastic pool', () => {
    const { allocate, change } = startPool({ ...named, whenFull: 'reject' });
    allocate('ada', twoMinutes, asking('ios'));
    change({ size: 2, tokens: [0, 2].map((index) => named.tokens[index]!) });
    expect(allocate('bob', twoMinutes, asking('ios')).refusal).toBe('no_such_token');
    const elastic = startPool({ membership: 'elastic', size: 2, whenFull: 'reject' });
    expect(elastic.allocate('bob', twoMinutes, asking('ios')).refusal).toBe('pool_full');
    elastic.create({ labels: { os: 'ios' } });
    expect(elastic.allocate('bob', twoMinutes, asking('ios')).facts).toHaveLength(1);
  });

  it('choose whom to evict, though others were used less recently [I7]', () => {
    const { allocate } = startPool(named);
    for (let turn = 0; turn < 3; turn++) allocate();
    expect(told(allocate('bob', twoMinutes, asking('ios')))[0]).toBe('released lru_eviction 1');
  });
});

describe('a batch', () => {
  const batch = (count: number) => ({
    leaseIds: Array.from({ length: count }, (_, index) => `batch ${index}`),
  });

  it('is granted as a whole, with evictions where it takes them, or not at all', () => {
    const { allocate, pool } = startPool({ size: 3 });
    allocate('ada');
    allocate('bob');
    expect(told(allocate('cy', twoMinutes, batch(3)))).toEqual([
      'activated allocated 2',
      'released lru_eviction 0',
      'activated allocated_after_eviction 0',
      'released lru_eviction 1',
      'activated allocated_after_eviction 1',
    ]);
    expect(allocate('dee', twoMinutes, batch(4)).refusal).toBe('no_such_token');
    expect([...pool.tokens(pool.counts.total)].every(({ lease }) => lease?.userId === 'cy')).toBe(true);
  });

  it('takes nothing where one of it cannot be had', () => {
    const { allocate, facts } = startPool({ size: 3, whenFull: 'reject' });
    allocate('ada');
    expect(allocate('cy', twoMinutes, batch(3)).refusal).toBe('pool_full');
    expect(facts).toHaveLength(1);
    const held = startPool({ size: 3, minHoldMs: 1000 });
    held.allocate('ada');
    expect(held.allocate('cy', twoMinutes, batch(3)).refusal).toBe('pool_full');
    expect(held.facts).toHaveLength(1);
  });

  it('does not wait in line: it could be overtaken there for ever', () => {
    const { allocate } = startPool({ size: 2, whenFull: 'wait' });
    allocate('ada');
    expect(allocate('cy', twoMinutes, { ...batch(2), wait: { priority: 1 } }).refusal).toBe('pool_full');
  });
});

describe('a user who holds a token already', () => {
  it.each(['new', undefined] as const)('is granted another one by %s', (onExisting) => {
    const { allocate } = startPool();
    allocate('ada');
    expect(told(allocate('ada', twoMinutes, { onExisting }))).toEqual(['activated allocated 1']);
  });

  it('is shown the one granted last by return, and nothing happens', () => {
    const { allocate, renew, facts } = startPool();
    allocate('ada');
    allocate('ada');
    renew(idOf(0));
    expect(allocate('ada', twoMinutes, { onExisting: 'return' })).toMatchObject({
      held: { tokenId: idOf(1) },
      facts: [],
    });
    expect(facts).toHaveLength(3);
    expect(told(allocate('bob', twoMinutes, { onExisting: 'return' }))).toEqual(['activated allocated 2']);
  });

  it('has it renewed by renew, even in a full pool and at their limit', () => {
    const { allocate, clock, pool } = startPool({ size: 1, maxPerUser: 1 });
    allocate('ada');
    clock.advance(1000);
    const answer = allocate('ada', twoMinutes, { onExisting: 'renew' });
    expect(told(answer)).toEqual(['renewed renewed_by_client 0']);
    expect(leaseOf(answer.facts[0]).expiresAt).toBe(clock.now() + twoMinutes);
    expect(pool.counts.active).toBe(1);
  });

  it('is granted one that fits where the one they hold does not', () => {
    const rows = ['android', 'ios'].map((os, index) => rowOf(traitsOf(index, { os })));
    const { allocate } = startPool({ size: 2, rows });
    allocate('ada');
    const asked = { labels: { os: 'ios' }, onExisting: 'return' as const };
    expect(told(allocate('ada', twoMinutes, asked))).toEqual(['activated allocated 1']);
    expect(allocate('ada', twoMinutes, asked).held?.tokenId).toBe(idOf(1));
  });

  it('has to prove it otherwise where the pool asks for proof', () => {
    const { allocate } = startPool({ proofRequired: true });
    allocate('ada');
    for (const onExisting of ['return', 'renew'] as const)
      expect(allocate('ada', twoMinutes, { onExisting }).refusal).toBe('lease_proof_required');
  });
});

describe('the longest life of a lease', () => {
  it('is of the pool, and a change of it shortens no lease that lives', () => {
    const { allocate, renew, change, clock, pool } = startPool({ maxLifetimeMs: 150_000 });
    allocate();
    const granted = clock.now();
    clock.advance(60_000);
    renew(idOf(0));
    expect(pool.token(idOf(0), clock.now())?.lease?.expiresAt).toBe(granted + 150_000);
    change({ maxLifetimeMs: twoMinutes });
    renew(idOf(0));
    expect(pool.token(idOf(0), clock.now())?.lease?.expiresAt).toBe(granted + 150_000);
    clock.advance(90_000);
    expect(pool.counts.active).toBe(0);
  });
});
