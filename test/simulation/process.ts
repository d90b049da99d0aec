/** One process of the service: the real journal and service, on its own time and its own way to the shared database. */
import { Journal } from '../../src/journal/journal.ts';
import type { Stage } from '../../src/lease/refusal.ts';
import { newId } from '../../src/random.ts';
import { Service } from '../../src/service/service.ts';
import { poolNames } from './calls.ts';
import { MemoryStore } from './memory-store.ts';
import type { Network } from './network.ts';
import type { Plan } from './plan.ts';
import type { Server } from './server.ts';
import { ProcessTime, type Timeline } from './timeline.ts';

export const silenceMs = 1000;
const standbyPollMs = 150;

export interface ProcessListener {
  said(what: string): void;
  /** A bug showed itself. */
  failed(invariant: string, error: unknown): void;
  /** It is no more. */
  gone(): void;
}

export interface ProcessOptions {
  plan: Plan;
  timeline: Timeline;
  server: Server;
  network: Network;
  clockOffMs: number;
  name: string;
  listener: ProcessListener;
}

export class SimulatedProcess {
  readonly name: string;
  /** By which the database knows it. */
  readonly id = newId();
  readonly time: ProcessTime;
  readonly network: Network;
  readonly service: Service;
  state: 'up' | 'stopping' | 'gone' = 'up';
  readonly #listener: ProcessListener;
  readonly #timeline: Timeline;
  readonly #store: MemoryStore;
  /** The instants, by its own clock, at which it became ready or woke up. */
  readonly #noticing = new Set<number>();
  #pausedAt: number | null = null;
  #pausedMs = 0;
  #stage: Stage = 'starting';
  /** When it began, by its own clock, that it could not commit, each time, and when that ended. */
  readonly #lapses: { from: number; to: number }[] = [];

  constructor({ plan, timeline, server, network, clockOffMs, name, listener }: ProcessOptions) {
    this.name = name;
    this.#timeline = timeline;
    this.network = network;
    this.#listener = listener;
    this.time = new ProcessTime(timeline, clockOffMs);
    let journal: Journal | undefined;
    const now = () => timeline.now;
    const connectionLost = () => journal?.probe();
    this.#store = new MemoryStore({
      server,
      network,
      timers: this.time,
      holder: this.id,
      silenceMs,
      now,
      listener: { connectionLost },
    });
    const { commitTimeoutMs, patienceMs, options, proofRequired } = plan;
    const waits = {
      commitTimeoutMs,
      holdTimeoutMs: silenceMs + 500,
      patienceMs,
      retryMs: 100,
      retryMsMax: 1000,
    };
    journal = new Journal(this.#store, { ...waits, now, timers: this.time });
    const kept = { retentionMs: Number.POSITIVE_INFINITY, keysMax: 1_000_000, tokensMax: 1_000_000 };
    const declared = [{ name: poolNames[0], options }] as const;
    const given = { declared, proofRequired, standbyPollMs, ...kept };
    this.service = new Service(journal, { ...given, clock: this.time, timers: this.time }, this.#toldBy());
  }

  /** Resolves in simulated time only. */
  start(): void {
    this.service.start().catch((error) => {
      // Which process does not start has to be started again by somebody: a database that is down is no bug.
      this.#listener.said(`cannot start: ${(error as Error).message}`);
      this.crash(false);
    });
  }

  get isPaused(): boolean {
    return this.#pausedAt !== null;
  }

  /** How long it has been running. */
  get awakeMs(): number {
    return (this.#pausedAt ?? this.#timeline.now) - this.#pausedMs;
  }

  /** Whether it had just become ready, or had just woken up, at that instant of its clock. */
  noticedAt(at: number): boolean {
    return this.#noticing.has(at);
  }

  /** Whether it could not commit at some time in between. */
  hasLapsed(from: number, to: number): boolean {
    return this.#lapses.some((lapse) => lapse.from <= to && lapse.to >= from);
  }

  pause(): void {
    this.#pausedAt ??= this.#timeline.now;
    this.time.paused = true;
  }

  wake(): void {
    if (this.#pausedAt === null) return;
    this.#pausedMs += this.#timeline.now - this.#pausedAt;
    this.#pausedAt = null;
    this.time.paused = false;
    this.#noticing.add(this.time.now());
  }

  /** Ends without a word, and its whole host with it, if so. */
  crash(withHost: boolean): void {
    if (this.state === 'gone') return;
    this.state = 'gone';
    this.time.end();
    this.#store.vanish(withHost);
    this.#listener.gone();
  }

  /** Ends as at a signal: takes nothing more, and closes after a while. */
  stop(afterMs: number): void {
    if (this.state !== 'up') return;
    this.state = 'stopping';
    this.service.stopServing();
    this.time.setTimeout(async () => {
      const lost = await this.service.close(2000);
      this.#listener.said(`has stopped, ${lost} facts lost`);
      this.crash(false);
    }, afterMs);
  }

  #toldBy() {
    const { said, failed } = this.#listener;
    return {
      stage: (stage: Stage) => {
        if (stage === 'serving' && this.#stage !== 'degraded') this.#noticing.add(this.time.now());
        if (stage === 'degraded') this.#lapses.push({ from: this.time.now(), to: Number.POSITIVE_INFINITY });
        else if (this.#stage === 'degraded') this.#lapses.at(-1)!.to = this.time.now();
        this.#stage = stage;
        said(`is ${stage}`);
      },
      committed: () => {},
      unanswered: () => said('got no answer'),
      pruned() {},
      damaged: (_: string, why: string) => failed('damaged', new Error(why)),
      swept: (leases: number) => failed('sweep', new Error(`the sweep ended ${leases} leases`)),
      crashed: (error: unknown) => failed('crash', error),
    };
  }
}
