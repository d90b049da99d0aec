/** Everything that is simulated: the database, the processes and their clients, and whoever looks on. */
import type { NewToken } from '../../src/journal/store.ts';
import { start } from '../support/world.ts';
import { must } from './broken.ts';
import { Clients } from './clients.ts';
import { same, say } from './comparing.ts';
import { Network } from './network.ts';
import { groundOf } from './pglite-ground.ts';
import type { Plan } from './plan.ts';
import { SimulatedProcess } from './process.ts';
import type { Random } from './random.ts';
import { Server } from './server.ts';
import { Timeline } from './timeline.ts';
import { Witness } from './witness.ts';

const processesMax = 3;

export class World {
  readonly timeline = new Timeline(start);
  readonly server: Server;
  readonly witness: Witness;
  readonly clients: Clients;
  /** Those that are not gone, the oldest first. */
  processes: SimulatedProcess[] = [];
  readonly #all = new Map<string, SimulatedProcess>();
  readonly #plan: Plan;
  readonly #random: () => Random;

  constructor(plan: Plan, random: () => Random) {
    this.#plan = plan;
    this.#random = random;
    this.witness = new Witness(plan, this.timeline);
    this.clients = new Clients(this.witness, this.timeline);
    this.server = new Server(this.timeline, groundOf(plan));
    this.server.onWritten = (holder, pools, made) => this.#written(holder, pools, made);
  }

  startProcess(clockOffMs: number): void {
    if (this.processes.length >= processesMax) return;
    const { timeline, server, witness } = this;
    const name = nameOf(this.#all.size);
    const network = new Network(timeline, this.#random);
    const process: SimulatedProcess = new SimulatedProcess({
      ...{ plan: this.#plan, timeline, server, network, clockOffMs, name },
      listener: {
        said: (what) => witness.note(() => `${name} ${what}`),
        failed: (invariant, error) =>
          witness.guarded(() => must(false, invariant, () => `${name}: ${(error as Error).stack}`)),
        gone: () => this.#gone(process),
      },
    });
    this.processes.push(process);
    this.#all.set(process.id, process);
    witness.note(() => `${name} is started, its clock off by ${clockOffMs} ms`);
    process.start();
  }

  /** The process that serves, or else some one. */
  get serving(): SimulatedProcess | undefined {
    return this.processes.find(isServing) ?? this.processes[0];
  }

  /** What must hold after each step, whatever has happened. */
  async audit(): Promise<void> {
    const { witness, server } = this;
    for (const pool of witness.pools) {
      const rows = await server.ground.tokens(pool.name);
      const expected = pool.state.tokens.map(({ usedSeq: _, ...row }) => row);
      witness.guarded(() =>
        must(
          same(rows, expected),
          'I8',
          () => `the rows are ${say(rows)}, but their log says ${say(expected)}`,
        ),
      );
    }
    witness.guarded(() => {
      for (const { service, name } of this.processes) {
        const { available, active, total } = service.counts ?? { available: 0, active: 0, total: 0 };
        must(
          available + active <= total,
          'I2',
          () => `${name} counts ${available} and ${active} of ${total}`,
        );
      }
      this.clients.audit();
    });
  }

  #gone(process: SimulatedProcess): void {
    this.witness.note(() => `${process.name} is gone`);
    this.processes = this.processes.filter((each) => each !== process);
    this.clients.abandon(process);
  }

  async #written(holder: string, pools: readonly string[], made: readonly NewToken[]): Promise<void> {
    for (const name of pools) {
      const rows = await this.server.ground.logAfter(name, this.witness.pool(name).seq);
      const ofIt = made.filter(({ pool }) => pool === name);
      this.witness.written(name, rows, ofIt, this.#all.get(holder)!);
    }
  }
}

export const isServing = (process: SimulatedProcess): boolean =>
  process.state === 'up' && !process.isPaused && process.service.stage === 'serving';

const nameOf = (index: number): string => String.fromCharCode(65 + (index % 26)) + (index < 26 ? '' : index);
