/** The users of the service: they ask, come again with their keys, and wait for answers that a crash can cost them. */
import { must } from './broken.ts';
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
import { surelyForgottenMs, surelyKeptMs } from './judge-keyed.ts';
import type { SimulatedProcess } from './process.ts';
import type { Again, Ask } from './steps.ts';
import type { Timeline } from './timeline.ts';
import type { Witness } from './witness.ts';

export class Clients {
  readonly #witness: Witness;
  readonly #timeline: Timeline;
  /** The calls under way. */
  readonly #underWay = new Set<Call>();
  /** Those that a paused process will find in its sockets. */
  readonly #inbox: Call[] = [];
  /** The first with each key, and the first of each other request with it. */
  readonly #keyed: Call[] = [];
  readonly #told: Told[] = [];

  constructor(witness: Witness, timeline: Timeline) {
    this.#witness = witness;
    this.#timeline = timeline;
  }

  get outstanding(): Call[] {
    return [...this.#underWay];
  }

  ask(ask: Ask, process: SimulatedProcess | undefined, isKeyed = false): Call | null {
    if (process?.state !== 'up') return null;
    const { calls, pool } = this.#witness;
    const call = this.#callOf(requestOf(ask, calls.length, this.#told, pool.tokenIds), process);
    if (isKeyed && isChange(call.request)) this.#give(call, `key ${call.number}`);
    this.#begin(call);
    return call;
  }

  /** A request with a key comes again, or another one with its key. */
  askAgain({ back, changed }: Again, process: SimulatedProcess | undefined): void {
    const before = this.#keyed.at(-1 - (back % Math.max(1, this.#keyed.length)));
    if (process?.state !== 'up' || before?.keyed == null) return;
    const { keyed, request, askedAt } = before.keyed.first;
    const ageMs = this.#timeline.now - askedAt;
    if (ageMs > surelyKeptMs && ageMs < surelyForgottenMs) return;
    const isNew = changed || ageMs > surelyKeptMs;
    const { length } = this.#witness.calls;
    const call = this.#callOf(isNew ? renumbered(request, length) : request, process);
    if (isNew) this.#give(call, keyed!.key);
    else call.keyed = keyed;
    this.#begin(call);
  }

  /** Hands over what has arrived while the process was paused. */
  deliverTo(process: SimulatedProcess): void {
    const waiting = this.#inbox.filter((call) => call.process === process);
    for (const call of waiting) {
      this.#inbox.splice(this.#inbox.indexOf(call), 1);
      // Who has waited for hours has hung up.
      if (this.#timeline.now - call.askedAt > surelyKeptMs) this.#underWay.delete(call);
      if (this.#underWay.has(call)) this.#deliver(call);
    }
  }

  /** The process is gone: whoever waits for it will never know. */
  abandon(process: SimulatedProcess): void {
    for (const call of this.outstanding) if (call.process === process) this.#underWay.delete(call);
  }

  /** Nobody waits for longer than two commits in a row that are lost, and looked for, can take. */
  audit(): void {
    const { commitTimeoutMs, patienceMs } = this.#witness.plan;
    const mostMs = 6 * commitTimeoutMs + 4 * patienceMs + 3000;
    for (const { number, process, awakeMs } of this.outstanding) {
      const waitedMs = process.awakeMs - awakeMs;
      must(waitedMs <= mostMs, 'answer', () => `call ${number} has waited for ${waitedMs} ms`);
    }
  }

  #callOf(request: Request, process: SimulatedProcess): Call {
    const { calls, pool } = this.#witness;
    const [number, since, askedAt] = [calls.length, pool.seq, this.#timeline.now];
    return { number, request, process, keyed: null, askedAt, since, awakeMs: process.awakeMs, outcome: null };
  }

  #give(call: Call, key: string): void {
    call.keyed = { key, fingerprint: `of call ${call.number}`, first: call };
    this.#keyed.push(call);
  }

  #begin(call: Call): void {
    const { number, process, request, keyed } = call;
    this.#witness.calls.push(call);
    this.#underWay.add(call);
    this.#witness.note(
      () => `call ${number} to ${process.name}: ${this.#witness.named(request)} ${keyed?.key ?? ''}`,
    );
    if (process.isPaused) this.#inbox.push(call);
    else this.#deliver(call);
  }

  #deliver(call: Call): void {
    const { number, process } = call;
    send(process.service, call).then(
      (outcome) => {
        if (!this.#underWay.delete(call)) return;
        call.outcome = outcome;
        this.#witness.note(() => `call ${number} is answered: ${this.#witness.named(outcome)}`);
        this.#witness.answered(call);
        this.#remember(call);
      },
      (error) => {
        if (!this.#underWay.delete(call)) return;
        this.#witness.note(() => `call ${number} is answered with an error: ${error.message}`);
        // A process that ends tells those who are left so.
        this.#witness.guarded(() => must(process.state !== 'up', 'crash', () => error.stack));
      },
    );
  }

  #remember({ request, outcome }: Call): void {
    if (request.do !== 'allocate' || outcome === null || !('ok' in outcome)) return;
    const { tokenId, lease } = outcome.ok as Answers['allocate'];
    this.#told.push({ tokenId, leaseId: lease.leaseId, userId: lease.userId });
  }
}
