/** The built service, and what it is measured against, as processes of their own. */
import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { freePort } from '../support/postgres-server.ts';

const root = join(import.meta.dirname, '../..');

export interface Running {
  url: string;
  /** From being started to its first answer. */
  startMs: number;
  /** Resident memory. */
  megabytes(): number;
  /** Processor time used so far. */
  cpuMs(): number;
  stop(): Promise<void>;
}

export type Settings = Record<string, string>;

/** The service, as `npm start` runs it after its build. */
export const startService = (settings: Settings): Promise<Running> =>
  run('node', ['dist/main.js'], { LOG_LEVEL: 'warn', ...settings }, '/readyz');

/** One SQL statement a request, on the same server: what one would write instead. */
export const startPlainSql = (url: string): Promise<Running> =>
  run('node', ['--import', 'tsx', 'test/bench/plain-sql.ts'], { DATABASE_URL: url }, '/readyz');

/** A Hono route that does nothing: what this machine could answer at best in this minute. */
export const startEmptyRoute = (): Promise<Running> =>
  run('node', ['--import', 'tsx', 'test/bench/empty-route.ts'], {}, '/');

export async function run(
  command: string,
  args: string[],
  settings: Settings,
  readyPath: string,
): Promise<Running> {
  const port = await freePort();
  const startedAt = performance.now();
  const child = spawn(command, args, {
    cwd: root,
    env: { ...process.env, NODE_ENV: 'production', PORT: String(port), ...settings },
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  const url = `http://127.0.0.1:${port}`;
  await ready(child, url + readyPath);
  return {
    url,
    startMs: performance.now() - startedAt,
    megabytes: () => statistic(child, 'status', /VmRSS:\s+(\d+)/) / 1024,
    cpuMs: () => cpuTicks(child) * 10,
    stop: () =>
      new Promise((resolve) => {
        child.once('exit', () => resolve());
        child.kill('SIGTERM');
      }),
  };
}

async function ready(child: ChildProcess, url: string): Promise<void> {
  for (;;) {
    if (child.exitCode !== null) throw new Error(`the process ended with ${child.exitCode}`);
    const answer = await fetch(url).catch(() => null);
    await answer?.arrayBuffer();
    if (answer?.ok) return;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

function statistic(child: ChildProcess, file: string, pattern: RegExp): number {
  return Number(pattern.exec(readFileSync(`/proc/${child.pid}/${file}`, 'utf8'))?.[1]);
}

function cpuTicks(child: ChildProcess): number {
  const fields = readFileSync(`/proc/${child.pid}/stat`, 'utf8').split(') ')[1]!.split(' ');
  return Number(fields[11]) + Number(fields[12]);
}
