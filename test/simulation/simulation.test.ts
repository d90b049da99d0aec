/** The whole service under simulated crashes, pauses, lost answers and clocks: many seeds, one of them new each time. */
import { randomInt } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bugs } from './bugs.ts';
import { run } from './campaign.ts';
import { makePlan } from './plan.ts';
import { openRealRows } from './real-rows.ts';
import { countTurns } from './settled.ts';
import { simulate } from './simulation.ts';

const steps = 300;
const minutes = 60_000;
const freshSeed = randomInt(2 ** 31);

/** Says what was broken, how to see why, and how to repeat it. */
async function expectPromisesKept(seed: number, seeds: number, isReal = false): Promise<void> {
  const { failure, ...outcome } = await run({ seed, seeds, steps: isReal ? 150 : steps, isReal });
  expect(failure?.report).toBeUndefined();
  expect(outcome.steps).toBe(seeds * (isReal ? 150 : steps));
}

describe('a simulated service', () => {
  // 204,000 steps, in blocks that say by their time how fast the machine is.
  it.each([1, 171, 341, 511])(
    'keeps every promise, from seed %i on [I1–I15][I17]',
    async (seed) => expectPromisesKept(seed, 170),
    5 * minutes,
  );

  it(`keeps every promise, from seed ${freshSeed} on, which nobody has tried before`, async () => {
    process.stdout.write(`simulates from seed ${freshSeed}\n`);
    await expectPromisesKept(freshSeed, 40);
  });

  it('does the same each time for the same seed', async () => {
    const stopCounting = countTurns();
    const plan = makePlan({ seed: 4711, steps, isTraced: true });
    const [first, second] = [await simulate(plan), await simulate(plan)];
    stopCounting();
    expect(first.trace.length).toBeGreaterThan(steps);
    expect(second.trace).toEqual(first.trace);
  });
});

describe('a planted bug', () => {
  it.each(bugs)('has its place in the source: $name', ({ edits }) => {
    for (const { file, from } of edits) {
      const source = readFileSync(join(import.meta.dirname, '../../src', file), 'utf8');
      expect(source.split(from)).toHaveLength(2);
    }
  });
});

describe('a simulated service on a real PGlite', () => {
  let close: () => Promise<void>;
  beforeAll(async () => {
    close = await openRealRows();
  });
  afterAll(() => close());

  it('keeps every promise [I1–I15][I17]', async () => {
    await expectPromisesKept(1, 4, true);
  });

  it('does what it does on rows in memory', async () => {
    const stopCounting = countTurns();
    const options = { seed: 12, steps: 100, isTraced: true };
    const inMemory = await simulate(makePlan(options));
    const real = await simulate(makePlan({ ...options, isReal: true }));
    stopCounting();
    expect(real.trace).toEqual(inMemory.trace);
  });
});
