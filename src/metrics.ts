/** What the service counts and measures, for Prometheus. */
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import type { Fact } from './lease/fact.ts';
import { type Stage, stages } from './lease/refusal.ts';
import type { Counts } from './lease/view.ts';

export interface Metrics {
  /** Notes that a request has come for a route; what it gives is told the status of the answer. */
  asked(method: string, route: string): (status: number) => void;
  committed(facts: readonly Fact[], commitMs: number): void;
  swept(leases: number): void;
  /** The metrics in Prometheus' text format. */
  text(): Promise<string>;
  readonly contentType: string;
}

/** `pool` is looked at whenever the metrics are asked for. */
export function createMetrics(pool: { readonly stage: Stage; readonly counts: Counts }): Metrics {
  const registry = new Registry();
  const registers = [registry];
  collectDefaultMetrics({ register: registry });
  const facts = new Counter({
    name: 'leasehold_facts_total',
    help: 'Facts committed, by type and reason',
    labelNames: ['type', 'reason'] as const,
    registers,
  });
  const lateness = new Histogram({
    name: 'leasehold_expiry_lateness_seconds',
    help: 'How long after its deadline a lease was ended',
    buckets: [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 1, 5],
    registers,
  });
  const commit = new Histogram({
    name: 'leasehold_commit_seconds',
    help: 'How long a commit took',
    buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 1, 5],
    registers,
  });
  const batch = new Histogram({
    name: 'leasehold_commit_facts',
    help: 'How many facts shared a commit',
    buckets: [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024],
    registers,
  });
  const swept = new Counter({
    name: 'leasehold_swept_leases_total',
    help: 'Leases ended by the sweep because their timer had not fired: always 0 unless there is a bug',
    registers,
  });
  const answers = new Histogram({
    name: 'leasehold_http_request_seconds',
    help: 'From a request to its answer, by route and status',
    labelNames: ['method', 'route', 'status'] as const,
    buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 1, 5],
    registers,
  });
  new Gauge({
    name: 'leasehold_stage',
    help: 'What the service is doing: 1 for its stage, 0 for the others',
    labelNames: ['stage'] as const,
    registers,
    collect() {
      for (const stage of stages) this.set({ stage }, stage === pool.stage ? 1 : 0);
    },
  });
  new Gauge({
    name: 'leasehold_tokens',
    help: 'Tokens of the pool, by status, where it is served',
    labelNames: ['status'] as const,
    registers,
    collect() {
      this.reset();
      if (pool.stage !== 'serving') return;
      const { available, active } = pool.counts;
      this.set({ status: 'available' }, available);
      this.set({ status: 'active' }, active);
    },
  });
  return {
    asked(method, route) {
      const answered = answers.startTimer({ method, route });
      return (status) => void answered({ status });
    },
    committed(batchFacts, commitMs) {
      if (batchFacts.length === 0) return;
      commit.observe(commitMs / 1000);
      batch.observe(batchFacts.length);
      for (const { type, reason, at, lease } of batchFacts) {
        facts.inc({ type, reason });
        if (type === 'expired') lateness.observe((at - lease.expiresAt) / 1000);
      }
    },
    swept: (leases) => swept.inc(leases),
    text: () => registry.metrics(),
    contentType: registry.contentType,
  };
}
