import { describe, expect, it } from 'vitest';
import { createWorld, ok, refusal, start, twoMinutes } from './support/world.ts';

describe('a service', () => {
  it('grants, keeps alive, releases and expires, and every change is a fact', async () => {
    const { pool, clock, facts } = await createWorld({ size: 3 });
    const first = ok(await pool.allocate({ userId: 'ada' }));
    expect(first.lease).toMatchObject({ userId: 'ada', activatedAt: start, expiresAt: start + twoMinutes });
    expect(first.evicted).toBeNull();
    clock.advance(60_000);
    const renewed = ok(await pool.renew({ tokenId: first.tokenId, leaseId: first.lease.leaseId }));
    expect(renewed.expiresAt).toBe(start + 60_000 + twoMinutes);
    const second = ok(await pool.allocate({}));
    ok(await pool.release({ tokenId: second.tokenId }));
    expect(refusal(await pool.release({ tokenId: second.tokenId }))).toEqual({ code: 'token_not_active' });
    clock.advance(twoMinutes);
    expect(ok(await pool.token(first.tokenId, 1)).token.lease).toBeNull();
    expect(facts.map(({ type, reason }) => [type, reason])).toEqual([
      ['activated', 'allocated'],
      ['renewed', 'renewed_by_client'],
      ['activated', 'allocated'],
      ['released', 'released_by_client'],
      ['expired', 'ttl_expired'],
    ]);
    expect(facts.map(({ seq }) => seq)).toEqual([2, 3, 4, 5, 6]);
  });

  it('never hands out a lease that is over by the time it is recorded (lease-lost-then-lock-returned)', async () => {
    const { pool, clock } = await createWorld({ size: 1 });
    const allocating = pool.allocate({ ttlMs: 1000 });
    clock.advance(1000);
    const over = { code: 'too_late', endedAt: start + 1000 };
    expect(refusal(await allocating)).toEqual(over);

    const { tokenId } = ok(await pool.allocate({ ttlMs: 1000 }));
    const renewing = pool.renew({ tokenId });
    clock.advance(1000);
    expect(refusal(await renewing)).toEqual({ ...over, endedAt: start + 2000 });
  });

  it('never shows a lease as active past its deadline, however long the look takes [I6]', async () => {
    const { pool, clock } = await createWorld({ size: 2 });
    const { tokenId } = ok(await pool.allocate({ ttlMs: 1000 }));
    // Not committed yet: whoever looks has to wait for it, and meanwhile the time of the first is up.
    const allocating = pool.allocate({ userId: 'bob' });
    const looking = [pool.tokens('all', { limit: 10 }), pool.tokens('active', { limit: 10 })] as const;
    const one = pool.token(tokenId, 1);
    clock.advance(1000);
    const [all, active] = await Promise.all(looking);
    expect(
      ok(all)
        .tokens.map(({ lease }) => lease?.userId ?? null)
        .sort(),
    ).toEqual(['bob', null]);
    expect(ok(all).counts).toEqual({ available: 1, active: 1, total: 2, waiting: 0 });
    expect(ok(active).tokens.map(({ lease }) => lease?.userId)).toEqual(['bob']);
    expect(ok(await one)).toMatchObject({
      token: { lease: null },
      history: [{ endedAt: start + 1000, endReason: 'ttl_expired' }],
    });
    ok(await allocating);
  });

  it('counts what it lists, even where no timer has fired yet', async () => {
    const { pool, clock } = await createWorld({ size: 2 });
    ok(await pool.allocate({ ttlMs: 1000 }));
    clock.stall(1000);
    const page = ok(await pool.tokens('all', { limit: 10 }));
    expect(page.counts).toEqual({ available: 2, active: 0, total: 2, waiting: 0 });
    expect(page.tokens.filter(({ lease }) => lease !== null)).toEqual([]);
  });

  it('ends leases by their own timers when a process wakes up that was stopped, and takes none for lost', async () => {
    const world = await createWorld({ size: 2 });
    ok(await world.pool.allocate({ ttlMs: 1500 }));
    // The sweep was due before the deadline, and is run before the lease's timer.
    world.clock.stall(10_000);
    world.clock.advance(0);
    ok(await world.pool.tokens('all', { limit: 1 }));
    expect(world.swept).toBe(0);
    expect(world.facts.map(({ type }) => type)).toEqual(['activated', 'expired']);
  });
});
