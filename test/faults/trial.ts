/** A cluster under the load of clients, while something is done to it; and the verdict on what they were told. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { freshFolder, type Where } from '../support/databases.ts';
import { atEnd } from '../support/lifetime.ts';
import { type Environment, runLeasehold, until } from '../support/process.ts';
import { judge, type Verdict } from './check.ts';
import { checkLine } from './check-line.ts';
import { Cluster, type Member } from './cluster.ts';
import type { Call, Violation } from './history.ts';
import { clientPool, LineUsers, linePool, poolsFile } from './line.ts';
import { Random } from './random.ts';
import { readSnapshot } from './read-snapshot.ts';
import { Recorder } from './recorder.ts';
import { User } from './user.ts';

export interface TrialOptions {
  where: Where;
  processes: number;
  seed: number;
  users?: number;
  /** Of each user, between two questions. */
  pauseMs?: number;
  isGentle?: boolean;
  env?: Environment;
  /** What each process is started with besides. */
  own?: Environment[];
}

export const poolSize = 8;

export class Trial {
  readonly cluster: Cluster;
  readonly recorder = new Recorder();
  readonly random: Random;
  readonly #users: User[];
  readonly #line: LineUsers;
  readonly #busy: Promise<void>[];
  readonly #crashes: Violation[] = [];

  constructor(cluster: Cluster, { seed, users = 8, pauseMs = 10, isGentle = false }: TrialOptions) {
    this.cluster = cluster;
    this.random = new Random(seed);
    const { recorder } = this;
    this.#users = Array.from({ length: users }, (_, index) => {
      const name = `user${index}`;
      const random = new Random(this.random.seed());
      return new User({ name, random, recorder, directory: cluster, pauseMs, isGentle });
    });
    const [cleaner, ...others] = this.#users;
    this.#busy = [cleaner!.cleanUp(1500), ...others.map((user) => user.use())];
    this.#line = new LineUsers(new Random(this.random.seed()), cluster, pauseMs);
    atEnd(() => this.#rest());
  }

  static async begin(options: TrialOptions): Promise<Trial> {
    const file = join(freshFolder(), 'pools.json');
    writeFileSync(file, poolsFile);
    const env = {
      POOL_SIZE: String(poolSize),
      POOLS_FILE: file,
      CLIENT_TTL_MS: '500',
      CLIENT_IDLE_TTL_MS: '700',
      CLIENT_POOL_SIZE: '5',
      COMMIT_TIMEOUT_MS: '1000',
      ...options.env,
    };
    return new Trial(await Cluster.start(options.where, options.processes, env, options.own), options);
  }

  /** Of those who asked another pool than the default one. */
  callsOf(pool: typeof linePool | typeof clientPool): readonly Call[] {
    return this.#line.recorders[pool].calls;
  }

  get calls(): readonly Call[] {
    return this.recorder.calls;
  }

  /** Resolves when so many more changes have been acknowledged: there is something to lose, or it goes on. */
  async goesOn(changes = 60): Promise<void> {
    const enough = this.#acknowledged() + changes;
    await until('users are served', () => this.#acknowledged() >= enough).catch((error) => {
      throw new Error(`${String(error)}\n${this.cluster.lastWords()}`);
    });
  }

  /** Processes that ended, and nobody had told them to; they are found here. */
  noteCrashes(): readonly Member[] {
    const crashed = this.cluster.processes.filter((member) => member.hasCrashed);
    for (const member of crashed) this.#crashes.push(`I15: the service has crashed: ${member.lastWords()}`);
    return crashed;
  }

  /** Lets users come to an end, stops the service, and judges all of it. */
  async verdict(): Promise<Verdict> {
    await this.#rest();
    this.recorder.close();
    this.noteCrashes();
    await this.cluster.stop();
    const snapshot = await readSnapshot(this.cluster.where);
    const verdict = judge({ calls: this.recorder.calls, snapshot, size: poolSize });
    const violations = [...this.#crashes, ...verdict.violations, ...(await this.#besides())];
    return { ...verdict, violations };
  }

  /** What the other pools have to show, and what the service's own check finds in all of them. */
  async #besides(): Promise<Violation[]> {
    const { where } = this.cluster;
    const { recorders, departures } = this.#line;
    const found: Violation[] = [];
    for (const pool of [linePool, clientPool] as const) {
      const { log } = await readSnapshot(where, pool);
      found.push(...checkLine(recorders[pool].calls, departures, log).map((each) => `${pool}: ${each}`));
    }
    const { code, stdout, stderr } = await runLeasehold(where, 'verify');
    return [...found, ...(code === 0 ? [] : [`leasehold verify ended with ${code}: ${stdout}${stderr}`])];
  }

  /** How many questions were never answered, and how many repetitions were answered from the record. */
  get counts(): { unanswered: number; replayed: number } {
    const { calls } = this.recorder;
    return {
      unanswered: calls.filter(({ answer }) => answer === null).length,
      replayed: calls.filter(({ answer }) => answer?.replayed).length,
    };
  }

  #acknowledged(): number {
    const { calls } = this.recorder;
    let count = 0;
    for (const { kind, answer } of calls)
      if (answer?.status === 200 && kind !== 'list' && kind !== 'token' && kind !== 'events') count++;
    return count;
  }

  async #rest(): Promise<void> {
    for (const user of this.#users) user.stop();
    await Promise.all([...this.#busy, this.#line.rest()]);
  }
}
