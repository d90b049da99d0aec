/** What the page says of a fact, against what the machine of that token has done, in pools under random users. */
import { beforeAll, describe, expect, it } from 'vitest';
import type { AnyActorRef, InspectionEvent } from 'xstate';
import type { Fact } from '../src/lease/fact.ts';
import { type Status, statusOf, type TokenState } from '../src/lease/lease.ts';
import type { PoolOptions } from '../src/lease/pool-options.ts';
import { tokenMachine } from '../src/token/token-machine.ts';
import { type ChartTransition, chartOf } from '../src/visualizer/chart/chart.ts';
import { type Taken, transitionTaken } from '../src/visualizer/page/chart/taken.ts';
import { type Standing, stateOf, takenBy } from '../src/visualizer/page/chart/taken-by.ts';
import { idOf, type PoolWorld, rowOf, startPool, traitsOf } from './support/pool.ts';
import { Seeded } from './support/seeded.ts';
import { lease } from './support/token.ts';
import { SteppedClock, start } from './support/world.ts';

const chart = chartOf(tokenMachine as never);

/** A token, as a snapshot has it. */
const standingOf = (token: Omit<TokenState, 'seq'>): Standing & { status: Status } => ({
  status: statusOf(token),
  kept_until: token.keptUntil === null ? null : new Date(token.keptUntil).toISOString(),
});
const told = ({ seq, tokenId, type, reason }: Fact) => ({ seq, token_id: tokenId, type, reason });

/** A transition that was taken, its place in the chart's list, and the facts that were recorded by it. */
interface Step {
  transition: number;
  facts: Fact[];
}

/** Follows all tokens of a pool, which has one from the start. */
class Watched {
  readonly world: PoolWorld;
  readonly #pictures = new Map<string, Standing>();
  readonly #steps: Step[] = [];
  #recorded = 0;
  /** Of which fact it was looked at last. */
  #checked = 1;
  /** What its start tells of. */
  readonly begun: Taken[];

  constructor(options: Partial<PoolOptions>, rows: TokenState[], clock = new SteppedClock()) {
    this.world = startPool({ ...options, rows, clock });
    for (const row of rows) this.#pictures.set(row.tokenId, standingOf(row));
    const [some] = this.actors();
    some!.system.inspect((event: InspectionEvent) => {
      if (event.type === '@xstate.microstep') this.#heard(event.actorRef as AnyActorRef, event._transitions);
    });
    this.begun = this.check();
  }

  actors(): AnyActorRef[] {
    return this.world.pool.see(({ order }) => Array.from(order.all(), ({ actor }) => actor));
  }

  #heard({ id }: AnyActorRef, transitions: readonly TransitionLike[]): void {
    if (id === undefined || transitions.length === 0 || transitions[0]!.source.machine.id !== 'token') return;
    const { source, eventType, target, guard, actions } = transitions[0]!;
    const candidates = eventType === '' ? source.always! : source.transitions.get(eventType)!;
    const event = /^xstate\.after\.(\w+)\./.exec(eventType)?.[1] ?? (eventType || 'always');
    const index = candidates.findIndex((each) => each.guard === guard && each.actions === actions);
    const place = chart.transitions.findIndex(
      (each) => each.source === source.key && each.event === event && each.index === index,
    );
    expect(chart.transitions[place]?.target ?? undefined).toBe(target?.[0]?.key);
    const facts = this.world.facts.slice(this.#recorded).filter(({ tokenId }) => tokenId === id);
    this.#recorded = this.world.facts.length;
    this.#steps.push({ transition: place, facts });
  }

  /** Each fact since last time tells of the transition that recorded it, and each picture is the state of its actor. */
  check(): Taken[] {
    const taken: Taken[] = [];
    const steps = new Map(
      this.#steps.flatMap(({ transition, facts }) => facts.map((fact) => [fact, transition])),
    );
    this.#steps.length = 0;
    for (const [n, fact] of this.world.facts.entries()) {
      if (fact.seq <= this.#checked) continue;
      this.#checked = fact.seq;
      const previous = n > 0 ? told(this.world.facts[n - 1]!) : null;
      const one = takenBy(this.#pictures.get(fact.tokenId) ?? null, told(fact), previous)!;
      const place = transitionTaken(chart, one);
      if (place === null)
        throw new Error(`${fact.type} ${fact.reason} tells of no transition: ${JSON.stringify(one)}`);
      const actual = steps.get(fact);
      // What is recorded by a token as it begins is recorded after its first steps, all at once.
      if (actual !== undefined) expect(nameOf(asTold(actual, fact))).toBe(nameOf(place));
      else
        expect(['created', 'ttl_expired_while_down']).toContain(
          fact.type === 'created' ? fact.type : fact.reason,
        );
      if (fact.after === null) this.#pictures.delete(fact.tokenId);
      else this.#pictures.set(fact.tokenId, standingOf(fact.after));
      taken.push(one);
    }
    for (const actor of this.actors())
      expect(stateOf(this.#pictures.get(actor.id)!)).toBe(actor.getSnapshot().value);
    return taken;
  }
}

interface TransitionLike {
  source: {
    key: string;
    machine: { id: string };
    always?: TransitionLike[];
    transitions: Map<string, TransitionLike[]>;
  };
  eventType: string;
  target?: readonly { key: string }[] | undefined;
  guard?: unknown;
  actions: unknown;
}

const nameOf = (place: number): string => {
  const { source, event, index } = chart.transitions[place]!;
  return `${source} ${event} ${index}`;
};
const placeOf = (found: (transition: ChartTransition) => boolean): number =>
  chart.transitions.findIndex(found);

/** What a fact can tell of a transition: not whether a timer was late, nor, before its next fact, that a lease was ended. */
function asTold(actual: number, fact: Fact): number {
  const { source, event } = chart.transitions[actual]!;
  if (event === 'PASS') return placeOf((each) => each.source === source && each.isDelay);
  const isFirst = fact.type === 'withdrawn' && source === 'active';
  return isFirst
    ? placeOf((each) => each.source === source && each.event === event && each.index === 1)
    : actual;
}

const kinds: Partial<PoolOptions>[] = [
  { membership: 'fixed', whenFull: 'evict', size: 3 },
  { membership: 'fixed', whenFull: 'wait', size: 2, coolDownMs: 700, ttlMs: 2000 },
  { membership: 'elastic', whenFull: 'reject', size: 4, coolDownMs: 500, idleTtlMs: 1500, ttlMs: 2000 },
  { membership: 'elastic', whenFull: 'evict', eviction: 'oldest', size: 3, idleTtlMs: 4000, ttlMs: 1000 },
];

/** A pool under users who do anything at any time, and tells of it what the facts tell. */
function history(options: Partial<PoolOptions>, seed: number): Taken[] {
  const chance = new Seeded(seed);
  const watched = new Watched(options, [rowOf(traitsOf(0))]);
  const { world } = watched;
  const some = (): string => {
    const all = watched.actors();
    return all.length > 0 ? chance.of(all).id : idOf(0);
  };
  const doings = [
    () => world.allocate(chance.of(['ada', 'bob', 'cy']), chance.of([500, 2000])),
    () => world.allocate('dee'),
    () => world.renew(some()),
    () => world.release(some()),
    () => world.withdraw(some(), chance.below(2) === 0),
    () => world.restore(some()),
    () => world.create(),
    () => world.delete(some()),
    () => chance.below(5) === 0 && world.releaseAll(),
    () => world.change({ size: 1 + chance.below(4) }),
    () => world.clock.advance(chance.of([1, 100, 700, 2500])),
  ];
  return Array.from({ length: 150 }, () => {
    if (watched.actors().length > 0 || options.membership === 'elastic') chance.of(doings)();
    return watched.check();
  }).flat();
}

describe('what the page says of a fact', () => {
  const seen = new Map<string, number>();
  beforeAll(() => {
    const late = { lease: lease({ expiresAt: start - 1 }) };
    const all = [
      new Watched({ size: 1 }, [rowOf(traitsOf(0), late)]).begun,
      ...kinds.flatMap((options) => Array.from({ length: 25 }, (_, seed) => history(options, seed + 1))),
    ];
    for (const taken of all.flat()) {
      const name = nameOf(transitionTaken(chart, taken)!);
      seen.set(name, (seen.get(name) ?? 0) + 1);
    }
  });

  it('is the transition that recorded it, whatever users do', () => {
    expect([...seen.values()].reduce((sum, count) => sum + count, 0)).toBeGreaterThan(1000);
  });

  it('is at some time each transition that records anything', () => {
    const recording = chart.transitions
      .filter(({ actions, event }) => actions.includes('record') && event !== 'PASS')
      .map(({ source, event, index }) => `${source} ${event} ${index}`);
    expect([...seen.keys()].sort()).toEqual(recording.sort());
  });

  it('is nothing where the fact is of the pool', () => {
    const fact = { seq: 1, token_id: null, type: 'opened', reason: 'pool_opened' };
    expect(takenBy(null, fact)).toBeNull();
    expect(takenBy(null, { ...fact, type: 'changed', reason: 'options_changed' })).toBeNull();
  });
});
