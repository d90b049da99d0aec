/** Random pools under random users against a model that anybody can check by eye. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Labels, TokenTraits } from '../src/lease/lease.ts';
import { contradictions, type PoolOptions, type TokenSpec } from '../src/lease/pool-options.ts';
import { waiterViews } from '../src/pool/pool-view.ts';
import { fits, ModelPool } from './support/model.ts';
import { idOf, optionsOf, type PoolWorld, rowOf, rowsAfter, startPool, traitsOf } from './support/pool.ts';

const users = ['ada', 'bob', 'cy'];
const user = fc.constantFrom(...users);
const labels = fc.constantFrom<Labels[]>({ os: 'a' }, { os: 'b' }, {});
const maybe = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: undefined, freq: 2 });
const spec = fc.record({ name: fc.constantFrom('x', 'y', null), labels });

/** Whatever can be chosen, as far as it does not contradict itself. */
const chosen = fc.record({
  size: fc.integer({ min: 1, max: 4 }),
  tokens: fc.option(
    fc.uniqueArray(spec, {
      minLength: 1,
      maxLength: 4,
      comparator: (a, b) => a.name !== null && a.name === b.name,
    }),
    { nil: null, freq: 2 },
  ),
  whenFull: fc.constantFrom('evict' as const, 'reject' as const, 'wait' as const),
  eviction: fc.constantFrom('lru' as const, 'oldest' as const),
  minHoldMs: fc.constantFrom(0, 0, 400),
  maxLifetimeMs: fc.constantFrom(null, 3000),
  maxPerUser: fc.constantFrom(null, null, null, 1, 2),
  coolDownMs: fc.constantFrom(0, 0, 700),
  idleTtlMs: fc.constantFrom(null, 1500, 5000),
  queueMax: fc.constantFrom(1, 10),
});
type Chosen = typeof chosen extends fc.Arbitrary<infer C> ? C : never;
const membership = fc.constantFrom('fixed' as const, 'elastic' as const);

function consistent(membership: PoolOptions['membership'], wish: Chosen): PoolOptions {
  const evicts = wish.whenFull === 'evict';
  const tokens: TokenSpec[] | null = membership === 'fixed' ? wish.tokens : null;
  const options = optionsOf({
    ...wish,
    membership,
    tokens,
    size: tokens?.length ?? wish.size,
    ttlMs: 2000,
    eviction: evicts ? wish.eviction : 'lru',
    minHoldMs: evicts ? wish.minHoldMs : 0,
    coolDownMs: evicts ? 0 : wish.coolDownMs,
    idleTtlMs: membership === 'elastic' ? wish.idleTtlMs : null,
  });
  expect(contradictions(options)).toEqual([]);
  return options;
}

/** A token of those that are there, and at times one that is not. */
const token = fc.nat(12);
// Most are long, and most waits short: a pool is full most of the time, and that is when there is something to decide.
const ttlMs = fc.constantFrom(1, 500, 1000, 2000, 4000, 4000, 4000);
const ms = fc.constantFrom(0, 1, 1, 100, 100, 399, 500, 700, 1500, 6000);
/** Nothing, the user, a lease id (of this lease, of an earlier one, of another token's), or both. */
const proof = fc.oneof(
  { weight: 3, arbitrary: fc.constant({}) },
  {
    weight: 2,
    arbitrary: fc.record(
      { userId: user, leaseId: fc.integer({ min: 1, max: 20 }).map((grant) => `lease ${grant}`) },
      { requiredKeys: [] },
    ),
  },
);
const what = <W extends string>(name: W) => fc.constant(name);

const step = fc.oneof(
  {
    weight: 12,
    arbitrary: fc.record({
      what: what('allocate'),
      user,
      ttlMs,
      count: fc.constantFrom(1, 1, 1, 2, 3),
      labels: maybe(fc.constantFrom<Labels[]>({ os: 'a' }, { os: 'b' }, { os: 'none' })),
      onExisting: maybe(fc.constantFrom('new' as const, 'return' as const, 'renew' as const)),
      priority: maybe(fc.nat(1)),
    }),
  },
  { weight: 3, arbitrary: fc.record({ what: what('leave'), who: fc.nat(3) }) },
  { weight: 4, arbitrary: fc.record({ what: what('renew'), token, proof, ttlMs }) },
  { weight: 4, arbitrary: fc.record({ what: what('release'), token, proof }) },
  { weight: 1, arbitrary: fc.record({ what: what('release all') }) },
  { weight: 4, arbitrary: fc.record({ what: what('create'), labels }) },
  { weight: 1, arbitrary: fc.record({ what: what('delete'), token }) },
  { weight: 3, arbitrary: fc.record({ what: what('withdraw'), token, endLease: fc.boolean() }) },
  { weight: 3, arbitrary: fc.record({ what: what('restore'), token }) },
  { weight: 2, arbitrary: fc.record({ what: what('change'), chosen }) },
  { weight: 2, arbitrary: fc.record({ what: what('resize'), size: fc.integer({ min: 1, max: 4 }) }) },
  {
    weight: 2,
    arbitrary: fc.record({
      what: what('reorder'),
      eviction: fc.constantFrom('lru' as const, 'oldest' as const),
    }),
  },
  { weight: 6, arbitrary: fc.record({ what: what('wait'), ms }) },
  { weight: 3, arbitrary: fc.record({ what: what('stall'), ms }) },
  { weight: 1, arbitrary: fc.record({ what: what('restart'), ms }) },
);
type Step = typeof step extends fc.Arbitrary<infer S> ? S : never;

/** A pool and its model, and what both have been told to do so far. */
class Trial {
  world: PoolWorld;
  readonly model: ModelPool;
  readonly #first: TokenTraits[];
  #leases = 0;
  /** How many facts have been looked at. */
  #checked = 0;
  #tokens = 100;

  constructor(options: PoolOptions) {
    const specs = options.tokens ?? Array.from({ length: options.size }, () => ({ name: null, labels: {} }));
    this.#first =
      options.membership === 'elastic'
        ? []
        : specs.map(({ name, labels }, index) => traitsOf(index, labels, name));
    this.world = startPool({ ...options, rows: this.#first.map((traits) => rowOf(traits)) });
    this.model = new ModelPool(options, this.#first);
  }

  /** Does the step on both sides, and holds what they answer against each other. */
  take(each: Step): void {
    const { world, model } = this;
    const now = world.clock.now();
    switch (each.what) {
      case 'allocate': {
        const { ttlMs, labels, onExisting, priority } = each;
        const leaseIds = Array.from({ length: each.count }, () => `lease ${++this.#leases}`);
        const wait = priority === undefined ? undefined : { priority };
        const answer = world.allocate(each.user, ttlMs, { leaseIds, labels, onExisting, wait });
        const said =
          answer.refusal ?? (answer.waits ? 'waits' : answer.held && `held ${answer.held.tokenId}`);
        expect(said).toBe(
          model.allocate(now, { userId: each.user, leaseIds, ttlMs, labels, onExisting, wait }),
        );
        break;
      }
      case 'leave': {
        const leaseId = model.line[each.who]?.leaseIds[0] ?? 'nobody';
        world.leave(leaseId);
        model.leave(leaseId);
        break;
      }
      case 'renew': {
        const tokenId = this.#tokenId(each.token);
        const answer = world.renew(tokenId, { ...each.proof, ttlMs: each.ttlMs });
        // What is refused has changed nothing, or it would be found by the check that follows [I4].
        expect(answer.refusal).toBe(model.renew(now, tokenId, each.proof, each.ttlMs));
        break;
      }
      case 'release': {
        const tokenId = this.#tokenId(each.token);
        expect(world.release(tokenId, each.proof).refusal).toBe(model.release(now, tokenId, each.proof));
        break;
      }
      case 'release all':
        world.releaseAll();
        model.releaseAll(now);
        break;
      case 'create': {
        const traits = traitsOf(++this.#tokens, each.labels);
        expect(world.create(traits).refusal).toBe(model.create(now, traits));
        break;
      }
      case 'delete': {
        const tokenId = this.#tokenId(each.token);
        expect(world.delete(tokenId).refusal).toBe(model.delete(now, tokenId));
        break;
      }
      case 'withdraw': {
        const tokenId = this.#tokenId(each.token);
        expect(world.withdraw(tokenId, each.endLease).refusal).toBe(
          model.withdraw(now, tokenId, each.endLease),
        );
        break;
      }
      case 'restore': {
        const tokenId = this.#tokenId(each.token);
        expect(world.restore(tokenId).refusal).toBe(model.restore(now, tokenId));
        break;
      }
      case 'change':
        this.#change(consistent(model.options.membership, each.chosen));
        break;
      case 'resize':
        if (model.options.tokens === null) this.#change({ ...model.options, size: each.size });
        break;
      case 'reorder':
        if (model.options.whenFull === 'evict') this.#change({ ...model.options, eviction: each.eviction });
        break;
      case 'wait':
        world.clock.advance(each.ms);
        model.advance(now + each.ms);
        break;
      case 'stall':
        world.clock.stall(each.ms);
        world.pool.pass(now + each.ms);
        model.pass(now + each.ms);
        break;
      case 'restart':
        this.#restart(each.ms);
        break;
    }
  }

  #change(options: PoolOptions): void {
    const now = this.world.clock.now();
    const newTokens = this.#missing(options);
    expect(this.world.change(options, newTokens).refusal).toBeNull();
    this.model.change(now, options, newTokens);
  }

  #tokenId(index: number): string {
    const { tokens } = this.model;
    return (index === 12 ? undefined : tokens[index % tokens.length])?.tokenId ?? idOf(999);
  }

  /** The tokens that a pool is short of: those that leave may stay after all. */
  #missing({ tokens, size, membership }: PoolOptions): TokenTraits[] {
    if (membership === 'elastic') return [];
    const kinds = this.model.tokens.map(({ name, labels }) => JSON.stringify([name, labels]));
    const wanted = tokens ?? Array.from({ length: size - kinds.length }, () => ({ name: null, labels: {} }));
    return wanted
      .filter((each) => {
        const index = tokens === null ? -1 : kinds.indexOf(JSON.stringify([each.name, each.labels]));
        if (index >= 0) kinds.splice(index, 1);
        return index < 0;
      })
      .map(({ name, labels }) => traitsOf(++this.#tokens, labels, name));
  }

  #restart(ms: number): void {
    const { clock, facts, changes, served, pool } = this.world;
    pool.signal({ type: 'STOP' });
    pool.stop();
    clock.advance(ms);
    const seq = 1 + facts.length + changes.length;
    const next = startPool({ ...pool.options, clock, rows: this.world.rows(), seq });
    // What has been is kept.
    this.world = Object.assign(next, { rows: this.world.rows });
    next.facts.unshift(...facts);
    next.changes.unshift(...changes);
    next.served.unshift(...served.filter(({ refusal }) => refusal !== 'unavailable'));
    const first = this.#first.map((traits) => rowOf(traits));
    next.rows = () => rowsAfter(first, next.facts);
    next.pool.pass(clock.now());
    this.model.restart(clock.now());
  }

  /** What must hold after every step, whatever the model thinks. */
  check(): void {
    const { pool, facts, changes, served, clock, crashes } = this.world;
    const { model } = this;
    const now = clock.now();
    expect(crashes).toEqual([]);
    const seen = [...pool.tokens(now)].map(({ tokenId, lease, restsUntil, keptUntil, withdrawn }) => [
      tokenId,
      lease?.leaseId,
      lease?.expiresAt,
      restsUntil,
      keptUntil,
      withdrawn !== null,
    ]);
    const expected = model.tokens.map(({ tokenId, lease, restsUntil, keptUntil, withdrawn }) => [
      tokenId,
      lease?.leaseId,
      lease?.expiresAt,
      restsUntil,
      keptUntil,
      withdrawn,
    ]);
    expect(seen).toEqual(expected); // [I1] [I6] [I12]
    const seqs = [...facts.map(({ seq }) => seq), ...changes.map(({ seq }) => seq)].sort((a, b) => a - b);
    expect(seqs).toEqual(seqs.map((_, index) => index + 2)); // [I3]
    const log = [
      ...facts.map(({ seq, type, tokenId }) => ({ seq, text: `${type} ${tokenId}` })),
      ...changes.map(({ seq }) => ({ seq, text: 'changed' })),
    ].sort((a, b) => a.seq - b.seq);
    expect(log.map(({ text }) => text)).toEqual(model.facts); // [I7] [I10] [I13]
    const turns = served.map(
      ({ leaseId, fact, held, refusal }) =>
        `${leaseId} ${refusal ?? (held ? `held ${held.tokenId}` : fact!.tokenId)}`,
    );
    expect(turns).toEqual(model.served); // [I10]
    const line = Array.from(pool.see(waiterViews), ({ leaseId }) => leaseId);
    expect(line).toEqual(model.line.map(({ leaseIds }) => leaseIds[0]));
    this.#checkInvariants(now);
  }

  #checkInvariants(now: number): void {
    const { pool, facts, rows } = this.world;
    const { options, counts } = pool;
    const tokens = [...pool.tokens(now)];
    const count = (type: string) => facts.filter((fact) => fact.type === type).length;
    expect(count('activated')).toBe(counts.active + count('released') + count('expired')); // [I11]
    expect(counts.total).toBe(tokens.length);
    const free = tokens.filter(
      ({ lease, withdrawn, restsUntil }) => lease === null && withdrawn === null && restsUntil === null,
    );
    expect(counts.available).toBe(free.length);
    for (const { userId, labels } of pool.see(waiterViews)) {
      // Fewer may be allowed by now than when they joined the line.
      const held = tokens.filter(({ lease }) => lease?.userId === userId).length;
      if (held >= (options.maxPerUser ?? Number.POSITIVE_INFINITY)) continue;
      expect(free.filter((each) => fits(each, labels))).toEqual([]); // [I10]
    }
    const staying = this.model.tokens.filter(({ leaving }) => !leaving).length;
    if (options.membership === 'fixed')
      expect(staying).toBe(options.size); // [I2]
    else expect(staying).toBeLessThanOrEqual(options.size); // [I2]
    for (; this.#checked < facts.length; this.#checked++) {
      const fact = facts[this.#checked]!;
      expect(fact.at).toBeGreaterThanOrEqual(facts[this.#checked - 1]?.at ?? 0);
      if (fact.type === 'expired') expect(fact.at).toBeGreaterThanOrEqual(fact.lease.expiresAt); // [I5]
      if (fact.type === 'activated')
        expect([fact.lease.fence, fact.lease.activatedAt]).toEqual([fact.seq, fact.at]);
    }
    const folded = new Map(rows().map(({ seq, ...row }) => [row.tokenId, row]));
    expect(new Map(tokens.map((view) => [view.tokenId, view]))).toEqual(folded); // [I8]
  }
}

describe('a pool under random users', () => {
  it('does what the model does, and keeps every invariant, after each step (same-resource-two-owners)', () => {
    fc.assert(
      fc.property(
        membership,
        chosen,
        fc.array(step, { maxLength: 60, size: 'max' }),
        (membership, wish, steps) => {
          const trial = new Trial(consistent(membership, wish));
          trial.check();
          for (const each of steps) {
            trial.take(each);
            trial.check();
          }
        },
      ),
      // Long ones: what goes wrong takes a few steps to come about.
      { numRuns: 1000 },
    );
  });
});
