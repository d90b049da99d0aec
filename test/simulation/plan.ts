/** What a simulation is made of, all of it drawn from its seed: the pools, their times, and the steps. */
import type { PoolOptions } from '../../src/lease/pool-options.ts';
import { drawElastic, drawOptions, plainOptions } from './options.ts';
import { Random } from './random.ts';
import { generateSteps, type Step } from './steps.ts';

export interface Plan {
  seed: number;
  /** Of the default pool, and of another one that can be made. */
  options: PoolOptions;
  otherOptions: PoolOptions;
  proofRequired: boolean;
  commitTimeoutMs: number;
  patienceMs: number;
  /** Whether the rows are kept by a real PGlite. */
  isReal: boolean;
  /** Whether all that happens is written down, which takes its time. */
  isTraced: boolean;
  steps: readonly Step[];
}

export interface PlanOptions {
  seed: number;
  steps: number;
  size?: number | undefined;
  isReal?: boolean | undefined;
  isTraced?: boolean | undefined;
}

export function makePlan(asked: PlanOptions): Plan {
  const { seed, isReal = false, isTraced = false } = asked;
  const random = new Random(seed);
  const drawnSize = 2 + random.below(5);
  const size = asked.size ?? drawnSize;
  const proofRequired = random.chance(0.2);
  const ttlMs = random.pick([500, 5000, 120_000]);
  const isPlain = random.chance(0.3);
  const options = isPlain ? plainOptions(size, ttlMs) : drawOptions(random, size, ttlMs);
  return {
    ...{ seed, proofRequired, options, isReal, isTraced },
    otherOptions: drawElastic(random, ttlMs),
    commitTimeoutMs: random.pick([300, 1000]),
    patienceMs: random.pick([300, 1000, 3000]),
    steps: generateSteps(random, asked.steps, { isPlain, options }),
  };
}
