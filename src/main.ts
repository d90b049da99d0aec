#!/usr/bin/env node
/** Start-up and shut-down, top to bottom: config → journal → service → HTTP → the pool. */
import { readFileSync } from 'node:fs';
import { reasonOf } from './cause.ts';
import { elapsedMs, systemClock } from './clock.ts';
import { type Config, clientPool, readConfig } from './config.ts';
import { createApp } from './http/app.ts';
import { close, listen } from './http/server.ts';
import { openInspector } from './inspector.ts';
import { Journal } from './journal/journal.ts';
import { isLateWrite } from './journal/late-write.ts';
import type { Stage } from './lease/refusal.ts';
import { createLog, type Logger } from './log.ts';
import { createMetrics } from './metrics.ts';
import { newId } from './random.ts';
import { Service } from './service/service.ts';
import { Seats } from './service/waiting.ts';
import { runCommand } from './verify/command.ts';
import { serveVisualizer } from './visualizer/serve.ts';

const standbyPollMs = 150;
/** A large pool has long steps, during which it is not heard of. */
const silenceMsPerToken = 0.05;
const retryMs = 100;
const retryMsMax = 1000;
/** Of those who watch the log. */
const streamKeepAliveMs = 15_000;
const streamPatienceMs = 30_000;

/** How long closing the database may take. */
const closingMsMax = 6000;

const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as {
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

async function main(config: Config, log: Logger): Promise<void> {
  const startedAt = elapsedMs();
  const onSignal = heedSignals(log, config.shutdownTimeoutMs + closingMsMax);
  process.on('uncaughtException', (error) => {
    if (isLateWrite(error)) log.warn({ err: error }, 'the driver wrote to a connection that was closed');
    else die(log, 'a bug: what it leaves undone is not known', error);
  });
  const inspect = config.statelyInspector && (await openInspector(config.statelyInspector));
  log.info(config.databaseUrl ? 'opens the database of DATABASE_URL' : 'opens the embedded database');
  const clock = systemClock();
  let held: Journal | undefined;
  const journal = await Journal.open(config, newId(), {
    silenceMs: () => config.heartbeatTimeoutMs + (held?.tokens ?? 0) * silenceMsPerToken,
    commitTimeoutMs: config.commitTimeoutMs,
    holdTimeoutMs: Math.min(config.commitTimeoutMs, config.heartbeatTimeoutMs + 500),
    patienceMs: config.commitTimeoutMs,
    retryMs,
    retryMsMax,
    now: elapsedMs,
    timers: clock,
  });
  held = journal;
  const service: Service = new Service(
    journal,
    {
      clock,
      timers: clock,
      declared: config.pools,
      proofRequired: config.proofRequired,
      unproven: clientPool,
      seats: new Seats(Math.floor(config.maxConnections / 2)),
      standbyPollMs,
      retentionMs: config.eventRetentionMs,
      keysMax: config.idempotencyKeysMax,
      tokensMax: config.tokensMax,
      ...(inspect && { inspect }),
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
      crashed: (error) => die(log, 'cannot go on: nothing is answered from what may be wrong', error),
    },
  );
  const metrics = createMetrics(service);
  const app = createApp(service, metrics, log, {
    standard: config.pools[0].options,
    clientPool,
    version,
    stream: { timers: clock, keepAliveMs: streamKeepAliveMs, patienceMs: streamPatienceMs },
  });
  serveVisualizer(app);
  // The port comes before the pool: who cannot listen must not take the pool from one who can.
  const server = await listen(app, config);
  await service.start();
  const url = urlOf(config.host, server.address());
  const startMs = Math.round(elapsedMs() - startedAt);
  const served = countServed(service);
  log.info({ stage: service.stage, url, journal: journal.name, ...served, startMs }, 'started');
  announce(url, served?.tokens);

  onSignal(async () => {
    const stopAt = elapsedMs() + config.shutdownTimeoutMs;
    service.stopServing();
    await close(server, config.shutdownTimeoutMs);
    const lost = await service.close(Math.max(0, stopAt - elapsedMs()));
    if (lost > 0)
      throw new Error(`the database took no more; facts lost, none of them acknowledged: ${lost}`);
  });
}

/**
 * Says what a signal does from now on. Until then it ends the process at once, with nothing begun; that has to
 * be said, for the first process of a container has no default.
 */
function heedSignals(log: Logger, stopTimeoutMs: number): (stop: () => Promise<void>) => void {
  let stop = async () => {};
  let stopping = false;
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.on(signal, () => {
      // Under npm, Ctrl-C comes twice: from the terminal, and passed on. The second must not cut the first short.
      if (stopping) return;
      stopping = true;
      log.info({ signal }, 'stopping');
      setTimeout(() => die(log, 'stopping took too long'), stopTimeoutMs).unref();
      stop().then(
        () => {
          log.info('stopped');
          process.exit(0);
        },
        (error) => die(log, 'stopping failed', error),
      );
    });
  }
  return (then) => {
    stop = then;
  };
}

function urlOf(host: string, address: unknown): string {
  const { port } = address as { port: number };
  return `http://${host.includes(':') ? `[${host}]` : host}:${port}`;
}

/** What there is by now, whatever was declared: pools can have been made, changed and used before. Nothing on standby. */
function countServed(service: Service): { pools: number; tokens: number } | undefined {
  const served = service.pools();
  if ('refused' in served) return undefined;
  const tokens = served.ok.reduce((sum, { counts }) => sum + counts.total, 0);
  return { pools: served.ok.length, tokens };
}

/** For a person at a terminal; the log lines are for machines. `tokens`: absent on standby. */
function announce(url: string, tokens: number | undefined): void {
  if (!process.stdout.isTTY && process.env.npm_lifecycle_event === undefined) return;
  const what = tokens === undefined ? 'stands by' : `serves ${tokens} tokens`;
  process.stdout.write(`
  Leasehold ${what} at ${url}

    curl -X POST ${url}/api/tokens/allocate
    ${url}/visualizer  to watch it work
    ${url}/docs        the API, to read and to try
    ${url}/metrics     for Prometheus

`);
}

function die(log: Logger, what: string, error?: unknown): never {
  log.fatal({ err: error }, error === undefined ? what : `${what}: ${reasonOf(error)}`);
  process.exit(1);
}

/** What keeps the service from starting, in words for the person who starts it. */
function explain(error: unknown): string {
  const { code, hostname, address, port, message } = error as NodeJS.ErrnoException & {
    hostname?: string;
    address?: string;
    port?: number;
  };
  switch (code) {
    case 'EADDRINUSE':
      return `port ${port} on ${address} is taken: stop what listens there, or set another PORT`;
    case 'EACCES':
      return `not allowed to listen on port ${port} (PORT)`;
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return `${hostname ?? address} is not an address of this machine (HOST)`;
    default:
      return message;
  }
}

const args = process.argv.slice(2);
try {
  if (args.length > 0) {
    const config = () => readConfig(process.env);
    const { stdout, stderr } = process;
    process.exitCode = await runCommand(args, { config, version, now: elapsedMs, stdout, stderr });
  } else {
    const config = readConfig(process.env);
    await main(config, createLog(config.logLevel));
  }
} catch (error) {
  process.stderr.write(`leasehold: ${explain(error)}\n`);
  process.exit(1);
}
