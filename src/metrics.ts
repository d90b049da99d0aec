/** What the service counts and measures, for Prometheus. */
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import type { FactType, Reason } from './lease/fact.ts';
import { type Outcome, type Stage, stages } from './lease/refusal.ts';
import type { Counts } from './lease/view.ts';

/** As much of a fact as is counted. */
interface CommittedFact {
  pool: string;
  type: FactType;
  reason: Reason;
  at: number;
  expiresAt: number | null;
}

export interface Metrics {
  /** Notes that a request has come for a route; what it gives is told the status of the answer. */
  asked(method: string, route: string): (status: number) => void;
  committed(facts: readonly CommittedFact[], commitMs: number): void;
  swept(leases: number): void;
  pruned(facts: number, keys: number): void;
  /** The metrics in Prometheus' text format. */
  text(): Promise<string>;
  readonly contentType: string;
}

/** `pool` is looked at whenever the metrics are asked for. `ofProcess`: the process itself too, which costs it a watch for good. */
export function createMetrics(pool: PoolSeen, ofProcess = true): Metrics {
  const registry = new Registry();
  if (ofProcess) collectDefaultMetrics({ register: registry });
  watch(pool, registry);
  return {
    asked: answerMetrics(registry),
    committed: commitMetrics(registry),
    swept: sweepMetrics(registry),
    pruned: pruningMetrics(registry),
    text: () => registry.metrics(),
    contentType: registry.contentType,
  };
}

interface PoolSeen {
  readonly stage: Stage;
  /** Of each pool that is served. */
  pools(): Outcome<readonly { name: string; counts: Counts }[]>;
}

const secondsBuckets = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 1, 5];

function watch(pool: PoolSeen, registry: Registry): void {
  const registers = [registry];
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
    help: 'Tokens of each pool that is served, by status',
    labelNames: ['pool', 'status'] as const,
    registers,
    collect() {
      this.reset();
      for (const { name, counts } of served(pool)) {
        const { available, active, total } = counts;
        this.set({ pool: name, status: 'available' }, available);
        this.set({ pool: name, status: 'active' }, active);
        this.set({ pool: name, status: 'aside' }, total - available - active);
      }
    },
  });
  new Gauge({
    name: 'leasehold_waiting',
    help: 'Users who stand in line for a token of each pool',
    labelNames: ['pool'] as const,
    registers,
    collect() {
      this.reset();
      for (const { name, counts } of served(pool)) this.set({ pool: name }, counts.waiting);
    },
  });
}

function served(service: PoolSeen): readonly { name: string; counts: Counts }[] {
  const pools = service.pools();
  return 'ok' in pools ? pools.ok : [];
}

function answerMetrics(registry: Registry): Metrics['asked'] {
  const answers = new Histogram({
    name: 'leasehold_http_request_seconds',
    help: 'From a request to its answer, by route and status',
    labelNames: ['method', 'route', 'status'] as const,
    buckets: secondsBuckets,
    registers: [registry],
  });
  return (method, route) => {
    const answered = answers.startTimer({ method, route });
    return (status) => void answered({ status });
  };
}

function commitMetrics(registry: Registry): Metrics['committed'] {
  const registers = [registry];
  const counted = new Counter({
    name: 'leasehold_facts_total',
    help: 'Facts committed, by pool, type and reason',
    labelNames: ['pool', 'type', 'reason'] as const,
    registers,
  });
  const lateness = new Histogram({
    name: 'leasehold_expiry_lateness_seconds',
    help: 'How long after its deadline a lease was ended',
    buckets: secondsBuckets,
    registers,
  });
  const commit = new Histogram({
    name: 'leasehold_commit_seconds',
    help: 'How long a commit took',
    buckets: secondsBuckets,
    registers,
  });
  const batch = new Histogram({
    name: 'leasehold_commit_facts',
    help: 'How many facts shared a commit',
    buckets: [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024],
    registers,
  });
  return (facts, commitMs) => {
    if (facts.length === 0) return;
    commit.observe(commitMs / 1000);
    batch.observe(facts.length);
    for (const { pool, type, reason, at, expiresAt } of facts) {
      counted.inc({ pool, type, reason });
      if (type === 'expired') lateness.observe((at - expiresAt!) / 1000);
    }
  };
}

function sweepMetrics(registry: Registry): Metrics['swept'] {
  const swept = new Counter({
    name: 'leasehold_swept_leases_total',
    help: 'Leases ended by the sweep because their timer had not fired: always 0 unless there is a bug',
    registers: [registry],
  });
  return (leases) => swept.inc(leases);
}

function pruningMetrics(registry: Registry): Metrics['pruned'] {
  const pruned = new Counter({
    name: 'leasehold_pruned_total',
    help: 'What is no longer kept: facts (EVENT_RETENTION), and answers to requests with a key (24 hours, IDEMPOTENCY_KEYS_MAX)',
    labelNames: ['what'] as const,
    registers: [registry],
  });
  return (facts, keys) => {
    pruned.inc({ what: 'facts' }, facts);
    pruned.inc({ what: 'keys' }, keys);
  };
}
