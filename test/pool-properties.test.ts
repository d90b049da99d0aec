/** Random users against a pool and against a model of it that anybody can check by eye. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { evolve } from '../src/lease/evolve.ts';
import type { TokenState } from '../src/lease/lease.ts';
import { ModelPool } from './support/model.ts';
import { idOf, type PoolWorld, startPool } from './support/pool.ts';
import { twoMinutes } from './support/world.ts';

const size = 4;
const users = ['ada', 'bob', 'cy'];
const user = fc.constantFrom(...users);
const token = fc.nat(size - 1);
/** Nothing, the user, a lease id (of this lease, of an earlier one, of another token's), or both. */
const proof = fc.record(
  { userId: user, leaseId: fc.integer({ min: 1, max: 20 }).map((grant) => `lease ${grant}`) },
  { requiredKeys: [] },
);
const ttlMs = fc.constantFrom(1, 500, 1000, twoMinutes, 2 * twoMinutes);

const step = fc.oneof(
  { weight: 4, arbitrary: fc.record({ what: fc.constant('allocate' as const), user, ttlMs }) },
  {
    weight: 2,
    arbitrary: fc.record({ what: fc.constant('renew' as const), token, proof, ttlMs }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ what: fc.constant('release' as const), token, proof }),
  },
  { weight: 1, arbitrary: fc.record({ what: fc.constant('release all' as const) }) },
  {
    weight: 3,
    arbitrary: fc.record({
      what: fc.constant('wait' as const),
      ms: fc.constantFrom(0, 1, 499, 1000, twoMinutes),
    }),
  },
);
type Step = typeof step extends fc.Arbitrary<infer S> ? S : never;

/** Does the step on both sides, and holds what they answer against each other. */
function take(each: Step, world: PoolWorld, model: ModelPool): void {
  const now = world.clock.now();
  switch (each.what) {
    case 'allocate': {
      const { facts } = world.allocate(each.user, each.ttlMs);
      const evicted = model.allocate(now, each.user, each.ttlMs);
      expect(facts.length > 1 ? facts[0]!.lease.userId : null).toBe(evicted);
      expect(facts.at(-1)!.tokenId).toBe(idOf(model.leases.at(-1)!.token));
      break;
    }
    case 'renew': {
      const answer = world.renew(idOf(each.token), { ...each.proof, ttlMs: each.ttlMs });
      // What is refused has changed nothing, or it would be found by the check that follows [I4].
      expect(answer.refusal).toBe(model.renew(now, each.token, each.proof, each.ttlMs));
      break;
    }
    case 'release': {
      const answer = world.release(idOf(each.token), each.proof);
      expect(answer.refusal).toBe(model.release(now, each.token, each.proof));
      break;
    }
    case 'release all':
      expect(world.releaseAll().facts).toHaveLength(model.releaseAll(now));
      break;
    case 'wait':
      world.clock.advance(each.ms);
      model.pass(world.clock.now());
      break;
  }
}

/** What must hold after every step, whatever the model thinks. */
function check(world: PoolWorld, model: ModelPool): void {
  const { pool, facts, clock, crashes } = world;
  const now = clock.now();
  const seen = [...pool.tokens(now)].map(({ tokenId, lease }) => [tokenId, lease?.userId, lease?.expiresAt]);
  const expected = Array.from({ length: size }, (_, index) => {
    const lease = model.leases.find((each) => each.token === index);
    return [idOf(index), lease?.userId, lease?.expiresAt];
  });
  expect(seen).toEqual(expected); // [I1] [I6] [I12]
  expect(facts.map(({ seq }) => seq)).toEqual(facts.map((_, index) => index + 2)); // [I3]
  const count = (type: string) => facts.filter((fact) => fact.type === type).length;
  expect(count('activated')).toBe(pool.counts.active + count('released') + count('expired')); // [I11]
  expect(pool.counts.total).toBe(size); // [I2]
  for (const { type, at, lease } of facts)
    if (type === 'expired') expect(at).toBeGreaterThanOrEqual(lease.expiresAt); // [I5]
  const folded = new Map<string, TokenState>();
  for (const fact of facts) folded.set(fact.tokenId, evolve(fact));
  for (const { tokenId, lease } of pool.tokens(now)) {
    expect(folded.get(tokenId)?.lease ?? null).toEqual(lease); // [I8]
  }
  expect(crashes).toEqual([]);
}

describe('a pool under random users', () => {
  it('does what the model does, and keeps every invariant, after each step (same-resource-two-owners)', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const world = startPool({ size });
        const model = new ModelPool(size);
        for (const each of steps) {
          take(each, world, model);
          check(world, model);
        }
      }),
      { numRuns: 300 },
    );
  });
});
