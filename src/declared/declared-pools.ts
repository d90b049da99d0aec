/** The pools that a service is started with: those that there always are, with their own defaults, and what is chosen for each. */
import type { DeclaredPool, PoolOptions } from '../lease/pool-options.ts';
import { completed, optionsIn, type Standard, type WrittenOptions } from './options-schema.ts';

export type { DeclaredPool };

/** A pool that the service is not without. */
export interface Permanent extends Pick<DeclaredPool, 'name' | 'unfit'> {
  /** What it is like where nothing is chosen for it. */
  standard: Standard;
  otherwise?: Partial<PoolOptions>;
}

/** The permanent ones first. The others are as the first of all, the default pool, in what is standard. */
export function declaredPools(
  chosen: Record<string, WrittenOptions>,
  permanent: readonly Permanent[],
): DeclaredPool[] {
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
