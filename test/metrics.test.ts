/** What Prometheus is told. */
import { describe, expect, it } from 'vitest';
import { stages } from '../src/lease/refusal.ts';
import { createMetrics } from '../src/metrics.ts';

const pool = { stage: 'serving' as (typeof stages)[number], counts: { available: 3, active: 1, total: 4 } };
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
    expect(await samples('leasehold_tokens')).toEqual({ '{status="available"}': 3, '{status="active"}': 1 });
    for (const stage of stages) {
      if (stage === 'serving') continue;
      pool.stage = stage;
      expect(await samples('leasehold_tokens')).toEqual({});
    }
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
