/** The users of the service: they ask, come again with their keys, and wait for answers that a crash can cost them. */
import { must } from './broken.ts';
import {
  type Answers,
  type Call,
  canHaveKey,
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
  #arrived = 0;

  constructor(witness: Witness, timeline: Timeline) {
    this.#witness = witness;
    this.#timeline = timeline;
  }

  get outstanding(): Call[] {
    return [...this.#underWay];
  }

  ask(ask: Ask, process: SimulatedProcess | undefined, isKeyed = false): Call | null {
    if (process?.state !== 'up') return null;
    const { calls, plan } = this.#witness;
    const tokensOf = (pool: string) => this.#witness.pool(pool).tokenIds;
    const meant = { told: this.#told, tokensOf, options: plan.otherOptions };
    const call = this.#callOf(requestOf(ask, calls.length, meant), process);
    if (isKeyed && canHaveKey(call.request)) this.#give(call, `key ${call.number}`);
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

  /** One who may be waiting in line goes away, and hears no answer any more. */
  hangUp(back: number): void {
    const waiting = this.outstanding.filter((call) => isPatient(call) && !call.process.isPaused);
    const call = waiting.at(-1 - (back % Math.max(1, waiting.length)));
    if (call === undefined) return;
    this.#witness.note(() => `the client of call ${call.number} hangs up`);
    this.#underWay.delete(call);
    call.goneAt = call.process.time.now();
    call.gone.abort();
  }

  /** Whether everybody is answered but those who stand in line. */
  get areServed(): boolean {
    return this.outstanding.every(isPatient);
  }

  /** The process is gone: whoever waits for it will never know. */
  abandon(process: SimulatedProcess): void {
    for (const call of this.outstanding) if (call.process === process) this.#underWay.delete(call);
  }

  /** Nobody waits for longer than two commits in a row that are lost, and looked for, can take. */
  audit(): void {
    const { commitTimeoutMs, patienceMs } = this.#witness.plan;
    const mostMs = 6 * commitTimeoutMs + 4 * patienceMs + 3000;
    for (const call of this.outstanding) {
      const { number, process, awakeMs } = call;
      const waitedMs = process.awakeMs - awakeMs - (isPatient(call) ? this.#patienceOf(call) : 0);
      must(waitedMs <= mostMs, 'answer', () => `call ${number} has waited for ${waitedMs} ms`);
    }
  }

  #callOf(request: Request, process: SimulatedProcess): Call {
    const { calls } = this.#witness;
    const { seq } = this.#witness.pool(request.pool);
    const [number, askedAt] = [calls.length, this.#timeline.now];
    return {
      ...{ number, request, process, keyed: null, askedAt, since: seq, awakeMs: process.awakeMs },
      ...{ outcome: null, arrived: null, gone: new AbortController(), goneAt: null },
    };
  }

  /** How long it may stand in line. */
  #patienceOf({ request, since }: Call): number {
    const { states } = this.#witness.pool(request.pool);
    const byDefault = states.slice(since).map(({ options }) => options?.waitMs ?? 0);
    return request.do === 'allocate' ? (request.waitMs ?? Math.max(...byDefault)) : 0;
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
    call.arrived = { at: process.time.now(), place: this.#arrived++ };
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
    for (const { tokenId, lease } of outcome.ok as Answers['allocate'])
      this.#told.push({ pool: request.pool, tokenId, leaseId: lease.leaseId, userId: lease.userId });
  }
}

/** Whether it may stand in line: a batch does not. */
const isPatient = ({ request }: Call): boolean => request.do === 'allocate' && (request.count ?? 1) === 1;
