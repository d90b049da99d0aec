/** The built service as its users run it: a process of its own, on a free port. None outlives its test. */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { projectFolder } from './build.ts';
import type { Where } from './databases.ts';
import { atEnd } from './lifetime.ts';
import { freePort } from './postgres-server.ts';

export interface Exit {
  code: number | null;
  signal: NodeJS.Signals | null;
}

export interface HttpAnswer<T = Record<string, unknown>> {
  status: number;
  headers: Headers;
  body: T;
}

export type Environment = Record<string, string>;

export class ServiceProcess {
  readonly url: string;
  readonly exited: Promise<Exit>;
  exit: Exit | null = null;
  stdout = '';
  stderr = '';
  readonly #child: ChildProcess;

  /** `inGroup`: it leads a process group, and a signal goes to it alone all the same. */
  constructor(command: string, args: string[], env: Environment, inGroup = false) {
    this.url = `http://127.0.0.1:${env.PORT}`;
    // Nothing of this run's own environment but what it takes to find Node: `npm test` would be heard by the service.
    const { PATH = '', HOME = '' } = process.env;
    const options = { cwd: projectFolder, env: { PATH, HOME, ...env }, detached: inGroup };
    this.#child = spawn(command, args, { ...options, stdio: ['ignore', 'pipe', 'pipe'] });
    this.#child.stdout!.setEncoding('utf8').on('data', (text: string) => {
      this.stdout += text;
    });
    this.#child.stderr!.setEncoding('utf8').on('data', (text: string) => {
      this.stderr += text;
    });
    // `close` comes after `exit`, when all that it said has been read.
    this.exited = new Promise((resolve) => {
      this.#child.once('close', (code, signal) => {
        this.exit = { code, signal };
        resolve(this.exit);
      });
    });
    atEnd(async () => {
      if (this.exit === null) this.#end(inGroup);
      await this.exited;
    });
  }

  get pid(): number {
    return this.#child.pid!;
  }

  /** The log, one object a line. Throws if a line is no JSON. */
  get log(): Record<string, unknown>[] {
    return this.stdout
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line));
  }

  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<Exit> {
    this.signal(signal);
    return this.exited;
  }

  get<T = Record<string, unknown>>(path: string): Promise<HttpAnswer<T>> {
    return this.#ask(path, {});
  }

  post<T = Record<string, unknown>>(path: string, body: object = {}): Promise<HttpAnswer<T>> {
    const headers = { 'content-type': 'application/json' };
    return this.#ask(path, { method: 'POST', headers, body: JSON.stringify(body) });
  }

  /** Resolves once /readyz names the stage; throws if the process ends instead. */
  async ready(stage = 'serving'): Promise<this> {
    await until(`/readyz says ${stage}`, async () => {
      if (this.exit) throw new Error(`ended with ${JSON.stringify(this.exit)}\n${this.stdout}${this.stderr}`);
      return (await this.get('/readyz').catch(() => null))?.body.status === stage;
    });
    return this;
  }

  async #ask<T>(path: string, init: RequestInit): Promise<HttpAnswer<T>> {
    const response = await fetch(this.url + path, init);
    return { status: response.status, headers: response.headers, body: (await response.json()) as T };
  }

  #end(wholeGroup: boolean): void {
    // A stopped process does not take part in its own end, but SIGKILL needs nobody's part.
    if (wholeGroup) process.kill(-this.pid, 'SIGKILL');
    else this.#child.kill('SIGKILL');
  }
}

/** Starts the service, and does not wait for it. */
export async function spawnService(where: Where, env: Environment = {}): Promise<ServiceProcess> {
  return new ServiceProcess(process.execPath, [join('dist', 'main.js')], await environment(where, env));
}

/** Starts the service, and waits until it is ready to serve. */
export async function startService(where: Where, env: Environment = {}): Promise<ServiceProcess> {
  return (await spawnService(where, env)).ready();
}

export async function environment(
  { databaseUrl, dataDir }: Where,
  env: Environment = {},
): Promise<Environment> {
  const database: Environment = databaseUrl ? { DATABASE_URL: databaseUrl } : { DATA_DIR: dataDir };
  return { PORT: String(await freePort()), ...database, ...env };
}

const patienceMs = 45_000;

export const pause = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));

/** Asks until it is so, which real processes take their time for; fails when that is far too long. */
export async function until(what: string, isSo: () => boolean | Promise<boolean>): Promise<void> {
  const end = performance.now() + patienceMs;
  while (!(await isSo())) {
    if (performance.now() > end) throw new Error(`it never came about that ${what}`);
    await pause(20);
  }
}

export interface Ended {
  code: number;
  stdout: string;
  stderr: string;
}

/** Runs the built command, with the database of `where`. */
export const runLeasehold = (where: Where | null, ...args: string[]): Promise<Ended> =>
  runCommand(process.execPath, [join('dist', 'main.js'), ...args], where);

export async function runCommand(command: string, args: string[], where: Where | null): Promise<Ended> {
  const { PATH = '', HOME = '' } = process.env;
  const env = { PATH, HOME, ...(where && (await environment(where))) };
  try {
    const said = await promisify(execFile)(command, args, { cwd: projectFolder, env, maxBuffer: 2 ** 26 });
    return { code: 0, ...said };
  } catch (error) {
    return error as Ended;
  }
}
