/** Rules that come with the options of a pool: one log that breaks each of them, and what is said of that log. */
import { describe, expect, it } from 'vitest';
import type { AuditedFact } from '../src/journal/audited.ts';
import { storedOptions } from '../src/journal/stored-options.ts';
import type { Json } from '../src/lease/lease.ts';
import type { PoolOptions } from '../src/lease/pool-options.ts';
import { afterEviction, evicted, full, HandwrittenLog, optionsOf, over } from './support/handwritten-log.ts';
import { idOf } from './support/pool.ts';
import { start } from './support/world.ts';

const iso = (ms: number) => new Date(ms).toISOString();
const log = (given: Partial<PoolOptions>) => new HandwrittenLog(0, [], given).opened();
const rest = (ms: number) => ({ metadata: { rests_until: iso(ms) } });
const kept = (ms: number) => ({ metadata: { kept_until: iso(ms) } });

const elastic = { membership: 'elastic', whenFull: 'reject' } as const;
const cool = { whenFull: 'reject', coolDownMs: 500 } as const;
const idle = { ...elastic, idleTtlMs: 1000 } as const;
const oldest = { reason: 'oldest_eviction' } as const;
const cleanup = { reason: 'cleanup' } as const;
const alone: Partial<AuditedFact> = { userId: null, leaseId: null, fence: null, expiresAt: null };

describe('openings', () => {
  it('are each counted, but those that were before anybody counted', () => {
    const opened = log({}).opened().opened();
    expect(opened.violations).toEqual([]);
    opened.standing.openings = 1;
    expect(opened.violations).toEqual([
      'I8 at null: the table openings counts 1, but the pool was opened 2 times',
    ]);
    const older = new HandwrittenLog().opened().opened().opened().asOlder();
    older.standing.openings = null;
    expect(older.violations).toEqual([]);
  });
});

describe('options that were never written', () => {
  it.each<object>([
    { tokens: 'x' },
    { tokens: [{ name: 1, labels: {} }] },
    { tokens: [{ name: null, labels: { os: 7 } }] },
    { size: '3' },
    { ttl_ms: null },
    { when_full: 'panic' },
    { membership: null },
  ])('are a violation, where the pool is made by them and where it is changed: %j', (edit) => {
    const options = { ...(storedOptions(optionsOf()) as object), ...edit } as Json;
    const made = new HandwrittenLog().opened({ metadata: options }).granted(0);
    expect(made.violations).toContain('I8 at 1: makes the pool with options that make no sense');
    const changed = log({}).changed({}, { metadata: options }).granted(0);
    expect(changed.violations).toContain('I8 at 2: changes the options of the pool to none');
    const pruned = new HandwrittenLog(3, [], {}).granted(0);
    Object.assign(pruned.standing.pool!, { prunedOptions: options });
    expect(pruned.violations.join()).toContain('the table pools is not what the log leads to');
  });
});

const sound: [what: string, log: () => HandwrittenLog][] = [
  [
    'rests after a lease that was not let go of',
    () =>
      log(cool)
        .granted(0)
        .ended(0, { ...cleanup, ...rest(start + 500) })
        .rested(0)
        .granted(0),
  ],
  ['no rest after one that was', () => log(cool).granted(0).ended(0)],
  [
    'rests from the deadline on',
    () =>
      log(cool)
        .granted(0)
        .expired(0, { at: over + 9, ...rest(over + 500) }),
  ],
  [
    'maintenance that ends a lease',
    () => full().withdrawn(0).ended(0, { reason: 'maintenance' }).restored(0).granted(0),
  ],
  [
    'maintenance that lets a lease run out',
    () =>
      full()
        .withdrawn(0, { metadata: { note: 'x' } })
        .expired(0),
  ],
  [
    'eviction that passes by what is out of use',
    () => full().withdrawn(0).ended(1, evicted).granted(1, afterEviction),
  ],
  [
    'eviction by which the end of maintenance is use',
    () => full().withdrawn(0).restored(0).ended(1, evicted).granted(1, afterEviction),
  ],
  [
    'eviction of the oldest, whatever was renewed',
    () => full({ eviction: 'oldest' }).renewed(0).ended(0, oldest).granted(0, afterEviction),
  ],
  [
    'eviction that passes by what may be held on',
    () =>
      log({ minHoldMs: 5 })
        .granted(0)
        .granted(1, { at: start + 1 })
        .renewed(0, { at: start + 2 })
        .ended(0, { ...evicted, at: start + 5 })
        .granted(0, { ...afterEviction, at: start + 5 }),
  ],
  [
    'tokens that come and go',
    () =>
      log(idle)
        .created(kept(start + 1000))
        .deleted(0, { reason: 'idle_ttl_expired', at: start + 1000 }),
  ],
  [
    'a token that is deleted with its lease',
    () => log(elastic).created().granted(0).ended(0, { reason: 'token_deleted' }).deleted(0),
  ],
  [
    'a pool that grows and shrinks',
    () =>
      log({})
        .changed({ size: 3 })
        .created({ reason: 'pool_grown' })
        .changed({ size: 2 })
        .deleted(0, { reason: 'pool_shrunk' }),
  ],
  [
    'a pool that is closed and made again',
    () =>
      full()
        .ended(0, { reason: 'pool_deleted' })
        .ended(1, { reason: 'pool_deleted' })
        .closed()
        .opened()
        .granted(2),
  ],
  [
    'a rule that changed while a lease ended',
    () =>
      log(cool)
        .granted(0)
        .changed({ ...cool, coolDownMs: 9 })
        .ended(0, { ...cleanup, ...rest(start + 500) }),
  ],
];

const broken: [what: string, log: () => HandwrittenLog, violations: string[]][] = [
  [
    'a grant of a token that rests',
    () =>
      log(cool)
        .granted(0)
        .ended(0, { ...cleanup, ...rest(start + 500) })
        .granted(0),
    [`I19 at 4: grants a token that rests until ${iso(start + 500)}`],
  ],
  [
    'a rest that is over too early',
    () =>
      log(cool)
        .granted(0)
        .ended(0, { ...cleanup, ...rest(start + 500) })
        .rested(0, { at: start + 499 }),
    [`I19 at 4: ends the rest of a token that rests until ${iso(start + 500)}`],
  ],
  [
    'a rest that is too long',
    () =>
      log(cool)
        .granted(0)
        .ended(0, { ...cleanup, ...rest(start + 501) }),
    [`I19 at 3: lets a token rest until ${iso(start + 501)}, not until ${iso(start + 500)}`],
  ],
  [
    'a rest that is missing',
    () => log(cool).granted(0).ended(0, cleanup),
    [`I19 at 3: lets a token rest until nothing, not until ${iso(start + 500)}`],
  ],
  [
    'a rest that nobody has to take',
    () =>
      log({})
        .granted(0)
        .ended(0, rest(start + 500)),
    [`I19 at 3: lets a token rest until ${iso(start + 500)}, not until nothing`],
  ],
  [
    'the end of a rest that there was not',
    () => log(cool).rested(0, { at: start }),
    ['I8 at 2: ends the rest of a token that does not rest'],
  ],
  [
    'a grant of a token that is out of use',
    () => log({}).withdrawn(0).granted(0),
    ['I19 at 3: grants a token that is out of use'],
  ],
  [
    'a renewal of a lease that is to run out',
    () => full().withdrawn(0).renewed(0),
    ['I19 at 5: renews a lease of a token that is out of use'],
  ],
  [
    'an end for maintenance of a token that is in use',
    () => full().ended(0, { reason: 'maintenance' }),
    ['I8 at 4: ends a lease for maintenance of a token that is in use'],
  ],
  [
    'an eviction of what has just come back from maintenance',
    () => full().withdrawn(0).restored(0).ended(0, evicted).granted(0, afterEviction),
    ['I7 at 6: evicts a lease that is not the least recently used one'],
  ],
  [
    'a return to use of what was in use',
    () => log({}).restored(0),
    ['I8 at 2: takes back into use a token that was in use'],
  ],
  [
    'a withdrawal that is of a lease',
    () => full().withdrawn(0, { userId: 'ada' }),
    ['I8 at 4: says what only a fact of a lease says'],
  ],
  [
    'an eviction where newcomers are refused',
    () => full({ whenFull: 'reject' }).ended(0, evicted).granted(0, afterEviction),
    ['I7 at 4: evicts a lease, but a full pool is to reject'],
  ],
  [
    'an eviction where newcomers wait, from then on',
    () => full().changed({ whenFull: 'wait' }).ended(0, evicted).granted(0, afterEviction),
    ['I7 at 5: evicts a lease, but a full pool is to wait'],
  ],
  [
    'an eviction in another order',
    () => full({ eviction: 'oldest' }).ended(0, evicted).granted(0, afterEviction),
    ['I7 at 4: evicts a lease by another order than oldest'],
  ],
  [
    'an eviction of another than the oldest',
    () => full({ eviction: 'oldest' }).renewed(0).ended(1, oldest).granted(1, afterEviction),
    ['I7 at 5: evicts a lease that is not the oldest one'],
  ],
  [
    'an eviction too soon',
    () =>
      full({ minHoldMs: 5 })
        .ended(0, { ...evicted, at: start + 4 })
        .granted(0, { ...afterEviction, at: start + 4 }),
    ['I7 at 4: evicts a lease after 4 ms that may be held for 5 ms'],
  ],
  [
    'an eviction of what runs out',
    () => full().withdrawn(0).ended(0, evicted).granted(0, afterEviction),
    ['I7 at 5: evicts a lease of a token that is out of use', 'I19 at 6: grants a token that is out of use'],
  ],
  [
    'a lease beyond its longest life',
    () =>
      log({ maxLifetimeMs: over - start + 5 })
        .granted(0)
        .renewed(0, { expiresAt: over + 6 }),
    [`I19 at 3: renews a lease until ${iso(over + 6)}, and it may last until ${iso(over + 5)}`],
  ],
  [
    'a user who holds too many',
    () => full({ maxPerUser: 1 }),
    ['I19 at 3: grants a user more than 1 tokens'],
  ],
  [
    'a token too many',
    () =>
      log({ ...elastic, size: 1 })
        .created()
        .created(),
    ['I2 at 3: creates a token too many: there are 2, and may be 1'],
  ],
  [
    'a token that comes to a fixed pool',
    () => log({}).created(),
    [
      'I2 at 2: creates a token of a pool that is not elastic',
      'I2 at 2: creates a token too many: there are 3, and may be 2',
    ],
  ],
  [
    'a pool that has not grown',
    () => log({}).created({ reason: 'pool_grown', at: start + 1 }),
    [
      'I2 at 2: creates a token of a pool that has not grown',
      'I2 at 2: creates a token that the pool is not to have',
    ],
  ],
  [
    'a pool that has not shrunk',
    () => log({}).deleted(0, { reason: 'pool_shrunk' }),
    [
      'I2 at 2: deletes a token of a pool that has not shrunk',
      'I2 at null: the pool has 1 tokens, and is to have 2',
    ],
  ],
  [
    'a token that goes from a fixed pool',
    () => log({}).deleted(0),
    [
      'I2 at 2: deletes a token of a pool that is not elastic',
      'I2 at null: the pool has 1 tokens, and is to have 2',
    ],
  ],
  [
    'a token that goes while it is held',
    () => log(elastic).created().granted(0).deleted(0),
    [
      'I11 at 4: deletes a token that somebody holds',
      'I11 at null: 1 leases have begun, but 0 are live and 0 have ended',
    ],
  ],
  [
    'a token that goes while it is kept',
    () =>
      log(idle)
        .created(kept(start + 1000))
        .deleted(0, { reason: 'idle_ttl_expired', at: start + 999 }),
    [`I2 at 3: deletes a token that is kept until ${iso(start + 1000)}`],
  ],
  [
    'a token that is kept for too long',
    () => log(idle).created(kept(start + 1001)),
    [`I19 at 2: keeps a token until ${iso(start + 1001)}, not until ${iso(start + 1000)}`],
  ],
  [
    'a grant of a token that was to go',
    () =>
      log(idle)
        .created(kept(start + 1000))
        .granted(0, { at: start + 1000 }),
    [`I19 at 3: grants a token that was kept until ${iso(start + 1000)}`],
  ],
  [
    'a grant of a token that is gone',
    () =>
      log(elastic)
        .created()
        .deleted(0)
        .add({ ...full().facts[1], seq: 4, fence: 4 }),
    [
      'I2 at 4: is of a token that the pool does not have',
      'I2 at 4: the table tokens has lost a token of the log',
      'I11 at null: 1 leases have begun, but 0 are live and 0 have ended',
    ],
  ],
  [
    'a token that is made twice',
    () =>
      log(elastic)
        .created()
        .add({ ...alone, type: 'created', reason: 'token_created', tokenId: idOf(0) }),
    ['I2 at 3: creates a token that is there'],
  ],
  [
    'an end for a deletion that does not come',
    () => log(elastic).created().granted(0).ended(0, { reason: 'token_deleted' }),
    ['I2 at 4: ends a lease for its token to be deleted, which it is not'],
  ],
  [
    'a pool that is closed while it is in use',
    () => full().closed(),
    [
      'I11 at 4: closes the pool while 2 leases are live',
      'I11 at null: 2 leases have begun, but 0 are live and 0 have ended',
    ],
  ],
  [
    'a pool that is not closed after all',
    () => full().ended(0, { reason: 'pool_deleted' }),
    ['I13 at 4: ends a lease for its pool to be deleted, which it is not'],
  ],
  [
    'a pool that is made twice',
    () => log({}).opened({ metadata: new HandwrittenLog().opened().standing.pool!.options }),
    [
      'I8 at 2: makes a pool that is there',
      'I2 at null: the table tokens has 2 tokens too few',
      'I8 at null: the table pools is not what the log leads to: last_ordinal',
    ],
  ],
];

describe('the options of a pool', () => {
  it.each(sound)('allow %s', (_, write) => {
    expect(write().violations).toEqual([]);
  });

  it.each(broken)('do not allow %s', (_, write, violations) => {
    expect(write().violations).toEqual(violations);
  });
});
