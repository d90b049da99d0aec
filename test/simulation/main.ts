/**
 * `npm run simulate`: many seeds, or the one of a failure again.
 *
 *     --seed N     the first seed (1)           --size N     tokens of the pool (2 to 6, by the seed)
 *     --seeds K    how many seeds (100, or 1 where --seed is given)
 *     --steps M    steps of each seed (300)     --pglite     with rows in a real PGlite: slow
 *     --mutations  instead: plants bugs in copies of the source, and shows that each is found; --only TEXT those
 *                  with the text in their names
 */
import { parseArgs } from 'node:util';
import { type Outcome, run } from './campaign.ts';
import { findMutations } from './mutations.ts';
import { openRealRows } from './real-rows.ts';

const { values } = parseArgs({
  options: {
    seed: { type: 'string' },
    seeds: { type: 'string' },
    steps: { type: 'string', default: '300' },
    size: { type: 'string' },
    pglite: { type: 'boolean', default: false },
    mutations: { type: 'boolean', default: false },
    only: { type: 'string' },
    json: { type: 'boolean', default: false },
  },
});

async function main(): Promise<boolean> {
  if (values.mutations) return findMutations(say, values.only);
  const close = values.pglite ? await openRealRows() : async () => {};
  const seeds = Number(values.seeds ?? (values.seed === undefined ? 100 : 1));
  const startedAt = performance.now();
  const outcome = await run(
    {
      seed: Number(values.seed ?? 1),
      seeds,
      steps: Number(values.steps),
      size: values.size === undefined ? undefined : Number(values.size),
      isReal: values.pglite,
    },
    !values.json,
  );
  const seconds = (performance.now() - startedAt) / 1000;
  await close();
  say(values.json ? JSON.stringify(outcome) : summary(outcome, seeds, seconds));
  return outcome.failure === null;
}

function summary({ steps, failure }: Outcome, seeds: number, seconds: number): string {
  const pace = `${steps} steps in ${seconds.toFixed(1)} s, ${Math.round(steps / seconds)} a second`;
  return failure === null
    ? `${seeds} seeds: every promise was kept (${pace})`
    : `${failure.report}\n(${pace})`;
}

function say(what: string): void {
  process.stdout.write(`${what}\n`);
}

process.exit((await main()) ? 0 : 1);
