import { describe, expect, it } from 'vitest';
import { type Config, readConfig } from '../src/config.ts';
import { optionsOf } from './support/options.ts';

const defaults: Config = {
  host: '127.0.0.1',
  port: 4000,
  databaseUrl: undefined,
  dataDir: './data',
  pools: [
    { name: 'default', options: optionsOf() },
    {
      name: 'clients',
      unfit: expect.any(Function),
      options: optionsOf({
        membership: 'elastic',
        whenFull: 'reject',
        size: 10,
        ttlMs: 60_000,
        idleTtlMs: 300_000,
      }),
    },
  ],
  clockKind: 'system',
  proofRequired: false,
  logLevel: 'info',
  maxConnections: 20_000,
  requestTimeoutMs: 10_000,
  commitTimeoutMs: 5000,
  shutdownTimeoutMs: 10_000,
  heartbeatTimeoutMs: 1000,
  eventRetentionMs: Number.POSITIVE_INFINITY,
  idempotencyKeysMax: 1_000_000,
  tokensMax: 200_000,
  statelyInspector: undefined,
};

/** What stops the start, in the words that its user reads; '' if nothing does. */
function complaint(env: Record<string, string>): string {
  try {
    readConfig(env);
    return '';
  } catch (error) {
    return (error as Error).message;
  }
}

describe('the configuration', () => {
  it('has a default for everything', () => {
    expect(readConfig({})).toEqual(defaults);
  });

  it('counts an empty variable as absent', () => {
    const names = [
      'HOST',
      'PORT',
      'DATABASE_URL',
      'DATA_DIR',
      'POOL_SIZE',
      'TTL_MS',
      'LEASE_PROOF',
      'LOG_LEVEL',
    ];
    expect(readConfig(Object.fromEntries(names.map((name) => [name, ''])))).toEqual(defaults);
  });

  it('takes what is set, and leaves alone what is not its own', () => {
    const env = {
      HOST: '::1',
      PORT: '80',
      DATABASE_URL: 'postgresql://ada:word@db.example/pool?sslmode=require',
      DATA_DIR: '/srv/leasehold',
      LEASE_PROOF: 'required',
      CLOCK: 'simulated',
      LOG_LEVEL: 'silent',
      NODE_ENV: 'production',
    };
    expect(readConfig(env)).toEqual({
      ...defaults,
      host: '::1',
      port: 80,
      databaseUrl: 'postgresql://ada:word@db.example/pool?sslmode=require',
      dataDir: '/srv/leasehold',
      clockKind: 'simulated',
      proofRequired: true,
      logLevel: 'silent',
    });
    expect(readConfig({ STATELY_INSPECTOR: 'ws://127.0.0.1:8080' }).statelyInspector).toBe(
      'ws://127.0.0.1:8080',
    );
  });

  it('cannot be changed once it is read', () => {
    const config = readConfig({}) as { port: number };
    expect(() => {
      config.port = 1;
    }).toThrow(TypeError);
  });
});

const century = 3_153_600_000_000;
const ofPool = (pool: 0 | 1, option: 'size' | 'ttlMs' | 'ttlMsMax' | 'idleTtlMs') => (config: Config) =>
  config.pools[pool].options[option];
const of = (member: keyof Config) => (config: Config) => config[member];
const counts: [name: string, read: (config: Config) => unknown, least: number, most: number][] = [
  ['PORT', of('port'), 0, 65_535],
  ['POOL_SIZE', ofPool(0, 'size'), 1, 1_000_000],
  ['TTL_MS', ofPool(0, 'ttlMs'), 1, century],
  ['TTL_MS_MAX', ofPool(0, 'ttlMsMax'), 1, century],
  ['CLIENT_POOL_SIZE', ofPool(1, 'size'), 1, 1_000_000],
  ['CLIENT_TTL_MS', ofPool(1, 'ttlMs'), 1, century],
  ['CLIENT_IDLE_TTL_MS', ofPool(1, 'idleTtlMs'), 1, century],
  ['MAX_CONNECTIONS', of('maxConnections'), 1, 1_000_000],
  ['REQUEST_TIMEOUT_MS', of('requestTimeoutMs'), 100, 600_000],
  ['COMMIT_TIMEOUT_MS', of('commitTimeoutMs'), 100, 600_000],
  ['SHUTDOWN_TIMEOUT_MS', of('shutdownTimeoutMs'), 100, 600_000],
  ['IDEMPOTENCY_KEYS_MAX', of('idempotencyKeysMax'), 1, 1_000_000_000],
  ['TOKENS_MAX', of('tokensMax'), 1, 10_000_000],
];

describe.each(counts)('%s', (name, read, least, most) => {
  // Neither TTL may be the one that limits the other here.
  const others = { TTL_MS: '1', TTL_MS_MAX: String(century) };

  it.each([least, most])('may be %s', (value) => {
    expect(read(readConfig({ ...others, [name]: String(value) }))).toBe(value);
  });

  it.each([least - 1, most + 1])('may not be %s', (value) => {
    expect(complaint({ ...others, [name]: String(value) })).toContain(`\n  ${name}: must be `);
  });

  it.each(['abc', '1.5', '1e3', '0x10', ' 1', '-1', 'NaN', 'Infinity', '１'])('may not be %j', (value) => {
    const said = complaint({ ...others, [name]: value });
    expect(said).toContain(`\n  ${name}: must be a whole number from ${least} to ${most}`);
    expect(said).toContain(`(it is ${JSON.stringify(value)})`);
  });
});

describe('EVENT_RETENTION', () => {
  it.each([
    ['forever', Number.POSITIVE_INFINITY],
    ['90d', 7_776_000_000],
    ['12h', 43_200_000],
    ['30m', 1_800_000],
    ['90s', 90_000],
    ['1m', 60_000],
    ['36500d', 3_153_600_000_000],
  ])('may be %s', (written, ms) => {
    expect(readConfig({ EVENT_RETENTION: written }).eventRetentionMs).toBe(ms);
  });

  it.each([
    '90',
    '45s',
    '0d',
    '36501d',
    '1.5h',
    '-1d',
    '1 h',
    '90D',
    'd',
    '1h30m',
    'never',
    'Infinity',
    '1e3s',
  ])('may not be %j, and what it may be is said', (written) => {
    const said = complaint({ EVENT_RETENTION: written });
    expect(said).toContain('\n  EVENT_RETENTION: must be forever, or a whole number with its unit, as 90d, ');
    expect(said).toContain(`from 1m to 36500d (it is ${JSON.stringify(written)})`);
    expect(said.split('\n')).toHaveLength(2);
  });
});

describe('a configuration that is not valid', () => {
  it.each([
    ['LEASE_PROOF', 'yes'],
    ['LOG_LEVEL', 'loud'],
    ['DATABASE_URL', 'mysql://localhost/pool'],
    ['DATABASE_URL', 'localhost:5432'],
    ['DATABASE_URL', 'postgres://a b'],
    ['STATELY_INSPECTOR', 'http://127.0.0.1:8080'],
    ['STATELY_INSPECTOR', 'ws://a b'],
  ])('is refused for %s=%s, by its name', (name, value) => {
    expect(complaint({ [name]: value })).toContain(`\n  ${name}: `);
  });

  it('is told all at once, a line each', () => {
    const lines = complaint({ PORT: 'x', POOL_SIZE: '0', LEASE_PROOF: 'no', TTL_MS: '-1' }).split('\n');
    expect(lines[0]).toBe('the configuration is not valid');
    expect(lines.slice(1).map((line) => line.trim().split(':')[0])).toEqual([
      'PORT',
      'POOL_SIZE',
      'TTL_MS',
      'LEASE_PROOF',
    ]);
  });

  it('has a TTL above the longest one that callers may ask for', () => {
    expect(complaint({ TTL_MS: '2000', TTL_MS_MAX: '1999' })).toContain('TTL_MS: must not exceed TTL_MS_MAX');
    expect(readConfig({ TTL_MS: '2000', TTL_MS_MAX: '2000' }).pools[0].options.ttlMs).toBe(2000);
    // By the default of the other: it says both, for the user has written only one of them.
    expect(complaint({ TTL_MS_MAX: '1000' })).toContain(
      '\n  TTL_MS: must not exceed TTL_MS_MAX: 120000 is more than 1000',
    );
    expect(complaint({ TTL_MS_MAX: '1000' })).not.toContain('undefined');
  });

  it('says each thing once, and what may be chosen instead', () => {
    expect(complaint({ TTL_MS: '2m' }).split('\n')).toHaveLength(2);
    expect(complaint({ LEASE_PROOF: 'maybe' })).toContain('LEASE_PROOF: must be one of optional, required');
    expect(complaint({ CLOCK: 'fast' })).toContain('CLOCK: must be one of system, simulated');
  });

  it('never shows the password of DATABASE_URL', () => {
    const said = complaint({ DATABASE_URL: 'mysql://ada:open-sesame@localhost/pool', PORT: 'x' });
    expect(said).toContain('DATABASE_URL: must be a postgres:// URL');
    expect(said).not.toContain('open-sesame');
  });
});
