/**
 * A running pool: the pool machine on a clock, with its named actions carried out. Turns a command into its
 * answer (XState settles pool and tokens before `send` returns) and shows the tokens as they are.
 * Knows no journal: each fact goes to the host it was given.
 */
import { type ActorRefFromLogic, createActor } from 'xstate';
import type { Clock } from '../clock.ts';
import type { Command } from '../lease/command.ts';
import type { TokenState } from '../lease/lease.ts';
import type { Party } from '../lease/message.ts';
import type { PoolOptions } from '../lease/pool-options.ts';
import type { Stage } from '../lease/refusal.ts';
import type { Counts, TokenView } from '../lease/view.ts';
import { carriedOut } from './carried-out.ts';
import { ClearableClock } from './clearable-clock.ts';
import { FactCounter } from './fact-counter.ts';
import { Inspection } from './inspection.ts';
import { LineKeeper } from './line-keeper.ts';
import { type Lifecycle, type PoolContext, type PoolEvent, type PoolInput, slices } from './pool-context.ts';
import { type Answer, answerOf, type PoolHost } from './pool-host.ts';
import type { poolMachine } from './pool-machine.ts';
import { countsOf, tokenView, tokenViews } from './pool-view.ts';
import { Recorder } from './recorder.ts';

export type { Answer };

/** What may be answered by nothing having happened. */
const mayBeSilent: ReadonlySet<Command['type']> = new Set(['RELEASE_ALL', 'CLOSE', 'LEAVE', 'CHANGE']);

export class Pool {
  readonly #clock: ClearableClock;
  readonly #host: PoolHost;
  readonly #actor: ActorRefFromLogic<typeof poolMachine>;
  /** What is free is granted to those who wait only when all of a step is done. */
  #inStep = false;
  #bug: { error: unknown } | null = null;
  readonly #counter = new FactCounter();
  readonly #recorder: Recorder;
  readonly #keeper: LineKeeper;
  /** What passes in it. */
  readonly inspection: Inspection;

  constructor(clock: Clock, input: PoolInput, given: PoolHost) {
    this.#clock = new ClearableClock(clock, (run, isLate) => this.#fire(run, isLate));
    this.inspection = new Inspection(this.#clock);
    const host = this.inspection.overhear(given);
    this.#host = host;
    this.#recorder = new Recorder(this.#clock, this.#counter, host, this.inspection);
    const machine = carriedOut({
      record: (context, saying) => this.#recorder.record(context, saying),
      answer: (part) => this.#recorder.add(part),
      recordChange: (change) => {
        this.#counter.seq = host.recordChange(change);
      },
      dismiss: (leaseId, code) =>
        host.served(leaseId, answerOf({ refusal: code, step: this.inspection.step })),
    });
    this.#actor = createActor(machine, { input, clock: this.#clock as never });
    this.inspection.system = this.#actor.system;
    this.#keeper = new LineKeeper(this.#clock, {
      see: () => this.#actor.getSnapshot(),
      now: () => this.#counter.notBefore(this.#clock.now()),
      endWhatIsDue: (at) => this.#endWhatIsDue(at),
      send: (event) => this.#send(event, 'line'),
      askAgain: (waiter) =>
        host.served(
          waiter.leaseIds[0]!,
          this.#recorder.answer(() => this.#send(waiter, 'line')),
        ),
    });
    // Without an observer XState would report a bug globally, after the caller had been answered.
    this.#actor.subscribe({ error: (error) => this.#die(error) });
    this.#actor.start();
  }

  /** Of the newest fact. */
  get seq(): number {
    return this.#counter.seq;
  }

  get stage(): Stage {
    return this.#actor.getSnapshot().value;
  }

  get options(): PoolOptions {
    return this.#context.options;
  }

  get counts(): Counts {
    return countsOf(this.#context);
  }

  /** Starts serving with these tokens: free ones first, each kind in the order of being freed or used. */
  open({ seq, options, tokens }: { seq: number; options: PoolOptions; tokens: readonly TokenState[] }): void {
    this.#counter.seq = seq;
    this.#step(() => {
      this.#send({ type: 'OPENED', seq, options }, 'journal');
      for (const some of slices(tokens)) {
        // Each at its own time: a large pool takes seconds, and the timers of all would be late by as much.
        this.#send({ type: 'ENROL', at: this.#clock.now(), tokens: some });
      }
      this.#settle(this.#clock.now());
    });
  }

  /** Handles the command at its own time. Throws only on a bug, after which the pool is dead. */
  command(asked: Command): Answer {
    // Who leaves the line is not to be granted what came free unseen just before.
    if (asked.type !== 'LEAVE') this.pass(asked.at);
    const at = this.#counter.notBefore(asked.at);
    let answer = answerOf();
    this.#step(() => {
      answer = this.#recorder.answer((answer) => this.#handle({ ...asked, at }, answer));
    });
    const { facts, refusal, held, waits } = answer;
    const isSilent = facts.length === 0 && refusal === null && held === null && !waits;
    if (isSilent && !mayBeSilent.has(asked.type))
      this.#die(new Error(`the pool gave no answer to ${asked.type}`));
    this.#mustLive();
    return answer;
  }

  /** All of it is one step to everybody else, in however many portions. */
  #handle(command: Command, answer: Answer): void {
    this.#send(command, 'route');
    if (answer.refusal !== null) return;
    if (command.type === 'RELEASE_ALL' || command.type === 'CLOSE')
      while (this.#context.order.active > 0) this.#send(command);
    if (command.type === 'CLOSE') this.#host.recordClosing(this.#counter.notBefore(command.at));
    if (command.type === 'CHANGE') {
      const { at, newTokens } = command;
      for (const tokens of slices(newTokens)) this.#send({ type: 'GROW', at, tokens });
      this.#settle(at);
    }
  }

  #settle(at: number): void {
    do this.#send({ type: 'SETTLE', at });
    while (this.#context.unsettled.length > 0);
  }

  /** Lets time reach `at`: nothing that is due by then is left undone. Returns how many facts that made. */
  pass(at: number): number {
    this.#mustLive();
    let passed = 0;
    this.#step(() => {
      passed = this.#endWhatIsDue(at);
    });
    return passed;
  }

  #endWhatIsDue(at: number): number {
    const before = this.#counter.seq;
    for (let last = before; this.isOverdue(at); last = this.#counter.seq) {
      this.#send({ type: 'SWEEP', at }, 'clock');
      if (this.#counter.seq === last) this.#die(new Error(`what is due at ${at} does not pass`));
      this.#mustLive();
    }
    return this.#counter.seq - before;
  }

  /** Whether something is still there whose deadline is at or before `at`. */
  isOverdue(at: number): boolean {
    return this.#context.deadlines.passed(at, 1).length > 0;
  }

  signal(event: Lifecycle): void {
    this.#step(() => this.#send(event, event.type === 'STOP' ? 'route' : 'journal'));
    if (event.type === 'FENCED') this.stop();
  }

  /** One token as it is at `at`. */
  token(tokenId: string, at: number): TokenView | undefined {
    this.pass(at);
    const entry = this.#context.order.get(tokenId);
    return entry && tokenView(entry);
  }

  /** The tokens as they are at `at`, in the order in which the pool added them. */
  tokens(at: number): Iterable<TokenView> {
    this.pass(at);
    return tokenViews(this.#context);
  }

  /** What can be seen of it, as `look` does. */
  see<T>(look: (context: PoolContext) => T): T {
    return look(this.#context);
  }

  /** No timer fires after it. The actors are left to the garbage collector. */
  stop(): void {
    this.#clock.clearAll();
  }

  get #context(): PoolContext {
    return this.#actor.getSnapshot().context;
  }

  /** Whoever waits is served when it is over. */
  #step(run: () => void): void {
    if (this.#inStep) {
      run();
      return;
    }
    this.#uninterrupted(run);
    if (!this.#bug) this.#uninterrupted(() => this.#keeper.serve());
  }

  #uninterrupted(run: () => void): void {
    this.#inStep = true;
    this.inspection.begin();
    try {
      run();
    } finally {
      this.#inStep = false;
      this.inspection.end();
    }
  }

  /**
   * Tokens know no clock, and take a timer to be in time: one that is late is left to those that are told when it is.
   * Whatever else is due in this moment is done before anybody who waits is served.
   */
  #fire(run: () => void, isLate: boolean): void {
    if (this.#bug) return;
    this.#step(() => {
      if (isLate) this.pass(this.#clock.now());
      this.inspection.setOff('clock');
      run();
      if (!this.#bug) this.pass(this.#clock.now());
    });
  }

  #send(event: PoolEvent, from: Party = 'pool'): void {
    this.#mustLive();
    this.inspection.setOff(from);
    this.#actor.send(event);
    this.#mustLive();
  }

  #die(error: unknown): void {
    this.#bug = { error };
    this.#host.crashed(error);
  }

  #mustLive(): void {
    if (this.#bug) throw this.#bug.error;
  }
}
