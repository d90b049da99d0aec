/** How a pool begins, however many tokens it has and however long that takes. */
import { describe, expect, it } from 'vitest';
import type { Clock } from '../src/clock.ts';
import type { Fact } from '../src/lease/fact.ts';
import type { TokenState } from '../src/lease/lease.ts';
import { Pool } from '../src/pool/pool.ts';
import { deafHost, freeTokens, optionsOf, rowOf, startPool, traitsOf } from './support/pool.ts';
import { SteppedClock, start, twoMinutes } from './support/world.ts';

describe('a pool that is opened', () => {
  const heldUntil = (index: number, expiresAt: number, seq: number): TokenState =>
    rowOf(traitsOf(index), {
      seq,
      lease: {
        leaseId: `lease ${seq}`,
        userId: 'ada',
        fence: seq,
        activatedAt: start - twoMinutes,
        expiresAt,
        ttlMs: twoMinutes,
        metadata: null,
      },
    });

  it('frees what ran out meanwhile after all that has long been free, however many tokens it has', () => {
    const over = Array.from({ length: 3 }, (_, index) => heldUntil(20_000 + index, start - 1, index + 2));
    const free = freeTokens(12_000);
    const { pool, allocate } = startPool({ size: 12_003, rows: [...free, ...over], seq: 9 });
    expect(pool.counts).toEqual({ available: 12_003, active: 0, total: 12_003, waiting: 0 });
    const granted = Array.from({ length: 12_003 }, () => allocate().facts.at(-1)!.tokenId);
    expect(granted).toEqual([...free, ...over].map(({ tokenId }) => tokenId));
  });

  it('starts each portion of its tokens at its own time, so that no timer is late', () => {
    const stepped = new SteppedClock();
    let timers = 0;
    const clock: Clock = {
      // Time passes while it opens, as it does on a slow machine: with each portion.
      now: () => {
        if (timers >= 5000) stepped.stall(50);
        timers %= 5000;
        return stepped.now();
      },
      setTimeout: (run, ms) => {
        timers++;
        return stepped.setTimeout(run, ms);
      },
      clearTimeout: (id) => stepped.clearTimeout(id),
    };
    const facts: Fact[] = [];
    const options = optionsOf({ size: 20_000 });
    const pool = new Pool(
      clock,
      { proofRequired: false, options },
      deafHost({ record: (fact) => facts.push(fact) }),
    );
    const until = start + twoMinutes;
    pool.open({
      seq: 20_002,
      options,
      tokens: Array.from({ length: 20_000 }, (_, index) => heldUntil(index, until, index + 2)),
    });
    expect(stepped.now()).toBeGreaterThan(start + 100);
    stepped.advance(until - 1 - stepped.now());
    expect(facts).toEqual([]);
    stepped.advance(1);
    expect(facts).toHaveLength(20_000);
    expect(new Set(facts.map(({ at }) => at))).toEqual(new Set([until]));
  });
});
