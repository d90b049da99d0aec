/** The clock that stands still until it is moved, and what leases make of it, however time is divided. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { completed } from '../src/declared/options-schema.ts';
import { SimulatedClock } from '../src/simulated-clock.ts';
import { createWorld, ok, start, thirtyDays, twoMinutes, type World } from './support/world.ts';

const timer = fc.record({ delay: fc.nat(50), cleared: fc.boolean(), more: fc.option(fc.nat(20)) });

describe('simulated time', () => {
  it('fires each timer at its own instant, in order, and none that has been cleared', () => {
    const property = fc.property(fc.array(timer, { maxLength: 30 }), fc.nat(60), (timers, end) => {
      const clock = new SimulatedClock(0);
      const fired: [at: number, name: string][] = [];
      const expected: [at: number, name: string][] = [];
      const ids = timers.map(({ delay, more }, index) =>
        clock.setTimeout(() => {
          fired.push([clock.now(), `${index}`]);
          if (more !== null) clock.setTimeout(() => fired.push([clock.now(), `${index}'`]), more);
        }, delay),
      );
      timers.forEach(({ delay, cleared, more }, index) => {
        if (cleared) clock.clearTimeout(ids[index]);
        if (cleared) return;
        if (delay <= end) expected.push([delay, `${index}`]);
        if (more !== null && delay + more <= end) expected.push([delay + more, `${index}'`]);
      });
      clock.advance(end);
      expect(clock.now()).toBe(end);
      const instants = fired.map(([at]) => at);
      expect(instants).toEqual(instants.toSorted((a, b) => a - b));
      expect(fired.toSorted()).toEqual(expected.toSorted());
      const firstOnes = fired.filter(([, name]) => !name.endsWith("'"));
      const inOrder = firstOnes.toSorted((a, b) => a[0] - b[0] || Number(a[1]) - Number(b[1]));
      expect(firstOnes).toEqual(inOrder);
    });
    fc.assert(property, { seed: 20260131 });
  });

  it('stands still until it is moved, and is moved by a log alone that is ahead of it', () => {
    const clock = new SimulatedClock(start);
    const fired: number[] = [];
    clock.setTimeout(() => fired.push(clock.now()), 100);
    clock.anchor(start + 5000, start - 5000);
    expect(clock.now()).toBe(start);
    clock.anchor(start + 5000, null);
    expect(clock.now()).toBe(start);
    clock.anchor(start, start + 1000);
    expect(clock.now()).toBe(start + 1000);
    clock.advance(99);
    expect(fired).toEqual([]);
    clock.advance(1);
    expect(fired).toEqual([start + 1100]);
  });

  it.each([
    [undefined, 0],
    [Number.NaN, 0],
    [-5, 0],
    [0.5, 1],
    [10.000001, 11],
  ])('goes by whole milliseconds, whatever it is told to wait for: %s', (delayMs, at) => {
    const clock = new SimulatedClock(start);
    const fired: number[] = [];
    clock.setTimeout(() => fired.push(clock.now()), delayMs as number);
    // In steps: an instant that is no number would be followed by no other.
    for (let steps = 0; clock.step(start + 100); steps++) expect(steps).toBeLessThan(5);
    expect(fired).toEqual([start + at]);
    expect(clock.now()).toBe(start + 100);
  });

  it('fires what is due now when it is moved by nothing', () => {
    const clock = new SimulatedClock(start);
    let fired = 0;
    clock.setTimeout(() => fired++, 0);
    expect(fired).toBe(0);
    clock.advance(0);
    expect(fired).toBe(1);
  });
});

const others = [
  {
    name: 'gpu',
    options: completed(
      { size: 2, whenFull: 'wait', coolDownMs: 300, ttlMs: 400 },
      { size: 2, ttlMs: 400, ttlMsMax: twoMinutes },
    ),
  },
];
const createPair = () => createWorld({ size: 4, others });

const life = fc.record({
  ttls: fc.array(fc.integer({ min: 1, max: 2000 }), { maxLength: 6 }),
  waits: fc.array(fc.integer({ min: 1, max: 2000 }), { maxLength: 4 }),
  whole: fc.nat(3000),
  first: fc.nat(3000),
});

const move = async ({ service }: World, ms: number) => ok(await service.moving.advance(ms));

/** What happened, whichever tokens it was about. */
const told = ({ facts }: World, after: number) =>
  facts.slice(after).map(({ pool, seq, type, reason, userId, at, expiresAt }) => ({
    ...{ pool, seq, type, reason, userId, expiresAt },
    at: at - start,
  }));

describe('leases in simulated time', () => {
  it('come to the same however it is divided', { timeout: 120_000 }, async () => {
    const [one, other] = [await createPair(), await createPair()];
    let users = 0;
    const property = fc.asyncProperty(life, async ({ ttls, waits, whole, first }) => {
      const after = one.facts.length;
      for (const world of [one, other]) {
        const [home, gpu] = [ok(world.service.pool()), ok(world.service.pool('gpu'))];
        ttls.forEach((ttlMs, index) => void home.allocate({ userId: `user ${users + index}`, ttlMs }));
        waits.forEach((waitMs, index) => void gpu.allocate({ userId: `waiter ${users + index}`, waitMs }));
      }
      users += 10;
      const part = Math.min(first, whole);
      const parts = [await move(one, part), await move(one, whole - part)];
      const atOnce = await move(other, whole);
      expect(told(one, after)).toEqual(told(other, after));
      expect(parts[1]).toEqual({ ...atOnce, facts: atOnce.facts - parts[0]!.facts });
    });
    await fc.assert(property, { seed: 20260131, numRuns: 40 });
    expect(one.facts.map(({ reason }) => reason)).toContain('allocated_after_waiting');
    expect([one.swept, other.swept]).toEqual([0, 0]);
  });

  it('can be of ten thousand, and of thirty days, without a second look at each', {
    timeout: 120_000,
  }, async () => {
    const world = await createWorld({ size: 10_000, sweepTimers: { setTimeout, clearTimeout } as never });
    const pool = ok(world.service.pool());
    const granted = Array.from({ length: 10_000 }, (_, index) =>
      pool.allocate({ ttlMs: thirtyDays - index * 250_000 }),
    );
    await Promise.all(granted);
    const moved = await move(world, thirtyDays);
    expect(moved).toEqual({ now: start + thirtyDays, nextDeadline: null, facts: 10_000 });
    expect(world.facts.slice(-10_000).every(({ at, expiresAt }) => at === expiresAt)).toBe(true);
  });
});
