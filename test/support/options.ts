/** The options of pools for tests: those of the default pool, but for what is said. */
import { completed } from '../../src/declared/options-schema.ts';
import type { PoolOptions } from '../../src/lease/pool-options.ts';

export const optionsOf = (chosen: Partial<PoolOptions> = {}): PoolOptions =>
  completed(chosen, { size: 100, ttlMs: 120_000, ttlMsMax: 2_592_000_000 });
