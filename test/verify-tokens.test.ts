/** What is beside the facts: the table of tokens, what is known of the pool, and a beginning that is pruned. */
import { describe, expect, it } from 'vitest';
import type { Standing } from '../src/journal/audited.ts';
import { afterEviction, evicted, free, full, HandwrittenLog } from './support/handwritten-log.ts';
import { idOf } from './support/pool.ts';

/** What somebody does to the standing of a sound log. */
const standings: [what: string, edit: (standing: Standing) => void, violations: string[]][] = [
  [
    'a token that does not show its lease [I8] [I11]',
    ({ tokens }) => Object.assign(tokens[0]!, free(tokens[0]!.id, 2)),
    [
      'I8 at 2: the table tokens is not what the log leads to: ' +
        'status, user_id, lease_id, fence, activated_at, expires_at, ttl_ms',
      'I11 at null: 2 leases have begun, but 1 are live and 0 have ended',
    ],
  ],
  [
    'a token with another TTL and other metadata [I8]',
    ({ tokens }) => Object.assign(tokens[0]!, { ttlMs: 1, metadata: { a: 1 } }),
    ['I8 at 2: the table tokens is not what the log leads to: ttl_ms, metadata'],
  ],
  [
    'a token of a fact beyond the log [I3]',
    ({ tokens }) => Object.assign(tokens[0]!, { seq: 4 }),
    ['I3 at 4: the table tokens shows fact 4, which is not in the log'],
  ],
  [
    'another token than the pool was made with [I2]',
    ({ tokens }) => Object.assign(tokens[0]!, { id: idOf(9) }),
    [
      'I2 at null: the table tokens does not have the tokens that the pool was left with',
      'I2 at 2: is of a token that the pool does not have',
      'I8 at 2: the table tokens is not what the log leads to: ' +
        'status, user_id, lease_id, fence, activated_at, expires_at, ttl_ms, seq',
      'I2 at 2: the table tokens has lost a token of the log',
    ],
  ],
  [
    'tokens that are not numbered [I2]',
    ({ tokens }) => Object.assign(tokens[1]!, { ordinal: 3 }),
    ['I2 at null: the table tokens does not have the tokens that the pool was left with'],
  ],
  [
    'a log whose last fact is gone, whatever its tokens show [I3]',
    ({ pool }) => Object.assign(pool!, { openedSeq: 4 }),
    [
      'I3 at null: the log ends at 3, but the table pools knows of facts beyond',
      'I3 at 4: is not the newest opening of the pool',
    ],
  ],
  [
    'openings that are not counted [I3]',
    (standing) => Object.assign(standing, { openings: null }),
    ['I8 at null: the table openings has lost its row'],
  ],
  [
    'an opening that was none [I3]',
    ({ pool }) => Object.assign(pool!, { openedSeq: 2 }),
    ['I3 at 2: is not the newest opening of the pool'],
  ],
  [
    'digests where the chain has not begun [I8]',
    ({ pool }) => Object.assign(pool!, { chainSeq: 3 }),
    [1, 2, 3].map((seq) => `I8 at ${seq}: has a digest, though it is older than digests`),
  ],
  [
    'facts that count as pruned and are there [I3]',
    ({ pool }) => Object.assign(pool!, { prunedSeq: 1 }),
    [
      'I8 at null: the table pools has the chain of digests begin with facts that have been pruned',
      'I3 at 1: is there, though all facts up to 1 have been pruned',
      'I8 at 2: is not as it was written, or not what was written here: its digest is wrong',
      ...[2, 3].map((seq) => `I2 at ${seq}: is of a token that the pool does not have`),
      'I8 at null: the table pools is not what the log leads to: options, closed',
    ],
  ],
  [
    'other options than the log tells of [I8]',
    ({ pool }) => Object.assign(pool!.options as object, { when_full: 'reject' }),
    ['I8 at null: the table pools is not what the log leads to: options'],
  ],
];

describe('the tokens of a log', () => {
  it.each(standings)('find %s', (_, edit, violations) => {
    const log = full();
    edit(log.standing);
    expect(log.violations).toEqual(violations);
  });
});

describe('a log whose beginning has been pruned', () => {
  const { ordinal: _, ...lease } = new HandwrittenLog().opened().granted(1).token(1);
  /** Token 1 was granted by fact 2, and facts up to 5 are gone. */
  const pruned = () => new HandwrittenLog(5, [free(idOf(0), 5), lease]);

  it('goes on from what the pruned facts have left', () => {
    expect(pruned().renewed(1).ended(1).granted(1).violations).toEqual([]);
    expect(pruned().expired(1).opened().violations).toEqual([]);
    expect(pruned().violations).toEqual([]);
  });

  it('is found to lack a fact, or to have lost them all [I3]', () => {
    expect(pruned().granted(0, { seq: 7 }).violations).toEqual(['I3 at 6: the fact is missing']);
    const log = pruned().renewed(1).opened();
    log.facts.length = 0;
    log.standing.headSeq = null;
    expect(log.violations).toEqual([
      'I3 at null: the log ends at 5, but the table pools knows of facts beyond',
      'I3 at 7: is not the newest opening of the pool',
      'I3 at 6: the table tokens shows fact 6, which is not in the log',
    ]);
  });

  it('is found to have been edited where it was pruned [I8]', () => {
    const log = pruned();
    log.standing.prunedTokens[1]!.userId = 'bob';
    expect(log.violations).toEqual(['I8 at 2: the table tokens is not what the log leads to: user_id']);
    const later = pruned();
    later.standing.prunedTokens[0]!.seq = 6;
    expect(later.violations).toEqual([
      'I8 at 6: pruned_tokens has a fact that is not pruned',
      'I8 at 5: the table tokens is not what the log leads to: seq',
    ]);
  });

  it('keeps the order of use [I7]', () => {
    const used = [
      { ...lease, id: idOf(0), seq: 4, fence: 4 },
      { ...lease, seq: 5 },
    ];
    expect(new HandwrittenLog(5, used).ended(0, evicted).granted(0, afterEviction).violations).toEqual([]);
    expect(new HandwrittenLog(5, used).ended(1, evicted).granted(1, afterEviction).violations).toEqual([
      'I7 at 6: evicts a lease that is not the least recently used one',
    ]);
  });

  it('may begin in the middle of an eviction, of a clean-up, and of an opening', () => {
    expect(new HandwrittenLog(5, [lease]).granted(0, afterEviction).violations).toEqual([]);
    const both = [{ ...lease, id: idOf(0) }, lease];
    expect(
      new HandwrittenLog(5, both).ended(0, { reason: 'cleanup' }).ended(1, { reason: 'cleanup' }).violations,
    ).toEqual([]);
    const expired = new HandwrittenLog(5, [lease]).expired(1, { reason: 'ttl_expired_while_down' });
    expect(expired.violations).toEqual([]);
  });
});
