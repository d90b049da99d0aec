/** What a simulation is made of, all of it drawn from its seed: the pool, its times, and the steps. */
import { Random } from './random.ts';
import { generateSteps, type Step } from './steps.ts';

export interface Plan {
  seed: number;
  size: number;
  proofRequired: boolean;
  ttlMs: number;
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

export function makePlan({ seed, steps, size, isReal = false, isTraced = false }: PlanOptions): Plan {
  const random = new Random(seed);
  const drawnSize = 2 + random.below(5);
  return {
    seed,
    size: size ?? drawnSize,
    proofRequired: random.chance(0.2),
    ttlMs: random.pick([500, 5000, 120_000]),
    commitTimeoutMs: random.pick([300, 1000]),
    patienceMs: random.pick([300, 1000, 3000]),
    isReal,
    isTraced,
    steps: generateSteps(random, steps),
  };
}
