#!/usr/bin/env node
/** Start-up and shut-down, top to bottom: config → what it is put together from → the port → the pools. */
import { assemble, version } from './assembly.ts';
import { reasonOf } from './cause.ts';
import { elapsedMs } from './clock.ts';
import { type Config, readConfig } from './config.ts';
import { close, listen } from './http/server.ts';
import { openInspector } from './inspector.ts';
import { isLateWrite } from './journal/late-write.ts';
import { createLog, type Logger } from './log.ts';
import type { Service } from './service/service.ts';
import { runCommand } from './verify/command.ts';

/** How long closing the database may take. */
const closingMsMax = 6000;

async function main(config: Config, log: Logger): Promise<void> {
  const startedAt = elapsedMs();
  const onSignal = heedSignals(log, config.shutdownTimeoutMs + closingMsMax);
  process.on('uncaughtException', (error) => {
    if (isLateWrite(error)) log.warn({ err: error }, 'the driver wrote to a connection that was closed');
    else die(log, 'a bug: what it leaves undone is not known', error);
  });
  const inspect = config.statelyInspector && (await openInspector(config.statelyInspector));
  log.info(config.databaseUrl ? 'opens the database of DATABASE_URL' : 'opens the embedded database');
  const { journal, service, app } = await assemble(config, {
    log,
    ...(inspect && { inspect }),
    crashed: (error) => die(log, 'cannot go on: nothing is answered from what may be wrong', error),
  });
  // The port comes before the pool: who cannot listen must not take the pool from one who can.
  const server = await listen(app, config);
  await service.start();
  const url = urlOf(config.host, server.address());
  const startMs = Math.round(elapsedMs() - startedAt);
  const served = countServed(service);
  log.info(
    { stage: service.stage, url, journal: journal.name, clock: config.clockKind, ...served, startMs },
    'started',
  );
  announce(url, served?.tokens, config.clockKind);

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
function announce(url: string, tokens: number | undefined, clockKind: Config['clockKind']): void {
  if (!process.stdout.isTTY && process.env.npm_lifecycle_event === undefined) return;
  const what = tokens === undefined ? 'stands by' : `serves ${tokens} tokens`;
  const move = `time is simulated, and stands still until it is moved:
    curl -X POST ${url}/api/clock/advance -H 'Content-Type: application/json' -d '{"ms":120000}'

    `;
  process.stdout.write(`
  Leasehold ${what} at ${url}

    ${clockKind === 'simulated' ? move : ''}curl -X POST ${url}/api/tokens/allocate
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
