/** What Prometheus is told. */
import { describe, expect, it } from 'vitest';
import { type Outcome, refused, stages } from '../src/lease/refusal.ts';
import type { Counts } from '../src/lease/view.ts';
import { createMetrics } from '../src/metrics.ts';

const counts = { available: 3, active: 1, total: 6, waiting: 7 };
const pool = {
  stage: 'serving' as (typeof stages)[number],
  pools(): Outcome<{ name: string; counts: Counts }[]> {
    if (this.stage !== 'serving') return refused({ code: 'unavailable', stage: this.stage });
    return { ok: [{ name: 'default', counts }] };
  },
};
// Default metrics watch the event loop: one watch is enough for the file.
const metrics = createMetrics(pool);

/** The samples of one metric, by their labels as they are written. */
async function samples(name: string): Promise<Record<string, number>> {
  const lines = (await metrics.text()).split('\n').filter((line) => line.startsWith(`${name}{`));
  return Object.fromEntries(
    lines.map((line) => [line.slice(name.length, line.lastIndexOf(' ')), Number(line.split(' ').at(-1))]),
  );
}

describe('the metrics', () => {
  it.each(stages)('say 1 for the stage %s, and 0 for the others', async (stage) => {
    pool.stage = stage;
    expect(await samples('leasehold_stage')).toEqual(
      Object.fromEntries(stages.map((each) => [`{stage="${each}"}`, each === stage ? 1 : 0])),
    );
  });

  it('count the tokens where the pool is served, and nowhere else', async () => {
    pool.stage = 'serving';
    expect(await samples('leasehold_tokens')).toEqual({
      '{pool="default",status="available"}': 3,
      '{pool="default",status="active"}': 1,
      '{pool="default",status="aside"}': 2,
    });
    expect(await samples('leasehold_waiting')).toEqual({ '{pool="default"}': 7 });
    for (const stage of stages) {
      if (stage === 'serving') continue;
      pool.stage = stage;
      expect(await samples('leasehold_tokens')).toEqual({});
    }
  });

  it('count facts by pool, type and reason', async () => {
    const fact = { at: 7, expiresAt: null };
    const granted = { ...fact, type: 'activated', reason: 'allocated' } as const;
    const opened = { ...fact, pool: 'gpu', type: 'opened', reason: 'pool_opened' } as const;
    metrics.committed(
      [
        { ...granted, pool: 'default' },
        { ...granted, pool: 'gpu' },
      ],
      1,
    );
    metrics.committed([opened, { ...granted, pool: 'gpu' }], 1);
    expect(await samples('leasehold_facts_total')).toEqual({
      '{pool="default",type="activated",reason="allocated"}': 1,
      '{pool="gpu",type="activated",reason="allocated"}': 2,
      '{pool="gpu",type="opened",reason="pool_opened"}': 1,
    });
  });

  it('count requests by method, route and status', async () => {
    metrics.asked('GET', '/api/tokens/:id')(200);
    metrics.asked('GET', '/api/tokens/:id')(200);
    metrics.asked('GET', '/api/tokens/:id')(404);
    expect(await samples('leasehold_http_request_seconds_count')).toEqual({
      '{method="GET",route="/api/tokens/:id",status="200"}': 2,
      '{method="GET",route="/api/tokens/:id",status="404"}': 1,
    });
  });
});
