/** Makes a failure short: takes steps away as long as the same promise is still broken (delta debugging). */
import type { Plan } from './plan.ts';
import { type Result, simulate } from './simulation.ts';
import type { Step } from './steps.ts';

export interface Shrunk {
  plan: Plan;
  result: Result;
}

/** `broken` is what `plan` led to. At most so many simulations are tried. */
export async function shrink(plan: Plan, broken: Result, triesMax = 600): Promise<Shrunk> {
  let best: Shrunk = { plan: { ...plan, steps: plan.steps.slice(0, broken.steps) }, result: broken };
  let tries = 0;
  const attempt = async (steps: readonly Step[]): Promise<boolean> => {
    tries++;
    const shorter = { ...plan, steps };
    const result = await simulate(shorter);
    if (result.broken?.invariant !== broken.broken?.invariant) return false;
    best = { plan: { ...shorter, steps: steps.slice(0, result.steps) }, result };
    return true;
  };
  for (let length = Math.ceil(best.plan.steps.length / 2); length >= 1; length = Math.floor(length / 2)) {
    let shortened = true;
    // Single steps are tried again as long as one of them can go: it may have been there for another one's sake.
    while (shortened && tries < triesMax) {
      shortened = false;
      for (let from = 0; from < best.plan.steps.length && tries < triesMax; ) {
        const { steps } = best.plan;
        const gone = await attempt([...steps.slice(0, from), ...steps.slice(from + length)]);
        if (gone) shortened = length === 1;
        else from += length;
      }
    }
  }
  const traced = { ...best.plan, isTraced: true };
  return { plan: traced, result: await simulate(traced) };
}
