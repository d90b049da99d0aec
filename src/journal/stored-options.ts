/** The options of a pool as the log and the table `pools` have them: JSON in snake_case, every one of them. */
import type { Json, Labels } from '../lease/lease.ts';
import type { PoolOptions } from '../lease/pool-options.ts';

const columns: Record<keyof PoolOptions, string> = {
  membership: 'membership',
  size: 'size',
  tokens: 'tokens',
  ttlMs: 'ttl_ms',
  ttlMsMax: 'ttl_ms_max',
  whenFull: 'when_full',
  eviction: 'eviction',
  minHoldMs: 'min_hold_ms',
  maxLifetimeMs: 'max_lifetime_ms',
  maxPerUser: 'max_per_user',
  coolDownMs: 'cool_down_ms',
  idleTtlMs: 'idle_ttl_ms',
  waitMs: 'wait_ms',
  queueMax: 'queue_max',
  declaration: 'declaration',
};
const names = Object.keys(columns) as (keyof PoolOptions)[];

export function storedOptions(options: PoolOptions): Json {
  const stored: Record<string, Json> = {};
  for (const name of names) if (name !== 'tokens') stored[columns[name]] = options[name];
  stored.tokens = options.tokens?.map(({ name, labels }) => ({ name, labels: { ...labels } })) ?? null;
  return stored;
}

/** null where it holds none. Whoever edits them by hand is found out by what has to be the same. */
export function readOptions(stored: Json): PoolOptions | null {
  if (stored === null || typeof stored !== 'object' || Array.isArray(stored)) return null;
  const options: Record<string, Json | Labels> = {};
  for (const name of names) options[name] = stored[columns[name]] ?? null;
  return options as unknown as PoolOptions;
}

/** With how many tokens a pool of these options is made. */
export const tokensAtFirst = ({ membership, size }: PoolOptions): number =>
  membership === 'fixed' ? size : 0;
