/** The options of a pool as the log and the table `pools` have them: JSON in snake_case, every one of them. */
import type { Json } from '../lease/lease.ts';
import { evictions, memberships, type PoolOptions, whenFullChoices } from '../lease/pool-options.ts';

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

/** null where it holds none, or what was never written: somebody has edited it by hand. */
export function readOptions(stored: Json): PoolOptions | null {
  if (!isObject(stored)) return null;
  const options: Record<string, Json> = {};
  for (const name of names) {
    const value = stored[columns[name]] ?? null;
    if (!fits[name](value)) return null;
    options[name] = value;
  }
  return options as unknown as PoolOptions;
}

const isObject = (value: Json | undefined): value is Record<string, Json> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const isText = (value: Json | undefined): boolean => typeof value === 'string';
const isCount = (value: Json): boolean =>
  typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
const isOneOf =
  (choices: readonly string[]) =>
  (value: Json): boolean =>
    typeof value === 'string' && choices.includes(value);
const orNull =
  (isFit: (value: Json) => boolean) =>
  (value: Json): boolean =>
    value === null || isFit(value);
const isToken = (value: Json): boolean =>
  isObject(value) &&
  (value.name === null || isText(value.name)) &&
  isObject(value.labels) &&
  Object.values(value.labels).every(isText);

/** What each of them can be. */
const fits: Record<keyof PoolOptions, (value: Json) => boolean> = {
  membership: isOneOf(memberships),
  size: isCount,
  tokens: orNull((value) => Array.isArray(value) && value.every(isToken)),
  ttlMs: isCount,
  ttlMsMax: isCount,
  whenFull: isOneOf(whenFullChoices),
  eviction: isOneOf(evictions),
  minHoldMs: isCount,
  maxLifetimeMs: orNull(isCount),
  maxPerUser: orNull(isCount),
  coolDownMs: isCount,
  idleTtlMs: orNull(isCount),
  waitMs: isCount,
  queueMax: isCount,
  declaration: orNull(isText),
};

/** With how many tokens a pool of these options is made. */
export const tokensAtFirst = ({ membership, size }: PoolOptions): number =>
  membership === 'fixed' ? size : 0;
