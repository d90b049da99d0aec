/** What a long history leaves behind in memory: nothing. */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, it } from 'vitest';
import { Pool } from '../src/pool/pool.ts';
import { optionsOf } from './support/options.ts';
import { freeTokens } from './support/pool.ts';
import { SteppedClock } from './support/world.ts';

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

function heapBytes(): number {
  collectGarbage();
  return process.memoryUsage().heapUsed;
}

describe('a pool in use', () => {
  it('takes as much memory after many leases as after few [I18]', () => {
    const clock = new SteppedClock();
    let facts = 0;
    const host = {
      record: () => void facts++,
      recordChange: () => 0,
      recordClosing() {},
      served() {},
      crashed() {},
    };
    const options = optionsOf({ size: 100 });
    const pool = new Pool(clock, { options, proofRequired: false }, host);
    pool.open({ seq: 1, options, tokens: freeTokens(100) });
    const use = (times: number) => {
      for (let turn = 0; turn < times; turn++) {
        const at = clock.now();
        const grant = {
          type: 'ALLOCATE',
          at,
          userId: `${turn}`,
          leaseIds: [`${turn}`],
          ttlMs: 150,
          metadata: null,
        } as const;
        const { tokenId } = pool.command(grant).facts.at(-1)!;
        if (turn % 3 === 0) pool.command({ type: 'RENEW', at, tokenId, ttlMs: 200 });
        if (turn % 5 === 0) pool.command({ type: 'RELEASE', at, tokenId, reason: 'released_by_client' });
        // Some run out, and when time stands still for a while some are evicted.
        if (turn % 300 > 150) clock.advance(2);
      }
    };
    use(5000);
    const before = heapBytes();
    const factsBefore = facts;
    use(20_000);
    expect(facts - factsBefore).toBeGreaterThan(40_000);
    // A single object a lease, or a timer left behind, would be more than that.
    expect((heapBytes() - before) / 20_000).toBeLessThan(20);
  });
});
