/** Runs one seed after the other, until a promise is broken; then says all that is needed to see why. */
import { makePlan, type PlanOptions } from './plan.ts';
import { countTurns, settled } from './settled.ts';
import { shrink } from './shrink.ts';
import { simulate } from './simulation.ts';

export interface Campaign extends PlanOptions {
  /** How many seeds, from `seed` on. */
  seeds: number;
}

export interface Outcome {
  steps: number;
  /** null: every promise was kept. */
  failure: Failure | null;
}

export interface Failure {
  seed: number;
  invariant: string;
  /** Steps taken until it showed. */
  steps: number;
  /** For people: what was broken, the least that leads to it, and how to repeat it. */
  report: string;
}

export async function run({ seeds, ...options }: Campaign, shrinks = true): Promise<Outcome> {
  const stopCounting = countTurns();
  let steps = 0;
  try {
    for (let seed = options.seed; seed < options.seed + seeds; seed++) {
      const plan = makePlan({ ...options, seed });
      const result = await simulate(plan);
      steps += result.steps;
      if (result.broken === null) continue;
      const { invariant, message } = result.broken;
      const report = shrinks ? await reportOf({ ...options, seed }) : message;
      return { steps, failure: { seed, invariant, steps: result.steps, report } };
    }
    return { steps, failure: null };
  } finally {
    await settled();
    stopCounting();
  }
}

async function reportOf(options: PlanOptions): Promise<string> {
  const plan = makePlan(options);
  const { plan: shorter, result } = await shrink(plan, await simulate(plan));
  const { seed, options: pool, otherOptions, proofRequired, commitTimeoutMs, patienceMs } = shorter;
  const times = `commits ${commitTimeoutMs} ms, patience ${patienceMs} ms`;
  return [
    `${result.broken?.message}`,
    '',
    `seed ${seed}: ${times}${proofRequired ? ', proof required' : ''}`,
    `the default pool: ${JSON.stringify(pool)}`,
    `the other one: ${JSON.stringify(otherOptions)}`,
    `${shorter.steps.length} of ${plan.steps.length} steps lead to it:`,
    ...shorter.steps.map((step) => `  ${JSON.stringify(step)}`),
    '',
    'what happens, in milliseconds:',
    ...result.trace.map((line) => `  ${line}`),
    '',
    `again: npm run simulate -- ${flagsOf(options)}`,
  ].join('\n');
}

function flagsOf({ seed, steps, size, isReal }: PlanOptions): string {
  const flags = [`--seed ${seed}`, `--steps ${steps}`];
  if (size !== undefined) flags.push(`--size ${size}`);
  if (isReal) flags.push('--pglite');
  return flags.join(' ');
}
