/** Start-up and shut-down, top to bottom: config → journal → service → HTTP → the pool. */
import { readFileSync } from 'node:fs';
import { systemClock } from './clock.ts';
import { type Config, readConfig } from './config.ts';
import { createApp } from './http/app.ts';
import { close, listen } from './http/server.ts';
import { Journal } from './journal/journal.ts';
import { createLog, type Logger } from './log.ts';
import { createMetrics } from './metrics.ts';
import { Service } from './service/service.ts';

const pool = 'default';
const standbyPollMs = 250;
const retryMs = 100;
const retryMsMax = 1000;

const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as {
  version: string;
};

async function main(config: Config, log: Logger): Promise<void> {
  const startedAt = performance.now();
  const onSignal = heedSignals(log, 2 * config.shutdownTimeoutMs);
  process.on('uncaughtException', (error) => die(log, 'a bug: what it leaves undone is not known', error));
  const journal = await Journal.open(config, pool, {
    commitTimeoutMs: config.commitTimeoutMs,
    patienceMs: config.commitTimeoutMs,
    retryMs,
    retryMsMax,
    now: () => performance.now(),
  });
  const service: Service = new Service(
    journal,
    {
      clock: systemClock(),
      size: config.poolSize,
      ttlMs: config.ttlMs,
      proofRequired: config.proofRequired,
      standbyPollMs,
    },
    {
      stage: (stage, why) => (why ? log.warn({ stage, err: why }, 'stage') : log.info({ stage }, 'stage')),
      committed: (facts, commitMs) => metrics.committed(facts, commitMs),
      swept(leases) {
        metrics.swept(leases);
        log.error({ leases }, 'the sweep ended leases whose timers had not fired');
      },
      crashed: (error) => die(log, 'cannot go on: nothing is answered from what may be wrong', error),
    },
  );
  const metrics = createMetrics(() => service.counts);
  const app = createApp(service, metrics, log, { ttlMsMax: config.ttlMsMax, version });
  // The port comes before the pool: who cannot listen must not take the pool from one who can.
  const server = await listen(app, config);
  await service.start();
  const startMs = Math.round(performance.now() - startedAt);
  log.info({ stage: service.stage, journal: journal.name, tokens: config.poolSize, startMs }, 'started');
  announce(config, server.address());

  onSignal(async () => {
    service.stopServing();
    await close(server, config.shutdownTimeoutMs);
    await service.close();
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

/** For a person at a terminal; the log lines are for machines. */
function announce(config: Config, address: unknown): void {
  if (!process.stdout.isTTY && process.env.npm_lifecycle_event === undefined) return;
  const { port } = address as { port: number };
  const base = `http://${config.host.includes(':') ? `[${config.host}]` : config.host}:${port}`;
  process.stdout.write(`
  Leasehold serves ${config.poolSize} tokens at ${base}

    curl -X POST ${base}/api/tokens/allocate
    ${base}/docs       the API, to read and to try
    ${base}/metrics    for Prometheus

`);
}

function die(log: Logger, what: string, error?: unknown): never {
  log.fatal({ err: error }, what);
  process.exit(1);
}

/** What keeps the service from starting, in words for the person who starts it. */
function explain(error: unknown): string {
  const { code, address, port, message } = error as NodeJS.ErrnoException & {
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
      return `${address ?? message} is not an address of this machine (HOST)`;
    default:
      return message;
  }
}

try {
  const config = readConfig(process.env);
  await main(config, createLog(config.logLevel));
} catch (error) {
  process.stderr.write(`leasehold: ${explain(error)}\n`);
  process.exit(1);
}
