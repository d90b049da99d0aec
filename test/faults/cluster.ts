/** Processes of the service on one database, each by a cable of its own where there is a wire. None outlives its test. */
import { Cable } from '../support/cable.ts';
import type { Where } from '../support/databases.ts';
import { freePort } from '../support/postgres-server.ts';
import { type Environment, type Exit, type ServiceProcess, spawnService, until } from '../support/process.ts';
import type { Asking } from './recorder.ts';

export class Member implements Asking {
  readonly name: string;
  readonly url: string;
  readonly cable: Cable | null;
  readonly #where: Where;
  readonly #env: Environment;
  #service: ServiceProcess | null = null;
  #isWanted = true;

  constructor(name: string, port: number, where: Where, cable: Cable | null, env: Environment) {
    this.name = name;
    this.url = `http://127.0.0.1:${port}`;
    this.cable = cable;
    this.#where = cable ? { ...where, databaseUrl: cable.url } : where;
    this.#env = { ...env, PORT: String(port) };
  }

  get service(): ServiceProcess {
    return this.#service!;
  }

  get isRunning(): boolean {
    return this.#service?.exit === null;
  }

  /** Whether it ended, and nobody had told it to. */
  get hasCrashed(): boolean {
    return this.#isWanted && this.service.exit !== null;
  }

  /** Ends it, and waits for that. */
  async end(signal: NodeJS.Signals): Promise<Exit> {
    this.#isWanted = false;
    return this.service.stop(signal);
  }

  /** What it logged last, for a person to read. */
  lastWords(): string {
    const { exit, log } = this.service;
    const lines = log.slice(-6).map(({ time, stage = '', msg }) => `  ${time} ${stage} ${msg}`);
    return [`${this.name}, ${exit ? `ended with ${exit.code ?? exit.signal}` : 'running'}`, ...lines].join(
      '\n',
    );
  }

  /** Starts it, and does not wait for it. */
  async start(more: Environment = {}): Promise<this> {
    this.#isWanted = true;
    this.#service = await spawnService(this.#where, { ...this.#env, ...more });
    return this;
  }

  /** What /readyz says; null if nobody answers at once. */
  async stage(): Promise<string | null> {
    try {
      const response = await fetch(`${this.url}/readyz`, { signal: AbortSignal.timeout(300) });
      return ((await response.json()) as { status: string }).status;
    } catch {
      return null;
    }
  }

  /** Resolves once it serves or stands by. */
  async ready(): Promise<this> {
    await until(`${this.name} serves or stands by`, async () => {
      const { exit, stdout, stderr } = this.service;
      if (exit) throw new Error(`${this.name} ended with ${JSON.stringify(exit)}\n${stdout}${stderr}`);
      return ['serving', 'standby'].includes((await this.stage()) ?? '');
    });
    return this;
  }
}

export class Cluster {
  readonly processes: readonly Member[];
  readonly where: Where;

  constructor(processes: readonly Member[], where: Where) {
    this.processes = processes;
    this.where = where;
  }

  /** Resolves when one serves and the others stand by. `own`: what each is started with besides. */
  static async start(
    where: Where,
    size: number,
    env: Environment = {},
    own: Environment[] = [],
  ): Promise<Cluster> {
    const members: Member[] = [];
    for (let index = 1; index <= size; index++) {
      const cable = where.databaseUrl ? await Cable.lay(where.databaseUrl) : null;
      const member = new Member(`process ${index}`, await freePort(), where, cable, env);
      members.push(await (await member.start(own[index - 1])).ready());
    }
    return new Cluster(members, where);
  }

  /** The one that serves, once there is one. */
  async serving(): Promise<Member> {
    let found: Member | undefined;
    await until('one process serves', async () => {
      const stages = await Promise.all(this.processes.map((member) => member.stage()));
      found = this.processes.find((_, index) => stages[index] === 'serving');
      return found !== undefined;
    });
    return found!;
  }

  async standby(): Promise<Member> {
    const serving = await this.serving();
    return this.processes.find((member) => member !== serving && member.isRunning)!;
  }

  /** What they logged last, for a person to read. */
  lastWords(): string {
    return this.processes.map((member) => member.lastWords()).join('\n');
  }

  /** Ends those that run, as a person would. */
  async stop(): Promise<void> {
    await Promise.all(this.processes.map((member) => (member.isRunning ? member.end('SIGTERM') : null)));
  }
}
