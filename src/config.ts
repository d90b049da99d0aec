/** The environment, checked: one frozen Config, or an error that names each variable that is wrong. */
import { z } from 'zod';
import { type DeclaredPool, declaredPools, type Permanent } from './declared/declared-pools.ts';
import { msMax, sizeMax } from './declared/options-schema.ts';
import { declaredAs, readPoolsFile } from './declared/pools-file.ts';

/** 30 days. */
const ttlMsMaxDefault = 2_592_000_000;

const count = (least: number, most: number) =>
  z
    .string()
    .refine(
      (text) => /^\d+$/.test(text) && Number(text) >= least && Number(text) <= most,
      // What is no number is compared with nothing.
      { error: `must be a whole number from ${least} to ${most}`, abort: true },
    )
    .transform(Number);

const unitsMs = { d: 86_400_000, h: 3_600_000, m: 60_000, s: 1000 };

/** How long, at least a minute, or `forever`: what is kept for less would be gone before anybody could look. */
const retention = z
  .string()
  .transform((text) => {
    const [, number, unit] = /^(\d+)([dhms])$/.exec(text) ?? [];
    if (text === 'forever') return Number.POSITIVE_INFINITY;
    return Number(number) * unitsMs[unit as keyof typeof unitsMs];
  })
  .refine((ms) => ms === Number.POSITIVE_INFINITY || (ms >= unitsMs.m && ms <= msMax), {
    error: 'must be forever, or a whole number with its unit, as 90d, 12h, 30m or 90s, from 1m to 36500d',
  });

const oneOf = <T extends string>(...values: [T, ...T[]]) =>
  z.enum(values, `must be one of ${values.join(', ')}`);

const postgresUrl = z
  .string()
  .refine((url) => /^postgres(ql)?:\/\//.test(url) && URL.canParse(url), 'must be a postgres:// URL');

const webSocketUrl = z
  .string()
  .refine((url) => /^wss?:\/\//.test(url) && URL.canParse(url), 'must be a ws:// URL');

const Environment = z
  .object({
    HOST: z.string().min(1).default('127.0.0.1'),
    PORT: count(0, 65_535).prefault('4000'),
    DATABASE_URL: postgresUrl.optional(),
    DATA_DIR: z.string().min(1).default('./data'),
    POOL_SIZE: count(1, sizeMax).prefault('100'),
    TTL_MS: count(1, msMax).prefault('120000'),
    TTL_MS_MAX: count(1, msMax).prefault(String(ttlMsMaxDefault)),
    POOLS_FILE: z.string().min(1).optional(),
    CLIENT_POOL_SIZE: count(1, sizeMax).prefault('10'),
    CLIENT_TTL_MS: count(1, msMax).prefault('60000'),
    CLIENT_IDLE_TTL_MS: count(1, msMax).prefault('300000'),
    LEASE_PROOF: oneOf('optional', 'required').default('optional'),
    CLOCK: oneOf('system', 'simulated').default('system'),
    LOG_LEVEL: oneOf('fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent').default('info'),
    MAX_CONNECTIONS: count(1, 1_000_000).prefault('20000'),
    REQUEST_TIMEOUT_MS: count(100, 600_000).prefault('10000'),
    COMMIT_TIMEOUT_MS: count(100, 600_000).prefault('5000'),
    SHUTDOWN_TIMEOUT_MS: count(100, 600_000).prefault('10000'),
    HEARTBEAT_TIMEOUT_MS: count(200, 600_000).prefault('1000'),
    EVENT_RETENTION: retention.prefault('forever'),
    IDEMPOTENCY_KEYS_MAX: count(1, 1_000_000_000).prefault('1000000'),
    TOKENS_MAX: count(1, 10_000_000).prefault('200000'),
    STATELY_INSPECTOR: webSocketUrl.optional(),
  })
  .refine((env) => env.TTL_MS <= env.TTL_MS_MAX, {
    path: ['TTL_MS'],
    error: ({ input }) => {
      const { TTL_MS, TTL_MS_MAX } = input as { TTL_MS: number; TTL_MS_MAX: number };
      return `must not exceed TTL_MS_MAX: ${TTL_MS} is more than ${TTL_MS_MAX}`;
    },
  });

export interface Config {
  readonly host: string;
  readonly port: number;
  readonly databaseUrl: string | undefined;
  readonly dataDir: string;
  /** The pools that there are in any case: the default one first, then that of the tokens for clients. */
  readonly pools: readonly [DeclaredPool, DeclaredPool, ...DeclaredPool[]];
  readonly proofRequired: boolean;
  /** Simulated time stands still until it is moved. */
  readonly clockKind: 'system' | 'simulated';
  readonly logLevel: string;
  readonly maxConnections: number;
  readonly requestTimeoutMs: number;
  readonly commitTimeoutMs: number;
  readonly shutdownTimeoutMs: number;
  readonly heartbeatTimeoutMs: number;
  /** How long a fact is kept; `Infinity` for ever. */
  readonly eventRetentionMs: number;
  readonly idempotencyKeysMax: number;
  /** How many tokens there may be in all pools together, unless more are declared by the environment alone. */
  readonly tokensMax: number;
  /** Where Stately's inspector listens; undefined: nobody is shown anything. */
  readonly statelyInspector: string | undefined;
}

/**
 * Throws with one line for each variable that is wrong. An empty variable counts as absent. `pools`: what else there is to
 * declare, instead of a file.
 */
export function readConfig(env: NodeJS.ProcessEnv, pools?: Record<string, object>): Config {
  const given = Object.fromEntries(Object.entries(env).filter(([, value]) => value !== ''));
  const result = Environment.safeParse(given);
  if (!result.success) {
    const lines = result.error.issues.map(({ path, message }) => {
      const name = String(path[0]);
      // A URL may hold a password.
      const shown = name !== 'DATABASE_URL' && given[name] !== undefined;
      const value = shown ? ` (it is ${JSON.stringify(given[name])})` : '';
      return `${name}: ${message}${value}`;
    });
    throw new Error(`the configuration is not valid\n  ${lines.join('\n  ')}`);
  }
  const valid = result.data;
  return Object.freeze({
    host: valid.HOST,
    port: valid.PORT,
    databaseUrl: valid.DATABASE_URL,
    dataDir: valid.DATA_DIR,
    pools: declaredBy(valid, pools),
    clockKind: valid.CLOCK,
    proofRequired: valid.LEASE_PROOF === 'required',
    logLevel: valid.LOG_LEVEL,
    maxConnections: valid.MAX_CONNECTIONS,
    requestTimeoutMs: valid.REQUEST_TIMEOUT_MS,
    commitTimeoutMs: valid.COMMIT_TIMEOUT_MS,
    shutdownTimeoutMs: valid.SHUTDOWN_TIMEOUT_MS,
    heartbeatTimeoutMs: valid.HEARTBEAT_TIMEOUT_MS,
    eventRetentionMs: valid.EVENT_RETENTION,
    idempotencyKeysMax: valid.IDEMPOTENCY_KEYS_MAX,
    tokensMax: valid.TOKENS_MAX,
    statelyInspector: valid.STATELY_INSPECTOR,
  });
}

export const clientPool = 'clients';

/** The two pools that there always are, as the environment has them; the file of pools can say otherwise, and add more. */
function declaredBy(
  env: z.output<typeof Environment>,
  given: Record<string, object> | undefined,
): Config['pools'] {
  const permanent: Permanent[] = [
    { name: 'default', standard: { size: env.POOL_SIZE, ttlMs: env.TTL_MS, ttlMsMax: env.TTL_MS_MAX } },
    {
      name: clientPool,
      standard: {
        size: env.CLIENT_POOL_SIZE,
        ttlMs: env.CLIENT_TTL_MS,
        ttlMsMax: Math.max(env.CLIENT_TTL_MS, env.TTL_MS_MAX),
      },
      otherwise: { membership: 'elastic', whenFull: 'reject', idleTtlMs: env.CLIENT_IDLE_TTL_MS },
      unfit: unfitForClients,
    },
  ];
  const { POOLS_FILE } = env;
  const declared = POOLS_FILE
    ? readPoolsFile(POOLS_FILE, permanent)
    : given
      ? declaredAs(given, permanent)
      : declaredPools({}, permanent);
  const tokens = declared.reduce((sum, { options }) => sum + options.size, 0);
  if ((POOLS_FILE || given) && tokens > env.TOKENS_MAX)
    throw new Error(
      `the pools declared have ${tokens} tokens together, and may have ${env.TOKENS_MAX}: declare fewer${POOLS_FILE ? ' (POOLS_FILE)' : ''}, or set TOKENS_MAX`,
    );
  return declared as [DeclaredPool, DeclaredPool, ...DeclaredPool[]];
}

/** What its five routes promise: tokens are generated and deleted one by one, and no client loses one to another. */
const unfitForClients: NonNullable<Permanent['unfit']> = ({ membership, whenFull, tokens }) => {
  const rules = [
    [membership === 'elastic', 'membership', 'must be elastic: clients generate and delete its tokens'],
    [whenFull !== 'evict', 'whenFull', 'must be reject or wait: no client loses its token to another'],
    [tokens === null, 'tokens', 'means nothing here: clients generate the tokens'],
  ] as const;
  return rules.filter(([holds]) => !holds).map(([, option, message]) => ({ option, message }));
};
