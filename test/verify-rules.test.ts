/** Each rule by itself: one log that breaks it, and what is said of that log. */
import { describe, expect, it } from 'vitest';
import { Audit } from '../src/verify/audit.ts';
import { Report } from '../src/verify/report.ts';
import { afterEviction, evicted, full, HandwrittenLog, leaseId, over } from './support/handwritten-log.ts';
import { idOf } from './support/pool.ts';
import { start } from './support/world.ts';

const iso = (ms: number) => new Date(ms).toISOString();

type Broken = [what: string, log: () => HandwrittenLog, violations: string[]];

const facts: Broken[] = [
  [
    'a token granted twice [I1]',
    () => new HandwrittenLog().opened().granted(0).granted(0),
    [
      'I1 at 3: grants a token whose lease of fence 2 is live',
      'I11 at null: 2 leases have begun, but 1 are live and 0 have ended',
    ],
  ],
  [
    'a fact of a token that is not of the pool [I2]',
    () => new HandwrittenLog().opened().add({ ...full().facts[1], tokenId: idOf(7) }),
    [
      'I2 at 2: is of a token that the pool does not have',
      'I2 at 2: the table tokens has lost a token of the log',
      'I11 at null: 1 leases have begun, but 0 are live and 0 have ended',
    ],
  ],
  [
    'a fact of no token [I2]',
    () => new HandwrittenLog().opened().add({ type: 'activated', reason: 'allocated' }),
    ['I2 at 2: is of no token'],
  ],
  [
    'a fact missing [I3]',
    () => new HandwrittenLog().opened().granted(0, { seq: 3 }),
    ['I3 at 2: the fact is missing'],
  ],
  [
    'several facts missing [I3]',
    () => new HandwrittenLog().opened().granted(0, { seq: 6 }),
    ['I3 at 2: the facts up to 5 are missing'],
  ],
  [
    'a fence that is not the seq of its grant [I3]',
    () => new HandwrittenLog().opened().granted(0, { fence: 1 }),
    ['I3 at 2: grants with fence 1, which is not its seq'],
  ],
  [
    'time that runs backwards [I3]',
    () => full().opened({ at: start - 1 }),
    [`I3 at 4: happened at ${iso(start - 1)}, before the fact before it, at ${iso(start)}`],
  ],
  [
    'an end of a lease that the token does not have [I4]',
    () =>
      new HandwrittenLog()
        .opened()
        .granted(0)
        .ended(0, { leaseId: leaseId(9), userId: 'bob', fence: 1 }),
    ['I4 at 3: is not of the lease that the token has: lease_id, user_id, fence'],
  ],
  [
    'a renewal of a lease that the token does not have [I4]',
    () =>
      new HandwrittenLog()
        .opened()
        .granted(0)
        .renewed(0, { leaseId: leaseId(9) }),
    ['I4 at 3: is not of the lease that the token has: lease_id'],
  ],
  [
    'a lease that expires before its deadline [I5]',
    () =>
      new HandwrittenLog()
        .opened()
        .granted(0)
        .expired(0, { at: over - 1 }),
    [`I5 at 3: expires a lease that lasts until ${iso(over)}`],
  ],
  [
    'a lease that is over when it begins [I5]',
    () => new HandwrittenLog().opened().granted(0, { expiresAt: start }),
    [`I5 at 2: grants until ${iso(start)}, which is no time at all`],
  ],
  [
    'an eviction while a token is free [I7]',
    () => new HandwrittenLog().opened().granted(0).ended(0, evicted).granted(0, afterEviction),
    ['I7 at 3: evicts a lease while 1 tokens are free'],
  ],
  [
    'an eviction of another than the least recently used lease [I7]',
    () => full().ended(1, evicted).granted(1, afterEviction),
    ['I7 at 4: evicts a lease that is not the least recently used one'],
  ],
  [
    'an eviction that does not count a renewal as use [I7]',
    () => full().renewed(0).ended(0, evicted).granted(0, afterEviction),
    ['I7 at 5: evicts a lease that is not the least recently used one'],
  ],
  [
    'an eviction for nobody [I7]',
    () => full().ended(0, evicted).opened(),
    ['I7 at 4: evicts a lease, and nobody is granted its token'],
  ],
  [
    'an eviction at the end of the log [I7]',
    () => full().ended(0, evicted),
    ['I7 at 4: evicts a lease, and nobody is granted its token'],
  ],
  [
    'an eviction for somebody who comes later [I7]',
    () =>
      full()
        .ended(0, evicted)
        .granted(0, { ...afterEviction, at: start + 1 }),
    ['I7 at 4: evicts a lease, and nobody is granted its token'],
  ],
  [
    'a grant after an eviction that there was not [I7]',
    () => new HandwrittenLog().opened().granted(0, afterEviction),
    ['I7 at 2: grants after an eviction, but there was none'],
  ],
  [
    'a fact that was edited together with all that it led to [I8]',
    () => {
      const log = full();
      log.facts[1]!.userId = log.token(0).userId = 'bob';
      return log;
    },
    ['I8 at 2: is not as it was written, or not what was written here: its digest is wrong'],
  ],
  [
    'a type and a reason that do not go together [I8]',
    () => new HandwrittenLog().opened().granted(0, { reason: 'cleanup' }),
    ['I8 at 2: has no known type and reason', 'I13 at 2: ends a clean-up that leaves 1 leases live'],
  ],
  [
    'a type that there is not [I8]',
    () => new HandwrittenLog().opened().add({ type: 'constructor' as 'opened', tokenId: idOf(0) }),
    ['I8 at 2: has no known type and reason'],
  ],
  [
    'an end with another deadline than the lease had [I8]',
    () =>
      new HandwrittenLog()
        .opened()
        .granted(0)
        .ended(0, { expiresAt: over + 1 }),
    [`I8 at 3: has the deadline ${iso(over + 1)}, but it was ${iso(over)}`],
  ],
  [
    'metadata that came after the grant [I8]',
    () => new HandwrittenLog().opened().granted(0).renewed(0, { metadata: {} }),
    ['I8 at 3: has metadata that is not of such a fact'],
  ],
  [
    'a grant without a user [I8]',
    () => new HandwrittenLog().opened().granted(0, { userId: null }),
    ['I8 at 2: grants a lease without its user or its id'],
  ],
  [
    'an opening that says something of a token [I8]',
    () => new HandwrittenLog().opened({ userId: 'ada' }),
    ['I8 at 1: is of the pool, and says what only a fact of a token says'],
  ],
  [
    'an expiry while nobody had the pool, without an opening [I8]',
    () => new HandwrittenLog().opened().granted(0).expired(0, { reason: 'ttl_expired_while_down' }),
    ['I8 at 3: expired while no process had the pool, but none has just opened it'],
  ],
  [
    'ends of leases that have ended [I11]',
    () => new HandwrittenLog().opened().granted(0).ended(0).ended(0).expired(0, { at: over }),
    [
      'I11 at 4: releases a lease of a token that has none',
      'I11 at 5: expires a lease of a token that has none',
      'I11 at null: 1 leases have begun, but 0 are live and 3 have ended',
    ],
  ],
  [
    'a renewal that shortens [I12]',
    () =>
      new HandwrittenLog()
        .opened()
        .granted(0)
        .renewed(0, { expiresAt: over - 1 }),
    [`I12 at 3: shortens a lease from ${iso(over)} to ${iso(over - 1)}`],
  ],
  [
    'a renewal that revives [I12]',
    () =>
      new HandwrittenLog()
        .opened()
        .granted(0)
        .renewed(0, { at: over, expiresAt: over + 1 }),
    [`I12 at 3: renews a lease that was over at ${iso(over)}`],
  ],
  [
    'a renewal of nothing [I12]',
    () => {
      const log = new HandwrittenLog().opened().granted(0).ended(0);
      return log.add({ ...log.facts[1], seq: 4, type: 'renewed', reason: 'renewed_by_client' });
    },
    [
      'I12 at 4: renews a lease of a token that has none',
      'I8 at 3: the table tokens is not what the log leads to: seq',
    ],
  ],
  [
    'a release after the deadline [I12]',
    () => new HandwrittenLog().opened().granted(0).ended(0, { at: over }),
    [`I12 at 3: releases a lease that was over at ${iso(over)}`],
  ],
  [
    'a clean-up that leaves a lease [I13]',
    () => full().ended(0, { reason: 'cleanup' }).opened(),
    ['I13 at 4: ends a clean-up that leaves 1 leases live'],
  ],
  [
    'a clean-up at the end of the log that leaves a lease [I13]',
    () => full().ended(0, { reason: 'cleanup' }),
    ['I13 at 4: ends a clean-up that leaves 1 leases live'],
  ],
  [
    'a clean-up with a pause [I13]',
    () =>
      full()
        .ended(0, { reason: 'cleanup' })
        .ended(1, { reason: 'cleanup', at: start + 1 }),
    ['I13 at 4: ends a clean-up that leaves 1 leases live'],
  ],
];

describe('the rules of a log', () => {
  it.each(facts)('find %s', (_, log, violations) => {
    expect(log().violations).toEqual(violations);
  });

  it('find nothing where there is nothing', () => {
    expect(full().ended(0, evicted).granted(0, afterEviction).renewed(1).ended(1).violations).toEqual([]);
    const cleanedUp = full().ended(0, { reason: 'cleanup' }).ended(1, { reason: 'cleanup' });
    expect(cleanedUp.opened().granted(0).violations).toEqual([]);
    const down = full().opened({ at: over });
    const whileDown = { reason: 'ttl_expired_while_down', at: over } as const;
    expect(down.expired(0, whileDown).expired(1, whileDown).violations).toEqual([]);
  });

  it('let a log that is older than its digests go by the clock of each process', () => {
    const log = full()
      .opened({ at: start - 1 })
      .asOlder(false);
    expect(log.violations).toEqual([]);
    log.standing.pool = null;
    expect(log.violations).toEqual([]);
  });

  it('let a log that is older than options tell of them when it is opened next', () => {
    const log = full().asOlder();
    expect(log.violations).toEqual([]);
    log.opened().changed({ whenFull: 'reject' });
    log.standing.pool!.lastOrdinal = 2;
    expect(log.violations).toEqual([]);
    expect(log.ended(0, evicted).granted(0, afterEviction).violations).toEqual([
      'I7 at 6: evicts a lease, but a full pool is to reject',
    ]);
  });

  it('tell the first violations, and count them all', () => {
    const log = full();
    const report = new Report(2);
    const audit = new Audit(log.standing, report);
    for (const fact of log.facts) audit.next({ ...fact, digest: '' });
    audit.end();
    expect(report).toMatchObject({ total: 3, violations: [{ seq: 1 }, { seq: 2 }] });
  });
});
