/** Everything that is simulated: the database, the processes and their clients, and whoever looks on. */
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
    this.server.onWritten = (holder) => this.#written(holder);
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
    const rows = await server.ground.tokens();
    witness.guarded(() => {
      const { pool } = witness;
      const state = pool.states.at(-1)!;
      for (const [place, row] of rows.entries()) {
        const expected = { tokenId: row.tokenId, lease: state[place], seq: pool.seqOf(row.tokenId) };
        must(same(row, expected), 'I8', () => `the row is ${say(row)}, but its log says ${say(expected)}`);
      }
      for (const { service, name } of this.processes) {
        const { available, active, total } = service.counts;
        const isWhole = total === available + active && (total === 0 || total === this.#plan.size);
        must(isWhole, 'I2', () => `${name} counts ${total} tokens`);
      }
      this.clients.audit();
    });
  }

  #gone(process: SimulatedProcess): void {
    this.witness.note(() => `${process.name} is gone`);
    this.processes = this.processes.filter((each) => each !== process);
    this.clients.abandon(process);
  }

  async #written(holder: string): Promise<void> {
    const { ground } = this.server;
    const { witness } = this;
    const rows = await ground.logAfter(witness.pool.seq);
    if (witness.pool.tokenIds.length === 0) {
      witness.meet((await ground.tokens()).map(({ tokenId }) => tokenId));
    }
    witness.written(rows, this.#all.get(holder)!);
  }
}

export const isServing = (process: SimulatedProcess): boolean =>
  process.state === 'up' && !process.isPaused && process.service.stage === 'serving';

const nameOf = (index: number): string => String.fromCharCode(65 + (index % 26)) + (index < 26 ? '' : index);
