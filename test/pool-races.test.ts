/** Every two that can meet at one instant, in either order, in every kind of pool. */
import { describe, expect, it } from 'vitest';
import { evictions, memberships, type PoolOptions, whenFullChoices } from '../src/lease/pool-options.ts';
import { idOf, leaseOf, type PoolWorld, rowOf, startPool, told, traitsOf } from './support/pool.ts';
import { twoMinutes } from './support/world.ts';

type Kind = Pick<PoolOptions, 'whenFull' | 'eviction' | 'membership'>;

const kinds: Kind[] = whenFullChoices.flatMap((whenFull) =>
  // Where nobody is evicted it means nothing by what order.
  evictions
    .slice(0, whenFull === 'evict' ? 2 : 1)
    .flatMap((eviction) => memberships.map((membership) => ({ whenFull, eviction, membership }))),
);

/** Two tokens, both held: by ada, less recently, and by bob. */
function full(kind: Kind): PoolWorld {
  const idleTtlMs = kind.membership === 'elastic' ? 300_000 : null;
  const rows = [0, 1].map((index) => rowOf(traitsOf(index)));
  const world = startPool({ ...kind, idleTtlMs, size: 2, rows });
  world.allocate('ada');
  world.allocate('bob');
  world.facts.length = 0;
  return world;
}

const evicted = ({ eviction }: Kind, index: number) => [
  `released ${eviction}_eviction ${index}`,
  `activated allocated_after_eviction ${index}`,
];

/** What a newcomer at a full pool gets. */
function expectNewcomer(kind: Kind, answer: ReturnType<PoolWorld['allocate']>, index: number): void {
  if (kind.whenFull === 'evict') expect(told(answer)).toEqual(evicted(kind, index));
  else if (kind.whenFull === 'wait') expect(answer.waits).toBe(true);
  else expect(answer.refusal).toBe('pool_full');
}

describe.each(kinds)('in a pool that is $membership: $whenFull, $eviction', (kind) => {
  it('renew × expire: at the deadline it is over, whoever asks [I5] [I12]', () => {
    const before = full(kind);
    before.clock.stall(twoMinutes - 1);
    expect(told(before.renew(idOf(0)))).toEqual(['renewed renewed_by_client 0']);
    before.clock.advance(1);
    expect([before.holder(idOf(0)), before.holder(idOf(1))]).toEqual(['ada', null]);
    const late = full(kind);
    late.clock.stall(twoMinutes);
    expect(late.renew(idOf(0)).refusal).toBe('token_not_active');
    expect(told(late).sort()).toEqual(['expired ttl_expired 0', 'expired ttl_expired 1']);
    late.clock.advance(twoMinutes);
    expect(late.facts).toHaveLength(2);
  });

  it('renew × evict: who renews is spared where that counts as use, and who comes late holds nothing [I7]', () => {
    const renewed = full(kind);
    renewed.renew(idOf(0));
    expectNewcomer(kind, renewed.allocate('cy'), kind.eviction === 'lru' ? 1 : 0);
    const late = full(kind);
    const [leaseId] = [...late.pool.tokens(late.clock.now())].map(({ lease }) => lease!.leaseId);
    expectNewcomer(kind, late.allocate('cy'), 0);
    const answer = late.renew(idOf(0), { leaseId: leaseId! });
    if (kind.whenFull === 'evict') expect(answer.refusal).toBe('lease_mismatch');
    else expect(told(answer)).toEqual(['renewed renewed_by_client 0']);
  });

  it('release × evict: what was released is taken, and a late release ends nobody else’s lease [I4]', () => {
    const released = full(kind);
    released.release(idOf(1), { userId: 'bob' });
    expect(told(released.allocate('cy'))).toEqual(['activated allocated 1']);
    expect(released.holder(idOf(0))).toBe('ada');
    const late = full(kind);
    expectNewcomer(kind, late.allocate('cy'), 0);
    const answer = late.release(idOf(0), { userId: 'ada' });
    if (kind.whenFull === 'evict') {
      expect(answer.refusal).toBe('lease_mismatch');
      expect(late.holder(idOf(0))).toBe('cy');
    } else {
      expect(told(answer)).toEqual(['released released_by_client 0']);
      expect(late.holder(idOf(0))).toBe(kind.whenFull === 'wait' ? 'cy' : null);
    }
  });

  it('release × release: the second ends nothing (double-release-frees-the-next-holder)', () => {
    const world = full(kind);
    const leaseId = [...world.pool.tokens(world.clock.now())][0]!.lease!.leaseId;
    world.release(idOf(0), { leaseId });
    expect(world.release(idOf(0), { leaseId }).refusal).toBe('token_not_active');
    world.allocate('cy');
    expect(world.release(idOf(0), { leaseId }).refusal).toBe('lease_mismatch');
    expect(world.holder(idOf(0))).toBe('cy');
  });

  it('cleanup × allocate: ends what was granted before it, and nothing of what comes after [I13]', () => {
    const after = full(kind);
    expect(after.releaseAll().facts).toHaveLength(2);
    expect(told(after.allocate('cy'))).toEqual(['activated allocated 0']);
    expect(after.holder(idOf(0))).toBe('cy');
    const before = full(kind);
    expectNewcomer(kind, before.allocate('cy'), 0);
    expect(before.releaseAll().facts).toHaveLength(2);
    expect(before.pool.counts.active).toBe(kind.whenFull === 'wait' ? 1 : 0);
  });

  it('evict × evict: two newcomers get two tokens, or none (two-newcomers-evict-each-other)', () => {
    const world = full(kind);
    expectNewcomer(kind, world.allocate('cy'), 0);
    expectNewcomer(kind, world.allocate('dee'), 1);
    const holders = [world.holder(idOf(0)), world.holder(idOf(1))];
    expect(holders).toEqual(kind.whenFull === 'evict' ? ['cy', 'dee'] : ['ada', 'bob']);
  });

  it('cancel × grant: who left is not served, and who was served has left nothing (granted-to-a-dead-waiter)', () => {
    const wait = { leaseIds: ['waits'], wait: { priority: 0 } };
    // Nothing can be evicted yet: then one waits there too.
    const waiting = { ...kind, minHoldMs: kind.whenFull === 'evict' ? twoMinutes : 0 };
    const left = full(waiting);
    expect(left.allocate('cy', twoMinutes, wait).waits).toBe(true);
    left.leave('waits');
    left.release(idOf(0));
    expect([left.holder(idOf(0)), left.served]).toEqual([null, []]);
    const served = full(waiting);
    served.allocate('cy', twoMinutes, wait);
    served.release(idOf(0));
    served.leave('waits');
    expect(served.served.map(({ leaseId, fact }) => [leaseId, leaseOf(fact!).userId])).toEqual([
      ['waits', 'cy'],
    ]);
    expect(served.holder(idOf(0))).toBe('cy');
    expect(told(served.release(idOf(0), { leaseId: 'waits' }))).toEqual(['released released_by_client 0']);
  });
});
