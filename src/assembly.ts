/** What a process is put together from: database → journal → service → HTTP app. For the command and for in-process tests alike. */
import { readFileSync } from 'node:fs';
import type { Hono } from 'hono';
import { type Clock, elapsedMs, systemClock } from './clock.ts';
import { type Config, clientPool } from './config.ts';
import { createApp } from './http/app.ts';
import { Journal } from './journal/journal.ts';
import type { Stage } from './lease/refusal.ts';
import type { Logger } from './log.ts';
import { createMetrics } from './metrics.ts';
import { newId } from './random.ts';
import { Service, type ServiceOptions } from './service/service.ts';
import { Seats } from './service/waiting.ts';
import { SimulatedClock } from './simulated-clock.ts';
import { serveVisualizer } from './visualizer/serve.ts';

const standbyPollMs = 150;
/** A large pool has long steps, during which it is not heard of. */
const silenceMsPerToken = 0.05;
const retryMs = 100;
const retryMsMax = 1000;
/** Of those who watch the log. */
const streamKeepAliveMs = 15_000;
const streamPatienceMs = 30_000;

export const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as {
  version: string;
};

const said: Record<Stage, string> = {
  starting: 'opens the pool',
  standby: 'stands by: another process serves the pool',
  serving: 'serves the pool',
  degraded: 'the database does not commit: nothing is granted until it does',
  fenced: 'another process has opened the pool',
  stopping: 'grants nothing more',
};

/** `dataDir`: null for a database in memory, which is gone with the process. */
export type AssemblyConfig = Omit<Config, 'dataDir'> & { dataDir: string | null };

export interface Host {
  log: Logger;
  /** Cannot go on: nothing is answered from what may be wrong. */
  crashed(error: unknown): void;
  /** Before simulated time goes on from an instant at which something was due, this has come about. null: there is nothing to wait for. */
  settled?: () => Promise<void> | null;
  /** Is shown all that goes on in the default pool. */
  inspect?: NonNullable<ServiceOptions['inspect']>;
  /** Not the process itself, where it is not the service's own: that is watched once and for all. */
  processMetrics?: boolean;
}

export interface Assembly {
  /** What leases go by. */
  clock: Clock;
  journal: Journal;
  /** Not started yet. */
  service: Service;
  app: Hono;
  /** Of those who wait in line. */
  seats: Seats;
}

/** Opens the database, and takes no pool before the service is started. */
export async function assemble(config: AssemblyConfig, host: Host): Promise<Assembly> {
  const timers = systemClock();
  const clock = config.clockKind === 'simulated' ? new SimulatedClock(timers.now()) : timers;
  const journal = await openJournal(config, timers);
  const seats = new Seats(Math.floor(config.maxConnections / 2));
  const { log } = host;
  const service: Service = new Service(
    journal,
    {
      clock,
      timers,
      sweepTimers: timers,
      elapsed: elapsedMs,
      declared: config.pools,
      proofRequired: config.proofRequired,
      unproven: clientPool,
      seats,
      standbyPollMs,
      retentionMs: config.eventRetentionMs,
      keysMax: config.idempotencyKeysMax,
      tokensMax: config.tokensMax,
      ...(host.settled && { settled: host.settled }),
      ...(host.inspect && { inspect: host.inspect }),
    },
    {
      stage(stage, why) {
        if (why) log.warn({ stage, err: why }, said[stage]);
        else log[stage === 'fenced' ? 'warn' : 'info']({ stage }, said[stage]);
      },
      committed: (facts, commitMs) => metrics.committed(facts, commitMs),
      unanswered: (error) => log.warn({ err: error }, 'the database did not answer a question'),
      swept(leases) {
        metrics.swept(leases);
        log.error({ leases }, 'the sweep ended leases whose timers had not fired');
      },
      damaged: (pool, why) => log.error({ pool }, why),
      pruned: (facts, keys) => metrics.pruned(facts, keys),
      crashed: (error) => host.crashed(error),
    },
  );
  const metrics = createMetrics(service, host.processMetrics);
  const app = createApp(service, metrics, log, {
    standard: config.pools[0].options,
    clientPool,
    version,
    clockKind: config.clockKind,
    stream: {
      timers,
      seats: new Seats(Math.floor(config.maxConnections / 4)),
      keepAliveMs: streamKeepAliveMs,
      patienceMs: streamPatienceMs,
    },
  });
  serveVisualizer(app);
  return { clock, journal, service, app, seats };
}

/** Its waits are real, whatever leases go by. */
async function openJournal(config: AssemblyConfig, timers: Clock): Promise<Journal> {
  const { commitTimeoutMs, heartbeatTimeoutMs } = config;
  let held: Journal | undefined;
  held = await Journal.open(config, newId(), {
    silenceMs: () => heartbeatTimeoutMs + (held?.tokens ?? 0) * silenceMsPerToken,
    commitTimeoutMs,
    holdTimeoutMs: Math.min(commitTimeoutMs, heartbeatTimeoutMs + 500),
    patienceMs: commitTimeoutMs,
    retryMs,
    retryMsMax,
    now: elapsedMs,
    timers,
  });
  return held;
}
