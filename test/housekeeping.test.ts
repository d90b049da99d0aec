/** When housekeeping deletes, and when it does not: on simulated time, and against what it deletes from. */
import { describe, expect, it } from 'vitest';
import { Housekeeping } from '../src/service/housekeeping.ts';
import { SteppedClock, start, twoMinutes } from './support/world.ts';

const idle = 5000;
const batch = 1000;
const nextTurn = () => new Promise((resolve) => setImmediate(resolve));

/** What is deleted from: answers as it is told, and notes what it is asked. */
class Facts {
  readonly asked: [before: number, most: number][] = [];
  /** Which pools had facts deleted, in this order. */
  readonly askedPools: string[] = [];
  readonly askedKeyed: [at: number, keysMax: number, most: number][] = [];
  pools = ['a'];
  facts = 0;
  keyed = 0;
  tookMs = 0;
  down = false;
  readonly #clock: SteppedClock;

  constructor(clock: SteppedClock) {
    this.#clock = clock;
  }

  async due(): Promise<string[]> {
    return this.pools;
  }

  async prune(pool: string, before: number, most: number): Promise<number> {
    this.asked.push([before, most]);
    this.askedPools.push(pool);
    if (this.down) throw new Error('down');
    await nextTurn();
    this.#clock.stall(this.tookMs);
    const facts = Math.min(most, this.facts);
    this.facts -= facts;
    return facts;
  }

  async pruneKeyed(at: number, keysMax: number, most: number): Promise<number> {
    this.askedKeyed.push([at, keysMax, most]);
    const keyed = Math.min(most, this.keyed);
    this.keyed -= keyed;
    return keyed;
  }
}

function begin(retentionMs = twoMinutes) {
  const clock = new SteppedClock();
  const facts = new Facts(clock);
  const told: unknown[] = [];
  const house = { isServing: true };
  const options = { retentionMs, keysMax: 7 };
  const pruned: [facts: number, keys: number][] = [];
  const housekeeping = new Housekeeping(options, clock, clock, {
    pruned: (...much) => pruned.push(much),
    unanswered: (error) => told.push(error),
  });
  housekeeping.begin(facts, () => house.isServing);
  /** Lets time pass, and what was begun by it come to its end. */
  const pass = async (ms: number) => {
    clock.advance(ms);
    await nextTurn();
    await nextTurn();
  };
  return { clock, facts, told, pruned, house, housekeeping, pass };
}

describe('housekeeping', () => {
  it('looks every five seconds for what is older than it is kept', async () => {
    const { facts, pass } = begin();
    await pass(idle - 1);
    expect(facts.asked).toEqual([]);
    await pass(1);
    await pass(idle);
    expect(facts.asked).toEqual([
      [start + idle - twoMinutes, batch],
      [start + 2 * idle - twoMinutes, batch],
    ]);
    expect(facts.askedKeyed).toEqual([
      [start + idle, 7, batch],
      [start + 2 * idle, 7, batch],
    ]);
  });

  it('pauses after a full batch for four times as long as it took, and goes on', async () => {
    const { facts, pruned, pass } = begin();
    Object.assign(facts, { facts: 2500, tookMs: 30 });
    await pass(idle);
    await pass(119);
    expect(facts.asked).toHaveLength(1);
    await pass(1);
    expect(facts.asked).toHaveLength(2);
    await pass(120);
    expect(facts.asked).toHaveLength(3);
    expect(facts.facts).toBe(0);
    expect(pruned).toEqual([
      [1000, 0],
      [1000, 0],
      [500, 0],
    ]);
    await pass(idle - 1);
    expect(facts.asked).toHaveLength(3);
    await pass(1);
    expect(facts.asked).toHaveLength(4);
  });

  it('pauses after the batch of each pool, and takes one of each in turn', async () => {
    const { facts, pass } = begin();
    Object.assign(facts, { pools: ['a', 'b'], facts: 2500, keyed: 1, tookMs: 30 });
    await pass(idle);
    expect([facts.askedKeyed.length, facts.askedPools]).toEqual([1, []]);
    await pass(4);
    expect(facts.askedPools).toEqual(['a']);
    await pass(119);
    expect(facts.askedPools).toEqual(['a']);
    await pass(1);
    expect(facts.askedPools).toEqual(['a', 'b']);
    await pass(120);
    expect([facts.askedKeyed.length, facts.askedPools]).toEqual([2, ['a', 'b', 'a']]);
  });

  it('asks for the answers of all pools at once, however many they are', async () => {
    const { facts, pass } = begin();
    facts.pools = Array.from({ length: 100 }, (_, index) => `p${index}`);
    await pass(idle);
    expect(facts.askedKeyed).toHaveLength(1);
  });

  it('goes on at once with answers to keyed requests too, when there are more than a batch', async () => {
    const { facts, pass } = begin();
    facts.keyed = 2 * batch;
    await pass(idle);
    await pass(4);
    await pass(4);
    expect(facts.askedKeyed).toHaveLength(3);
    expect(facts.keyed).toBe(0);
  });

  it('deletes no fact when they are kept for ever', async () => {
    const { facts, pass } = begin(Number.POSITIVE_INFINITY);
    await pass(idle);
    await pass(idle);
    expect(facts.asked).toEqual([]);
    expect(facts.askedKeyed).toHaveLength(2);
  });

  it('leaves alone a database that does not commit', async () => {
    const { facts, pass, house } = begin();
    house.isServing = false;
    await pass(idle);
    expect([facts.asked, facts.askedKeyed]).toEqual([[], []]);
    house.isServing = true;
    await pass(idle);
    expect(facts.asked).toHaveLength(1);
  });

  it('tells once for each time that the database falls silent, and tries again', async () => {
    const { facts, pass, told } = begin();
    facts.down = true;
    await pass(idle);
    await pass(idle);
    expect(facts.asked).toHaveLength(2);
    expect(told).toHaveLength(1);
    facts.down = false;
    await pass(idle);
    facts.down = true;
    await pass(idle);
    expect(told).toHaveLength(2);
  });

  it('begins no batch after its end, not even the second half of one, and says nothing of it', async () => {
    const { clock, facts, pass, told, housekeeping } = begin();
    facts.facts = 5 * batch;
    clock.advance(idle);
    await Promise.resolve();
    await Promise.resolve();
    housekeeping.end();
    await pass(10 * idle);
    expect([facts.asked.length, facts.askedKeyed.length]).toEqual([0, 1]);
    housekeeping.begin(facts, () => true);
    facts.down = true;
    clock.advance(idle);
    for (let turn = 0; facts.asked.length === 0 && turn < 100; turn++) await Promise.resolve();
    housekeeping.end();
    await pass(10 * idle);
    expect([facts.asked.length, told.length]).toEqual([1, 0]);
  });

  it('goes one way only, however often it is begun', async () => {
    const { facts, pass, housekeeping } = begin();
    housekeeping.begin(facts, () => true);
    await pass(idle);
    housekeeping.begin(facts, () => true);
    await pass(idle);
    expect(facts.asked).toHaveLength(2);
  });
});
