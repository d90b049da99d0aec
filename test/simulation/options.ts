/** Pools as they can be: options drawn by chance, of which none contradicts another. */
import { optionDefaults, type PoolOptions, type TokenSpec } from '../../src/lease/pool-options.ts';
import type { Random } from './random.ts';

const day = 24 * 3_600_000;

export const plainOptions = (size: number, ttlMs: number): PoolOptions => ({
  ...optionDefaults,
  ...{ size, ttlMs, ttlMsMax: 30 * day },
});

/** Of a fixed pool. */
export function drawOptions(random: Random, size: number, ttlMs: number): PoolOptions {
  const whenFull = random.pick(['evict', 'evict', 'reject', 'wait', 'wait'] as const);
  const evicts = whenFull === 'evict';
  return {
    ...plainOptions(size, ttlMs),
    tokens: random.chance(0.35) ? Array.from({ length: size }, (_, place) => spec(random, place)) : null,
    whenFull,
    eviction: evicts ? random.pick(['lru', 'oldest'] as const) : 'lru',
    minHoldMs: evicts ? random.pick([0, 0, 50, 1000]) : 0,
    coolDownMs: evicts ? 0 : random.pick([0, 20, 500, 5000]),
    ...drawLimits(random, ttlMs),
  };
}

/** Of a pool whose tokens come and go. */
export function drawElastic(random: Random, ttlMs: number): PoolOptions {
  const whenFull = random.pick(['evict', 'reject', 'wait'] as const);
  return {
    ...plainOptions(random.pick([2, 3, 5]), ttlMs),
    membership: 'elastic',
    idleTtlMs: random.pick([null, 200, 2000, 30_000]),
    whenFull,
    coolDownMs: whenFull === 'evict' ? 0 : random.pick([0, 50, 1000]),
    ...drawLimits(random, ttlMs),
  };
}

const drawLimits = (random: Random, ttlMs: number) => ({
  maxLifetimeMs: random.pick([null, null, null, ttlMs, 3 * ttlMs]),
  maxPerUser: random.pick([null, null, null, 1, 2]),
  waitMs: random.pick([200, 2000, 30_000]),
  queueMax: random.pick([2, 10_000, 10_000]),
});

const spec = (random: Random, place: number): TokenSpec => ({
  name: random.chance(0.5) ? `token ${place}` : null,
  labels: random.pick([{}, { os: 'a' }, { os: 'a' }, { os: 'b' }]),
});

/** Some of them contradict the options that they change; then they are refused. `fixed`: what a fixed pool was made with. */
export function drawChanges(random: Random, fixed: PoolOptions | null): Partial<PoolOptions> {
  const sizes = [1, 2, 3, 4, 6];
  const choices: Partial<PoolOptions>[] = [
    { whenFull: 'wait', eviction: 'lru', minHoldMs: 0 },
    { whenFull: 'evict', coolDownMs: 0 },
    { whenFull: 'reject', eviction: 'lru', minHoldMs: 0, coolDownMs: random.pick([0, 100]) },
    { coolDownMs: random.pick([0, 100, 2000]) },
    { eviction: random.pick(['lru', 'oldest'] as const) },
    { maxPerUser: random.pick([null, 1, 2]) },
    { maxLifetimeMs: random.pick([null, 200_000]) },
    { queueMax: random.pick([1, 10_000]) },
    ...(fixed ? [{ minHoldMs: random.pick([0, 300]) }] : [{ idleTtlMs: random.pick([null, 100, 5000]) }]),
  ];
  if (random.chance(0.6)) return random.pick(choices);
  if (!fixed?.tokens) return { size: random.pick(sizes) };
  const tokens = fixed.tokens.filter(() => random.chance(0.8));
  const more = Array.from({ length: random.below(2) }, () => spec(random, 99));
  return tokens.length + more.length > 0 ? { tokens: [...tokens, ...more] } : { maxPerUser: null };
}
