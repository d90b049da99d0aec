/**
 * A running pool: the pool machine on a clock, with its named actions carried out. Turns a command into its
 * answer (XState settles pool and tokens before `send` returns) and shows the tokens as they are.
 * Knows no journal: each fact goes to the host it was given.
 */
import { type ActorRefFromLogic, createActor } from 'xstate';
import type { Clock } from '../clock.ts';
import type { Command } from '../lease/command.ts';
import type { Fact, Happening } from '../lease/fact.ts';
import type { TokenState } from '../lease/lease.ts';
import type { MachineRefusalCode, Stage } from '../lease/refusal.ts';
import type { Counts, TokenView } from '../lease/view.ts';
import { type TokenContext, tokenMachine } from '../token/token-machine.ts';
import { ClearableClock } from './clearable-clock.ts';
import { type PoolEvent, type PoolInput, poolMachine, portion, type TokenActor } from './pool-machine.ts';

export interface PoolHost {
  /** Takes every fact, in the order of its seq. Called while a command is handled, and when a timer fires. */
  record(fact: Fact): void;
  /** A bug in a machine: the pool has stopped and must not be used again. */
  crashed(error: unknown): void;
}

export interface Answer {
  facts: Fact[];
  refusal: MachineRefusalCode | null;
}

type Lifecycle = Extract<
  PoolEvent,
  { type: 'STAND_BY' | 'JOURNAL_LOST' | 'JOURNAL_BACK' | 'FENCED' | 'STOP' }
>;
type Sweep = Extract<PoolEvent, { type: 'SWEEP' }>;

/** How many tokens are started at a time: for each time XState copies the list of all that there are. */
const enrolled = 5000;

export class Pool {
  readonly #clock: ClearableClock;
  readonly #host: PoolHost;
  readonly #actor: ActorRefFromLogic<typeof poolMachine>;
  /** Collects what the command under way leads to. */
  #answer: Answer | null = null;
  #bug: { error: unknown } | null = null;
  /** The number of the last fact. */
  #seq = 0;

  constructor(clock: Clock, input: PoolInput, host: PoolHost) {
    this.#clock = new ClearableClock(clock);
    this.#host = host;
    const refuse = (_: unknown, { code }: { code: MachineRefusalCode }) => {
      if (this.#answer) this.#answer.refusal = code;
    };
    const token = tokenMachine.provide({
      actions: { record: ({ context }, saying) => this.#record(context, saying), refuse },
    });
    const machine = poolMachine.provide({ actors: { token }, actions: { refuse } });
    this.#actor = createActor(machine, { input, clock: this.#clock as never });
    // Without an observer XState would report a bug globally, after the caller had been answered.
    this.#actor.subscribe({
      error: (error) => this.#die(error),
    });
    this.#actor.start();
  }

  get stage(): Stage {
    return this.#actor.getSnapshot().value;
  }

  get counts(): Counts {
    const { available, active } = this.#actor.getSnapshot().context.order;
    return { available, active, total: available + active };
  }

  /** Starts serving with these tokens: free ones first, each kind in the order of being freed or used. */
  open({ seq, tokens }: { seq: number; tokens: readonly TokenState[] }): void {
    this.#seq = seq;
    this.#send({ type: 'OPENED', seq });
    for (let from = 0; from < tokens.length; from += enrolled) {
      // Each at its own time: a large pool takes seconds, and the timers of all would be late by as much.
      this.#send({ type: 'ENROL', at: this.#clock.now(), tokens: tokens.slice(from, from + enrolled) });
    }
  }

  /** Handles the command at its own time. Throws only on a bug, after which the pool is dead. */
  command(command: Command): Answer {
    this.pass(command.at);
    const answer = this.#collect(command);
    if (command.type === 'RELEASE_ALL') return this.#repeat(command, answer);
    if (answer.facts.length === 0 && answer.refusal === null) {
      this.#die(new Error(`the pool gave no answer to ${command.type}`));
    }
    this.#mustLive();
    return answer;
  }

  /** Lets time reach `at`: no lease whose deadline has passed is live after it. Returns how many it ended. */
  pass(at: number): number {
    this.#mustLive();
    if (!this.isOverdue(at)) return 0;
    const sweep = { type: 'SWEEP', at } as const;
    return this.#repeat(sweep, this.#collect(sweep)).facts.length;
  }

  /** Whether a lease is still there whose deadline is at or before `at`. */
  isOverdue(at: number): boolean {
    return this.#actor.getSnapshot().context.deadlines.passed(at, 1).length > 0;
  }

  signal(event: Lifecycle): void {
    this.#send(event);
    if (event.type === 'FENCED') this.stop();
  }

  /** One token as it is at `at`. */
  token(tokenId: string, at: number): TokenView | undefined {
    this.pass(at);
    const entry = this.#actor.getSnapshot().context.order.get(tokenId);
    return entry && view(entry);
  }

  /** The tokens as they are at `at`, in the order in which the pool added them. */
  tokens(at: number): Iterable<TokenView> {
    this.pass(at);
    return this.#views();
  }

  *#views(): Generator<TokenView> {
    for (const entry of this.#actor.getSnapshot().context.order.all()) yield view(entry);
  }

  /** No timer fires after it. The actors are left to the garbage collector. */
  stop(): void {
    this.#clock.clearAll();
  }

  /** Goes on with what one event does for a portion of the tokens only. All of it is one step to everybody else. */
  #repeat(event: Command | Sweep, answer: Answer): Answer {
    for (let { facts } = answer; facts.length === portion; ) {
      ({ facts } = this.#collect(event));
      for (const fact of facts) answer.facts.push(fact);
    }
    return answer;
  }

  #collect(event: Command | Sweep): Answer {
    const answer: Answer = { facts: [], refusal: null };
    this.#answer = answer;
    try {
      this.#send(event);
    } finally {
      this.#answer = null;
    }
    return answer;
  }

  #send(event: PoolEvent): void {
    this.#mustLive();
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

  #record(
    { tokenId, lease }: TokenContext,
    { type, reason, at }: Pick<Happening, 'type' | 'reason' | 'at'>,
  ): void {
    const seq = ++this.#seq;
    if (lease === null || (type === 'activated' && lease.fence !== seq)) {
      throw new Error(`fact ${seq} (${type}) of token ${tokenId} does not go with its lease`);
    }
    const fact = { seq, type, reason, at: at ?? this.#clock.now(), tokenId, lease } as Fact;
    this.#answer?.facts.push(fact);
    this.#host.record(fact);
  }
}

const view = ({ tokenId, actor }: { tokenId: string; actor: TokenActor }): TokenView => ({
  tokenId,
  lease: actor.getSnapshot().context.lease,
});
