/** What can be chosen for a pool, and which choices contradict each other. Plain data; times in milliseconds. */
import { canonical } from './canonical.ts';
import type { Labels } from './lease.ts';

export const whenFullChoices = ['evict', 'reject', 'wait'] as const;
export const evictions = ['lru', 'oldest'] as const;
export const memberships = ['fixed', 'elastic'] as const;

/** A token that is given by its name, or by what it is like. */
export interface TokenSpec {
  name: string | null;
  labels: Labels;
}

/** The same for tokens that can take each other's place: of the same name and the same labels. */
export const likeness = ({ name, labels }: { name: string | null; labels: Labels }): string =>
  canonical({ name, labels: { ...labels } });

export interface PoolOptions {
  /** `fixed`: as many tokens as `size`, always. `elastic`: they come and go one by one, up to `size`. */
  membership: (typeof memberships)[number];
  size: number;
  /** The tokens of a fixed pool one by one, `size` of them; null: they are all alike. */
  tokens: readonly TokenSpec[] | null;
  /** TTL where a caller names none. */
  ttlMs: number;
  /** The longest that a caller may name. */
  ttlMsMax: number;
  /** What a newcomer gets when no token is free: another's, a refusal, or a place in line. */
  whenFull: (typeof whenFullChoices)[number];
  /** Whose lease ends for a newcomer: `lru`, the least recently allocated or renewed one; `oldest`, only allocating counts. */
  eviction: (typeof evictions)[number];
  /** How long a lease is safe from eviction after its grant. */
  minHoldMs: number;
  /** Renewing moves no deadline beyond this time after the grant, which itself can be for longer; null: it may go on for ever. */
  maxLifetimeMs: number | null;
  /** How many tokens one user may hold; null: any number. */
  maxPerUser: number | null;
  /** How long a token rests after a lease that did not end by release. */
  coolDownMs: number;
  /** How long a free token of an elastic pool is kept, once it has come free; null: for ever. */
  idleTtlMs: number | null;
  /** How long a newcomer waits in line who names no time. */
  waitMs: number;
  /** How many wait in line at most. */
  queueMax: number;
  /** Digest of the declaration that was applied last; null: none was. */
  declaration: string | null;
}

/** Those that people choose. */
export type OptionName = Exclude<keyof PoolOptions, 'declaration'>;

export const optionDefaults: Omit<PoolOptions, 'size' | 'ttlMs' | 'ttlMsMax'> = {
  membership: 'fixed',
  tokens: null,
  whenFull: 'evict',
  eviction: 'lru',
  minHoldMs: 0,
  maxLifetimeMs: null,
  maxPerUser: null,
  coolDownMs: 0,
  idleTtlMs: null,
  waitMs: 30_000,
  queueMax: 10_000,
  declaration: null,
};

/** What is wrong with an option. */
export interface Contradiction {
  option: OptionName;
  message: string;
}

/** A pool as it is to be. */
export interface DeclaredPool {
  name: string;
  options: PoolOptions;
  /** What it cannot be like, now or later, though another pool could. */
  unfit?(options: PoolOptions): Contradiction[];
}

/** Which option contradicts another, and how. */
export function contradictions(options: PoolOptions): Contradiction[] {
  const { ttlMs, ttlMsMax, whenFull, tokens, size, membership, maxLifetimeMs } = options;
  const found: Contradiction[] = [];
  const must = (holds: boolean, option: OptionName, message: string) => {
    if (!holds) found.push({ option, message });
  };
  const evicts = whenFull === 'evict';
  must(ttlMs <= ttlMsMax, 'ttlMs', `must not exceed the longest TTL, ${ttlMsMax}`);
  must(
    maxLifetimeMs === null || maxLifetimeMs >= ttlMs,
    'maxLifetimeMs',
    `must not be below the TTL, ${ttlMs}`,
  );
  must(evicts || options.eviction === 'lru', 'eviction', `means nothing where when_full is ${whenFull}`);
  must(evicts || options.minHoldMs === 0, 'minHoldMs', `means nothing where when_full is ${whenFull}`);
  must(
    !evicts || options.coolDownMs === 0,
    'coolDownMs',
    'a token that is evicted cannot rest: choose when_full reject or wait',
  );
  must(
    options.idleTtlMs === null || membership === 'elastic',
    'idleTtlMs',
    'the tokens of a fixed pool stay: choose membership elastic',
  );
  must(
    tokens === null || membership === 'fixed',
    'tokens',
    'an elastic pool begins without tokens: choose membership fixed',
  );
  must(tokens === null || tokens.length === size, 'size', `there are ${tokens?.length} tokens by name`);
  const names = tokens?.flatMap(({ name }) => name ?? []) ?? [];
  const twice = names.find((name, index) => names.indexOf(name) < index);
  must(twice === undefined, 'tokens', `the name ${JSON.stringify(twice)} is there twice`);
  return found;
}
