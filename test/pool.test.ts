import { describe, expect, it } from 'vitest';
import { portion } from '../src/pool/pool-context.ts';
import { idOf, leaseOf, startPool, told } from './support/pool.ts';
import { start, twoMinutes } from './support/world.ts';

describe('allocating', () => {
  it('grants the token that has been free for longest', () => {
    const { allocate, release } = startPool({ size: 3 });
    expect(told(allocate())).toEqual(['activated allocated 0']);
    release(idOf(0));
    expect([allocate(), allocate(), allocate()].flatMap(told)).toEqual([
      'activated allocated 1',
      'activated allocated 2',
      'activated allocated 0',
    ]);
  });

  it('evicts the least recently used lease for the 101st of 100, in one answer [I7]', () => {
    const { allocate, pool, holder } = startPool({ size: 100 });
    for (let user = 0; user < 100; user++) allocate(`user ${user}`);
    expect(pool.counts).toEqual({ available: 0, active: 100, total: 100, waiting: 0 });
    const answer = allocate('the 101st');
    expect(told(answer)).toEqual(['released lru_eviction 0', 'activated allocated_after_eviction 0']);
    expect(answer.facts.map((fact) => leaseOf(fact).userId)).toEqual(['user 0', 'the 101st']);
    expect(pool.counts).toEqual({ available: 0, active: 100, total: 100, waiting: 0 });
    expect(holder(idOf(0))).toBe('the 101st');
    expect(holder(idOf(1))).toBe('user 1');
  });

  it('gives two newcomers at a full pool two tokens (two-newcomers-evict-each-other)', () => {
    const { allocate, holder } = startPool({ size: 2 });
    allocate('a');
    allocate('b');
    allocate('c');
    allocate('d');
    expect([holder(idOf(0)), holder(idOf(1))]).toEqual(['c', 'd']);
  });

  it('counts a renewal as use, and orders by use, not by time: all of this is one millisecond', () => {
    const { allocate, renew } = startPool({ size: 3 });
    allocate();
    allocate();
    allocate();
    renew(idOf(0));
    expect(told(allocate())[0]).toBe('released lru_eviction 1');
    expect(told(allocate())[0]).toBe('released lru_eviction 2');
    expect(told(allocate())[0]).toBe('released lru_eviction 0');
  });

  it('evicts by order of use across a month end (oldest-across-month-end, oldest-by-wrong-field)', () => {
    const { allocate, clock } = startPool({ size: 2 });
    clock.advance(Date.UTC(2026, 0, 31, 23, 59, 59) - start);
    allocate('january');
    clock.advance(2000);
    allocate('february');
    expect(leaseOf(allocate('newcomer').facts[0]).userId).toBe('january');
  });

  it('numbers fences by the grant, rising without reuse [I3]', () => {
    const { allocate, release, facts } = startPool({ size: 1, seq: 41 });
    allocate();
    release(idOf(0));
    allocate();
    allocate();
    const grants = facts.filter(({ type }) => type === 'activated');
    expect(grants.map((fact) => [leaseOf(fact).fence, fact.seq])).toEqual([
      [42, 42],
      [44, 44],
      [46, 46],
    ]);
  });

  it('takes a token whose lease is over rather than evict, though no timer has fired yet [I7]', () => {
    const { allocate, clock, holder } = startPool({ size: 2 });
    allocate('long', 2 * twoMinutes);
    allocate('short', 1000);
    // As on a busy process: time has passed, and the timers have not had their turn.
    const late = clock.now() + 1000;
    clock.now = () => late;
    expect(told(allocate('newcomer'))).toEqual(['activated allocated 1']);
    expect(holder(idOf(0))).toBe('long');
  });
});

describe('the proof of a holder', () => {
  it('is not asked for where none is sent', () => {
    const { allocate, renew, release } = startPool();
    allocate();
    expect(told(renew(idOf(0)))).toEqual(['renewed renewed_by_client 0']);
    expect(told(release(idOf(0)))).toEqual(['released released_by_client 0']);
  });

  it('must be the current one: a stale lease id changes nothing [I4] (double-release-frees-the-next-holder)', () => {
    const { allocate, release, renew, facts, holder } = startPool({ size: 1 });
    const stale = leaseOf(allocate('ada').facts[0]).leaseId;
    release(idOf(0), { leaseId: stale });
    allocate('bob');
    const before = facts.length;
    expect(release(idOf(0), { leaseId: stale }).refusal).toBe('lease_mismatch');
    expect(renew(idOf(0), { leaseId: stale }).refusal).toBe('lease_mismatch');
    expect(release(idOf(0), { userId: 'ada' }).refusal).toBe('lease_mismatch');
    expect(facts).toHaveLength(before);
    expect(holder(idOf(0))).toBe('bob');
  });

  it('is the lease id where the pool requires it, and then a user id is none', () => {
    const { allocate, release, renew } = startPool({ proofRequired: true });
    const { leaseId } = leaseOf(allocate('ada').facts[0]);
    expect(release(idOf(0)).refusal).toBe('lease_proof_required');
    expect(renew(idOf(0), { userId: 'ada' }).refusal).toBe('lease_proof_required');
    expect(told(renew(idOf(0), { leaseId }))).toEqual(['renewed renewed_by_client 0']);
    expect(told(release(idOf(0), { leaseId }))).toEqual(['released released_by_client 0']);
  });

  it('does not keep the pool itself from evicting', () => {
    const { allocate } = startPool({ proofRequired: true, size: 1 });
    allocate();
    expect(told(allocate())).toEqual(['released lru_eviction 0', 'activated allocated_after_eviction 0']);
  });
});

describe('releasing all', () => {
  it('ends every lease, and none that comes after [I13]', () => {
    const { allocate, releaseAll, pool } = startPool({ size: 3 });
    allocate();
    allocate();
    expect(told(releaseAll())).toEqual(['released cleanup 0', 'released cleanup 1']);
    expect(told(releaseAll())).toEqual([]);
    allocate();
    expect(pool.counts.active).toBe(1);
  });

  it('frees the tokens in their order of use', () => {
    const { allocate, renew, releaseAll } = startPool({ size: 2 });
    allocate();
    allocate();
    renew(idOf(0));
    releaseAll();
    expect([allocate(), allocate()].flatMap(told)).toEqual([
      'activated allocated 1',
      'activated allocated 0',
    ]);
  });
});

describe('more tokens than one event starts, recalls or expires', () => {
  const size = portion + 1;

  it('are all released at once, and all expired at once', () => {
    const { allocate, releaseAll, pool, clock, facts } = startPool({ size });
    for (let user = 0; user < size; user++) allocate();
    expect(releaseAll().facts).toHaveLength(size);
    expect(pool.counts).toEqual({ available: size, active: 0, total: size, waiting: 0 });
    for (let user = 0; user < size; user++) allocate();
    expect(pool.pass(clock.now() + twoMinutes)).toBe(size);
    expect(pool.counts).toEqual({ available: size, active: 0, total: size, waiting: 0 });
    expect(facts.map(({ seq }) => seq)).toEqual(facts.map((_, index) => index + 2));
  });
});

describe('time', () => {
  it('ends a thousand leases of one millisecond, each once', () => {
    const { allocate, clock, facts, pool } = startPool({ size: 1000 });
    for (let user = 0; user < 1000; user++) allocate(`user ${user}`);
    clock.advance(twoMinutes);
    const expired = facts.filter(({ type }) => type === 'expired');
    expect(new Set(expired.map(({ tokenId }) => tokenId)).size).toBe(1000);
    expect(expired.every((fact) => fact.at === leaseOf(fact).expiresAt)).toBe(true);
    expect(pool.counts).toEqual({ available: 1000, active: 0, total: 1000, waiting: 0 });
  });

  it('never shows a lease as active at its deadline, however late the timers are [I6]', () => {
    const { allocate, clock, pool } = startPool({ size: 2 });
    allocate();
    const deadline = clock.now() + twoMinutes;
    expect(pool.token(idOf(0), deadline - 1)?.lease).not.toBeNull();
    expect(pool.token(idOf(0), deadline)?.lease).toBeNull();
    expect([...pool.tokens(deadline)].every(({ lease }) => lease === null)).toBe(true);
  });

  it('leaves nothing for the sweep to do while timers work', () => {
    const { allocate, clock, pool } = startPool({ size: 3 });
    for (let second = 0; second < 600; second++) {
      if (second % 7 === 0) allocate('ada', 5000 + second);
      clock.advance(1000);
      expect(pool.pass(clock.now())).toBe(0);
    }
  });

  it('is swept: a lease whose timer was lost is ended once its deadline is seen to have passed', () => {
    const { allocate, clock, pool } = startPool({ size: 2 });
    allocate();
    clock.clearTimeout(0);
    expect(pool.pass(clock.now() + twoMinutes - 1)).toBe(0);
    expect(pool.pass(clock.now() + twoMinutes)).toBe(1);
    expect(pool.pass(clock.now() + twoMinutes)).toBe(0);
  });
});
