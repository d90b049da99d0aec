/** The file of pools: what may stand in it, and what is said of what may not. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { readConfig } from '../src/config.ts';
import { poolsFileSchema } from '../src/declared/pools-file.ts';
import { optionDefaults } from '../src/lease/pool-options.ts';
import { optionsOf } from './support/options.ts';

function fileOf(text: string, name = 'pools.yaml'): string {
  const folder = mkdtempSync(join(tmpdir(), 'leasehold-pools-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const file = join(folder, name);
  writeFileSync(file, text);
  return file;
}

const poolsOf = (text: string) => readConfig({ POOLS_FILE: fileOf(text) }).pools;

/** What stops the start, without the folder. */
function complaint(text: string): string[] {
  const file = fileOf(text);
  try {
    readConfig({ POOLS_FILE: file });
    return [];
  } catch (error) {
    return (error as Error).message
      .replaceAll(file, 'file')
      .split('\n')
      .slice(1)
      .map((line) => line.trim());
  }
}

describe('a file of pools', () => {
  it('declares pools with their options, and the rest is as for the default pool', () => {
    const [first, clients, gpu, phones] = poolsOf(`
pools:
  gpu:
    size: 4
    when_full: wait
    wait_ms: 5000
  phones:
    when_full: reject
    tokens:
      - {name: pixel-8-a, labels: {os: android}}
      - {labels: {os: ios}}
`);
    expect([first.name, clients.name]).toEqual(['default', 'clients']);
    expect(gpu).toEqual({ name: 'gpu', options: optionsOf({ size: 4, whenFull: 'wait', waitMs: 5000 }) });
    expect(phones!.options).toEqual({
      ...optionsOf({ whenFull: 'reject' }),
      size: 2,
      tokens: [
        { name: 'pixel-8-a', labels: { os: 'android' } },
        { name: null, labels: { os: 'ios' } },
      ],
    });
  });

  it('may be JSON, and may say what the default pool is like', () => {
    const pools = poolsOf('{"pools": {"default": {"size": 7, "when_full": "reject"}}}');
    expect(pools).toHaveLength(2);
    expect(pools[0].options).toMatchObject({ size: 7, whenFull: 'reject', ttlMs: 120_000 });
  });

  it.each([
    [
      'pools:\n  gpu:\n    ttl_ms: -5',
      'file:3:13: pools.gpu.ttl_ms: must be a whole number from 1 to 3153600000000',
    ],
    ['pools:\n  gpu:\n    size: 1e9', 'file:3:11: pools.gpu.size: must be a whole number from 1 to 1000000'],
    ['pools:\n  gpu:\n    size: four', 'file:3:11: pools.gpu.size: must be a whole number from 1 to 1000000'],
    ['pools:\n  gpu:\n    colour: red', 'file:3:13: pools.gpu.colour: is not known'],
    [
      'pools:\n  gpu:\n    when_full: panic',
      'file:3:16: pools.gpu.when_full: must be one of evict, reject, wait',
    ],
    ['pools:\n  GPU: {}', expect.stringMatching(/^file:2:8: pools\.GPU: must be 1 to 63 of/)],
    [
      'pools:\n  gpu: {when_full: reject, min_hold_ms: 5}',
      expect.stringMatching(/^file:2:41: pools\.gpu\.min_hold_ms: means nothing/),
    ],
    [
      'pools:\n  gpu: {membership: elastic, tokens: [{name: a}]}',
      expect.stringMatching(/^file:2:\d+: pools\.gpu\.tokens: an elastic pool/),
    ],
    [
      'pools:\n  gpu: {size: 3, tokens: [{name: a}]}',
      expect.stringMatching(/^file:2:15: pools\.gpu\.size: there are 1 tokens/),
    ],
    [
      'pools:\n  gpu: {idle_ttl_ms: 3}',
      expect.stringMatching(/idle_ttl_ms: the tokens of a fixed pool stay/),
    ],
    [
      'pools:\n  gpu: {ttl_ms: 30, ttl_ms_max: 20}',
      expect.stringMatching(/ttl_ms: must not exceed the longest TTL, 20/),
    ],
    [
      'pools:\n  gpu: {tokens: [{name: a}, {name: a}]}',
      expect.stringMatching(/tokens: the name "a" is there twice/),
    ],
    ['pools: [', expect.stringMatching(/^file:1:\d+: /)],
    ['pools: {gpu: {}, gpu: {}}', expect.stringMatching(/^file:1:\d+: Map keys must be unique/)],
    ['', 'file:1:1: the file: must be an object with `pools`, and the pools by name in that'],
    ['- gpu', 'file:1:1: the file: must be an object with `pools`, and the pools by name in that'],
    ['pools:', 'file:1:7: pools: must be an object: the options of each pool by its name'],
    ['pools:\n  gpu:', 'file:2:7: pools.gpu: must be an object of options; {} chooses none'],
    [
      'pools:\n  gpu: {tokens: [a]}',
      'file:2:18: pools.gpu.tokens.0: must be an object with name, labels or both',
    ],
    ['$schema: 7\npools: {}', 'file:1:10: $schema: must be text'],
    ['pools:\n  gpu: *big', 'file:2:8: *big: no anchor &big stands before it'],
    ['pools:\n  gpu: {labels: &x [*x]}', 'file:2:20: pools.gpu.labels: is not known'],
    [
      `a: &a [${Array(9).fill('x')}]\nb: &b [${Array(9).fill('*a')}]\nc: &c [${Array(9).fill('*b')}]\npools: *c`,
      'file:4:8: the aliases stand for too much: write it out',
    ],
    ['pools:\n  __proto__: {size: 3}', 'file:2:3: __proto__: is not known'],
    ['pools:\n  gpu: {"__proto__": 3}', 'file:2:9: __proto__: is not known'],
    [
      'pools:\n  clients: {membership: fixed}',
      'file:2:25: pools.clients.membership: must be elastic: clients generate and delete its tokens',
    ],
    [
      'pools:\n  clients: {when_full: evict}',
      'file:2:24: pools.clients.when_full: must be reject or wait: no client loses its token to another',
    ],
    [
      'pools:\n  clients: {tokens: [{}]}',
      'file:2:21: pools.clients.tokens: means nothing here: clients generate the tokens',
    ],
  ])('stops the start with line and reason: %j', (text, said) => {
    expect(complaint(text)).toEqual([said]);
  });

  it('is said of every mistake at once, in the order of the lines', () => {
    const text =
      'pools:\n  one: {ttl_ms: 30, ttl_ms_max: 20}\n  two: {size: four}\n  six: {min_hold_ms: 1, when_full: wait}';
    expect(complaint(text)).toEqual([
      expect.stringMatching(/^file:2:17: pools\.one\.ttl_ms: must not exceed/),
      expect.stringMatching(/^file:3:15: pools\.two\.size: must be/),
      expect.stringMatching(/^file:4:22: pools\.six\.min_hold_ms: means nothing/),
    ]);
  });

  it('completes the pool of tokens for clients from its own defaults, and CLIENT_*', () => {
    const [, bare] = readConfig({}).pools;
    const text = 'pools: {clients: {size: 20}}';
    const [, chosen, ...others] = poolsOf(text);
    expect(chosen).toEqual({ ...bare, options: { ...bare.options, size: 20 } });
    expect(others).toEqual([]);
    const env = { CLIENT_POOL_SIZE: '3', CLIENT_TTL_MS: '400', CLIENT_IDLE_TTL_MS: '500' };
    const file = fileOf('pools: {clients: {max_per_user: 2, when_full: wait, idle_ttl_ms: null}}');
    const [, mixed] = readConfig({ ...env, POOLS_FILE: file }).pools;
    expect(mixed.options).toEqual({
      ...bare.options,
      ...{ size: 3, ttlMs: 400, idleTtlMs: null, maxPerUser: 2, whenFull: 'wait' },
    });
    // What is standard fits itself to what is chosen.
    expect(poolsOf('pools: {clients: {max_lifetime_ms: 700}}')[1].options.ttlMs).toBe(700);
  });

  it('completes the default pool from POOL_SIZE and TTL_MS, and the others from the default pool', () => {
    const env = { POOL_SIZE: '5', TTL_MS: '600', TTL_MS_MAX: '700' };
    const [first, , gpu] = readConfig({
      ...env,
      POOLS_FILE: fileOf('pools: {gpu: {when_full: wait}, default: {size: 7, max_per_user: 2}}'),
    }).pools;
    const standard = { size: 7, ttlMs: 600, ttlMsMax: 700 };
    expect(first.options).toEqual(optionsOf({ ...standard, maxPerUser: 2 }));
    expect(gpu!.options).toEqual(optionsOf({ ...standard, whenFull: 'wait' }));
    const withTokens = fileOf('pools: {default: {tokens: [{name: a}, {name: b}]}}');
    expect(readConfig({ ...env, POOLS_FILE: withTokens }).pools[0].options.size).toBe(2);
  });

  it('is named where it is not there', () => {
    expect(() => readConfig({ POOLS_FILE: '/nowhere/pools.yaml' })).toThrow(
      /POOLS_FILE: cannot read \/nowhere\/pools\.yaml: ENOENT/,
    );
  });

  it('has a JSON Schema, which knows every option', () => {
    const text = JSON.stringify(poolsFileSchema());
    for (const option of Object.keys(optionDefaults).filter((name) => name !== 'declaration'))
      expect(text).toContain(`"${option.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)}"`);
  });
});
