/** The options of a pool as people write them: over REST, and in the file of pools. Snake case, times in milliseconds. */
import { z } from 'zod';
import {
  evictions,
  memberships,
  type OptionName,
  optionDefaults,
  type PoolOptions,
  whenFullChoices,
} from '../lease/pool-options.ts';

/** A hundred years: the deadline is still an instant that JavaScript and Postgres both know. */
export const msMax = 3_153_600_000_000;
export const sizeMax = 1_000_000;
/** Of tokens that are listed one by one. */
const listedMax = 10_000;

const whole = (least: number, most: number) => {
  const message = `must be a whole number from ${least} to ${most}`;
  return z.int(message).min(least, message).max(most, message);
};
const oneOf = <T extends string>(values: readonly [T, ...T[]]) =>
  z.enum(values, `must be one of ${values.join(', ')}`);

/** Postgres stores neither NUL nor half a surrogate pair. */
const text = (most: number) =>
  z
    .string('must be text')
    .min(1, 'must not be empty')
    .max(most, `must be at most ${most} characters`)
    .refine(
      (value) => !value.includes('\u0000') && value.isWellFormed(),
      'must be well-formed text without NUL',
    );

export const poolName = z
  .string('must be text')
  .regex(
    /^[a-z0-9]([a-z0-9._-]{0,61}[a-z0-9])?$/,
    'must be 1 to 63 of a-z, 0-9, dot, dash and underscore, no sign at an end',
  )
  .meta({ description: 'The name of the pool' });

const noProto = (name: string): boolean => name !== '__proto__';
export const labels = z
  .record(text(63).refine(noProto, 'is no name for a label'), text(200), 'must be an object of texts')
  .refine((all) => Object.keys(all).length <= 16, 'must be at most 16 labels')
  .meta({ description: 'What the token is like, as `{"os": "android"}`' });

const noObject = (message: string) => ({
  error: ({ code }: { code?: string | undefined }) => (code === 'invalid_type' ? message : undefined),
});

const token = z.strictObject(
  {
    name: text(200).nullable().default(null).meta({ description: 'No other token of the pool has the same' }),
    labels: labels.prefault({}),
  },
  noObject('must be an object with name, labels or both'),
);

/** Every option; which ones may be left out is a matter of where it is written. */
const optionShape = {
  membership: oneOf(memberships).meta({
    description: '`fixed`: always `size` tokens. `elastic`: they come and go one by one, up to `size`',
  }),
  size: whole(1, sizeMax).meta({ description: 'How many tokens; of an elastic pool, at most' }),
  tokens: z
    .array(token, 'must be a list')
    .min(1, 'must not be empty')
    .max(listedMax, `must be at most ${listedMax} tokens`)
    .nullable()
    .meta({
      description: 'The tokens of a fixed pool one by one, with names or labels; without, they are all alike',
    }),
  ttl_ms: whole(1, msMax).meta({ description: 'TTL where a caller names none' }),
  ttl_ms_max: whole(1, msMax).meta({ description: 'The longest TTL a caller may name' }),
  when_full: oneOf(whenFullChoices).meta({
    description: 'No token is free: take one from its holder, refuse, or let the newcomer wait in line',
  }),
  eviction: oneOf(evictions).meta({
    description:
      'Whose lease ends for a newcomer: `lru`, allocating and renewing count as use; `oldest`, only allocating does',
  }),
  min_hold_ms: whole(0, msMax).meta({
    description: 'How long a lease is safe from eviction after its grant',
  }),
  max_lifetime_ms: whole(1, msMax).nullable().meta({
    description:
      'How long after its grant a lease can be renewed to last; the grant itself can be for longer, up to `ttl_ms_max`; null: no limit',
  }),
  max_per_user: whole(1, sizeMax)
    .nullable()
    .meta({ description: 'How many tokens one user may hold; null: no limit' }),
  cool_down_ms: whole(0, msMax).meta({
    description: 'How long a token rests after a lease that did not end by release',
  }),
  idle_ttl_ms: whole(1, msMax).nullable().meta({
    description:
      'How long a free token of an elastic pool is kept; null: for ever. A change holds for tokens that come free afterwards',
  }),
  wait_ms: whole(1, 86_400_000).meta({
    description: 'How long a newcomer waits in line who sends no `wait_ms`',
  }),
  queue_max: whole(1, 1_000_000).meta({ description: 'How many wait in line at most' }),
} satisfies Record<Snake<OptionName>, z.ZodType>;

/** Any of the options. */
export const optionsPart = z
  .strictObject(optionShape, noObject('must be an object of options; {} chooses none'))
  .partial();
export const optionsWhole = z.strictObject(optionShape);

export type WrittenOptions = z.output<typeof optionsPart>;

type Snake<S extends string> = S extends `${infer First}${infer Rest}`
  ? `${First extends Lowercase<First> ? First : `_${Lowercase<First>}`}${Snake<Rest>}`
  : S;

/** How an option is written. */
export const written = (option: string): string =>
  option.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
const unwritten = (name: string): string =>
  name.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());

export const optionsIn = (options: WrittenOptions): Partial<PoolOptions> =>
  Object.fromEntries(
    Object.entries(options).map(([name, value]) => [unwritten(name), value]),
  ) as Partial<PoolOptions>;

export const optionsOut = ({ declaration: _, ...options }: PoolOptions): z.output<typeof optionsWhole> =>
  Object.fromEntries(Object.entries(options).map(([name, value]) => [written(name), value])) as z.output<
    typeof optionsWhole
  >;

/** What is as elsewhere in a pool that says nothing of it. */
export type Standard = Pick<PoolOptions, 'size' | 'ttlMs' | 'ttlMsMax'>;

/** All options of a new pool, where some are chosen. `otherwise`: what its other defaults are, where they are its own. */
export function completed(
  chosen: Partial<PoolOptions>,
  standard: Standard,
  otherwise: Partial<PoolOptions> = {},
): PoolOptions {
  const tokens = chosen.tokens ?? null;
  const size = chosen.size ?? tokens?.length ?? standard.size;
  const ttlMsMax = chosen.ttlMsMax ?? Math.max(standard.ttlMsMax, chosen.ttlMs ?? 0);
  const ttlMs = chosen.ttlMs ?? Math.min(standard.ttlMs, ttlMsMax, chosen.maxLifetimeMs ?? ttlMsMax);
  return { ...optionDefaults, ...otherwise, ...chosen, tokens, size, ttlMs, ttlMsMax };
}
