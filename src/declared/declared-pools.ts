/** The pools that a service is started with: those that there always are, with their own defaults, and what is chosen for each. */
import type { Contradiction, PoolOptions } from '../lease/pool-options.ts';
import { completed, optionsIn, type Standard, type WrittenOptions } from './options-schema.ts';

export interface Declared {
  name: string;
  options: PoolOptions;
  /** What it cannot be like, now or later, though another pool could. */
  unfit?(options: PoolOptions): Contradiction[];
}

/** A pool that the service is not without. */
export interface Permanent extends Pick<Declared, 'name' | 'unfit'> {
  /** What it is like where nothing is chosen for it. */
  standard: Standard;
  otherwise?: Partial<PoolOptions>;
}

/** The permanent ones first. The others are as the first of all, the default pool, in what is standard. */
export function declaredPools(
  chosen: Record<string, WrittenOptions>,
  permanent: readonly Permanent[],
): Declared[] {
  const always = permanent.map(({ standard, otherwise, ...pool }) => ({
    ...pool,
    options: completed(optionsIn(chosen[pool.name] ?? {}), standard, otherwise),
  }));
  const { size, ttlMs, ttlMsMax } = always[0]!.options;
  const others = Object.entries(chosen).filter(([name]) => permanent.every((each) => each.name !== name));
  return [
    ...always,
    ...others.map(([name, options]) => ({
      name,
      options: completed(optionsIn(options), { size, ttlMs, ttlMsMax }),
    })),
  ];
}
