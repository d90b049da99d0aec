/**
 * Everything that is simulated, and whoever looks on: the database, the processes, the clients' calls, and the
 * sequential pool that is told each fact when it is written.
 */
import { start } from '../support/world.ts';
import { Broken, must } from './broken.ts';
import {
  type Answers,
  type Call,
  isChange,
  type Request,
  renumbered,
  requestOf,
  send,
  type Told,
} from './calls.ts';
import { same, say } from './comparing.ts';
import { Judge } from './judge.ts';
import { surelyForgottenMs, surelyKeptMs } from './judge-keyed.ts';
import { Network } from './network.ts';
import { groundOf } from './pglite-ground.ts';
import type { Plan } from './plan.ts';
import { SimulatedProcess } from './process.ts';
import type { Random } from './random.ts';
import { SequentialPool } from './sequential-pool.ts';
import { Server } from './server.ts';
import type { Again, Ask } from './steps.ts';
import { Timeline } from './timeline.ts';

const processesMax = 3;

export class World {
  readonly plan: Plan;
  readonly timeline = new Timeline(start);
  readonly server: Server;
  /** Those that are not gone, the oldest first. */
  processes: SimulatedProcess[] = [];
  readonly calls: Call[] = [];
  /** Those under way. */
  readonly #underWay = new Set<Call>();
  /** The first with each key, and the first of each other request with it. */
  readonly #keyed: Call[] = [];
  readonly told: Told[] = [];
  readonly trace: string[] = [];
  /** The first promise that was not kept. */
  broken: Broken | null = null;
  pool = new SequentialPool([]);
  #judge: Judge;
  #started = 0;
  readonly #all = new Map<string, SimulatedProcess>();
  readonly #inbox: Call[] = [];
  readonly #random: () => Random;

  constructor(plan: Plan, random: () => Random) {
    this.plan = plan;
    this.#random = random;
    this.#judge = new Judge(this.pool, this.calls, plan.proofRequired);
    this.server = new Server(this.timeline, groundOf(plan));
    this.server.onWritten = (holder) => this.#written(holder);
  }

  note(say: () => string): void {
    if (this.plan.isTraced) this.#write(say());
  }

  #write(what: string): void {
    this.trace.push(`${String(this.timeline.now - start).padStart(8)}  ${what}`);
  }

  /** Does what must not fail: what does is the first broken promise, if it is the first. */
  guarded(work: () => void): void {
    try {
      work();
    } catch (error) {
      this.broken ??= error instanceof Broken ? error : new Broken('crash', String((error as Error).stack));
    }
  }

  startProcess(clockOffMs: number): void {
    if (this.processes.length >= processesMax) return;
    const { plan, timeline, server } = this;
    const name = nameOf(this.#started++);
    const network = new Network(timeline, this.#random);
    const process: SimulatedProcess = new SimulatedProcess({
      ...{ plan, timeline, server, network, clockOffMs, name },
      listener: {
        said: (what) => this.note(() => `${name} ${what}`),
        failed: (invariant, error) =>
          this.guarded(() => must(false, invariant, () => `${name}: ${(error as Error).stack}`)),
        gone: () => this.#gone(process),
      },
    });
    this.processes.push(process);
    this.#all.set(process.id, process);
    this.note(() => `${name} is started, its clock off by ${clockOffMs} ms`);
    process.start();
  }

  /** The process that serves, or else some one. */
  get serving(): SimulatedProcess | undefined {
    return this.processes.find(isServing) ?? this.processes[0];
  }

  get outstanding(): Call[] {
    return [...this.#underWay];
  }

  ask(ask: Ask, process: SimulatedProcess | undefined, isKeyed = false): Call | null {
    if (process?.state !== 'up') return null;
    const request = requestOf(ask, this.calls.length, this.told, this.pool.tokenIds);
    const call = this.#callOf(request, process);
    if (isKeyed && isChange(request)) this.#give(call, `key ${call.number}`);
    this.#open(call);
    return call;
  }

  /** A request with a key comes again, or another one with its key. */
  askAgain({ back, changed }: Again, process: SimulatedProcess | undefined): void {
    const before = this.#keyed.at(-1 - (back % Math.max(1, this.#keyed.length)));
    if (process?.state !== 'up' || before?.keyed == null) return;
    const { keyed, request, askedAt } = before.keyed.first;
    const ageMs = this.timeline.now - askedAt;
    if (ageMs > surelyKeptMs && ageMs < surelyForgottenMs) return;
    const isNew = changed || ageMs > surelyKeptMs;
    const call = this.#callOf(isNew ? renumbered(request, this.calls.length) : request, process);
    if (isNew) this.#give(call, keyed!.key);
    else call.keyed = keyed;
    this.#open(call);
  }

  #callOf(request: Request, process: SimulatedProcess): Call {
    const { awakeMs } = process;
    const [number, since, askedAt] = [this.calls.length, this.pool.seq, this.timeline.now];
    return { number, request, process, keyed: null, askedAt, since, awakeMs, outcome: null };
  }

  #give(call: Call, key: string): void {
    call.keyed = { key, fingerprint: `of call ${call.number}`, first: call };
    this.#keyed.push(call);
  }

  #open(call: Call): void {
    const { number, process, request, keyed } = call;
    this.calls.push(call);
    this.#underWay.add(call);
    this.note(() => `call ${number} to ${process.name}: ${this.#named(request)} ${keyed?.key ?? ''}`);
    // A process that is paused finds it in its socket.
    if (process.isPaused) this.#inbox.push(call);
    else this.#deliver(call);
  }

  /** Hands over what has arrived while the process was paused. */
  deliverTo(process: SimulatedProcess): void {
    const waiting = this.#inbox.filter((call) => call.process === process);
    for (const call of waiting) {
      this.#inbox.splice(this.#inbox.indexOf(call), 1);
      if (this.#underWay.has(call)) this.#deliver(call);
    }
  }

  /** What must hold after each step, whatever has happened. */
  async audit(): Promise<void> {
    const rows = await this.server.ground.tokens();
    this.guarded(() => {
      const state = this.pool.states.at(-1)!;
      for (const [place, row] of rows.entries()) {
        const expected = { tokenId: row.tokenId, lease: state[place], seq: this.pool.seqOf(row.tokenId) };
        must(same(row, expected), 'I8', () => `the row is ${say(row)}, but its log says ${say(expected)}`);
      }
      for (const { service, name } of this.processes) {
        const { available, active, total } = service.counts;
        const isWhole = total === available + active && (total === 0 || total === this.plan.size);
        must(isWhole, 'I2', () => `${name} counts ${total} tokens`);
      }
      for (const { number, process, awakeMs } of this.outstanding) {
        const waitedMs = process.awakeMs - awakeMs;
        must(waitedMs <= this.#answerMsMax, 'answer', () => `call ${number} has waited for ${waitedMs} ms`);
      }
    });
  }

  /** At the end, when all calls are over. */
  finish(): void {
    this.guarded(() => this.#judge.explainAll());
  }

  /** Twice in a row a commit may be waited for that is lost, and then looked for. */
  get #answerMsMax(): number {
    return 6 * this.plan.commitTimeoutMs + 4 * this.plan.patienceMs + 3000;
  }

  #deliver(call: Call): void {
    const { number, process } = call;
    const end = (outcome: Call['outcome'], said: () => string): void => {
      if (!this.#underWay.has(call)) return;
      call.outcome = outcome;
      this.#underWay.delete(call);
      this.note(() => `call ${number} is answered: ${said()}`);
    };
    send(process.service, call).then(
      (outcome) => {
        end(outcome, () => this.#named(outcome));
        if (call.outcome !== outcome) return;
        this.guarded(() => this.#judge.answered(call, process.time.now()));
        this.#remember(call);
      },
      (error) => {
        end(null, () => `with an error: ${error.message}`);
        if (process.state === 'up') this.guarded(() => must(false, 'crash', () => error.stack));
      },
    );
  }

  #remember({ request, outcome }: Call): void {
    if (request.do !== 'allocate' || outcome === null || !('ok' in outcome)) return;
    const { tokenId, lease } = outcome.ok as Answers['allocate'];
    this.told.push({ tokenId, leaseId: lease.leaseId, userId: lease.userId });
  }

  #gone(process: SimulatedProcess): void {
    this.note(() => `${process.name} is gone`);
    this.processes = this.processes.filter((each) => each !== process);
    // Its clients will never know.
    for (const call of this.outstanding) if (call.process === process) this.#underWay.delete(call);
  }

  async #written(holder: string): Promise<void> {
    const { ground } = this.server;
    const rows = await ground.logAfter(this.pool.seq);
    if (this.pool.tokenIds.length === 0) {
      this.pool = new SequentialPool((await ground.tokens()).map(({ tokenId }) => tokenId));
      this.#judge = new Judge(this.pool, this.calls, this.plan.proofRequired);
    }
    const writer = this.#all.get(holder)!;
    this.guarded(() => {
      for (const row of rows) {
        this.note(
          () =>
            `${writer.name} writes fact ${row.seq}: ${row.type} ${row.reason} ${this.#named(row.tokenId)}`,
        );
        this.pool.tell(row, (at) => writer.noticedAt(at));
        this.#judge.written(row);
      }
    });
  }

  /** With names instead of ids, which are drawn anew each time. */
  #named(value: unknown): string {
    let text = say(value) ?? '';
    for (const [index, tokenId] of this.pool.tokenIds.entries()) text = text.replaceAll(tokenId, `T${index}`);
    for (const { leaseId, fence } of this.pool.leases) text = text.replaceAll(leaseId, `L${fence}`);
    return text;
  }
}

export const isServing = (process: SimulatedProcess): boolean =>
  process.state === 'up' && !process.isPaused && process.service.stage === 'serving';

const nameOf = (index: number): string => String.fromCharCode(65 + (index % 26)) + (index < 26 ? '' : index);
