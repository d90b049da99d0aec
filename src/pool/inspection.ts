/**
 * What passes between a pool, its line, its tokens and its host, as plain messages for whoever looks on. Uses XState's inspection,
 * to which nothing is attached while nobody does. Knows no HTTP and no journal.
 */
import type {
  ActorRefLike,
  AnyEventObject,
  InspectedMicrostepEvent,
  InspectedSnapshotEvent,
  InspectionEvent,
  Observer,
} from 'xstate';
import type { Clock } from '../clock.ts';
import type { Fact } from '../lease/fact.ts';
import type { Message, Party, Step } from '../lease/message.ts';
import type { PoolHost } from './pool-host.ts';
import { type AnyEvent, detailOf, type Shown, shownEvent } from './shown-event.ts';

/** Takes each step when it is over, and its messages: not all of them, where it has told of more. */
export type Listener = (step: Step, messages: Message[]) => void;

/** Of one step; a pool can release a hundred thousand leases in one. */
export const messagesMax = 200;

interface System {
  inspect(observer: Observer<InspectionEvent>): { unsubscribe(): void };
}

/** An event that an actor is at, and the state in which it came. */
interface Handled {
  actor: ActorRefLike;
  message: Message;
  before: unknown;
}

export class Inspection {
  readonly #clock: Pick<Clock, 'now'>;
  /** How many steps there have been, seen or not. */
  #steps = 0;
  /** Who has set off what happens now. */
  #from: Party = 'pool';
  #isCounted = false;
  #system: System | null = null;
  #listener: Listener | null = null;
  #step: Step | undefined;
  #messages: Message[] = [];
  readonly #handled = new Map<AnyEventObject, Handled>();
  /** What each actor is at. */
  readonly #current = new Map<ActorRefLike, Handled>();

  constructor(clock: Pick<Clock, 'now'>) {
    this.#clock = clock;
  }

  get steps(): number {
    return this.#steps;
  }

  /** The number of one that is not the pool's own. */
  nextStep(): number {
    return ++this.#steps;
  }

  /** The step under way, while somebody looks on. */
  get step(): Step | undefined {
    return this.#step;
  }

  /** The system of the pool's actors. */
  set system(system: System) {
    this.#system = system;
  }

  /** Tells what passed in each step from the next one on, until what is returned is called; both between two steps. One listener at a time. */
  listen(listener: Listener): () => void {
    const stop = this.observe({ next: (event) => this.#see(event) });
    this.#listener = listener;
    return () => {
      stop();
      this.#listener = null;
    };
  }

  /** All that XState tells, as it is: with the leases, for whoever keeps these back. */
  observe(observer: Observer<InspectionEvent>): () => void {
    const { unsubscribe } = this.#system!.inspect(observer);
    return unsubscribe;
  }

  begin(): void {
    this.#isCounted = false;
  }

  /** Something of the step under way is set off. */
  setOff(from: Party): void {
    this.#from = from;
    if (this.#isCounted) return;
    this.#isCounted = true;
    this.#steps++;
    if (this.#listener === null) return;
    this.#step = { number: this.#steps, told: 0, userId: null, tokenId: null, seq: null };
  }

  end(): void {
    const step = this.#step;
    if (step === undefined) return;
    const messages = this.#messages;
    this.#step = undefined;
    this.#messages = [];
    this.#handled.clear();
    this.#current.clear();
    if (step.told > 0) this.#listener?.(step, messages);
  }

  /** The same host, overheard. */
  overhear(host: PoolHost): PoolHost {
    return {
      ...host,
      record: (fact) => {
        host.record(fact);
        if (this.#step) this.#recorded(this.#step, fact);
      },
      recordChange: (change) => {
        const seq = host.recordChange(change);
        if (this.#step) this.#ofPool(this.#step, 'fact changed options_changed', { seq });
        return seq;
      },
      recordClosing: (at) => {
        host.recordClosing(at);
        if (this.#step) this.#ofPool(this.#step, 'fact closed pool_deleted', {});
      },
    };
  }

  #recorded(step: Step, { type, reason, seq, tokenId, lease, after }: Fact): void {
    step.seq = seq;
    step.tokenId = tokenId;
    if (lease !== null) step.userId = lease.userId;
    const detail = { seq, ...(lease && detailOf({ ...lease })), ...(after && detailOf({ ...after })) };
    const message = `fact ${type} ${reason}`;
    this.#tell('token', 'journal', { message, tokenId, userId: lease?.userId ?? null, detail });
  }

  #ofPool(step: Step, message: string, detail: { seq?: number }): void {
    step.seq = detail.seq ?? step.seq;
    this.#tell('pool', 'journal', { message, tokenId: null, userId: null, detail });
  }

  /** Adds a message to the step; null if it has too many. */
  #tell(from: Party, to: Party, shown: Shown): Message | null {
    const step = this.#step;
    if (step === undefined || ++step.told > messagesMax) return null;
    const message = { step: step.number, n: step.told, at: this.#clock.now(), from, to, ...shown };
    this.#messages.push(message);
    return message;
  }

  #see(seen: InspectionEvent): void {
    if (seen.type === '@xstate.event') this.#sent(seen.event, seen.sourceRef, seen.actorRef);
    else if (seen.type === '@xstate.action') this.#done(seen.actorRef, seen.action);
    else if (seen.type === '@xstate.microstep') this.#chose(seen);
    else if (seen.type === '@xstate.snapshot') this.#settled(seen);
  }

  /** Which transition was taken shows which guard held. */
  #chose({ actorRef, event, _transitions }: InspectedMicrostepEvent): void {
    const handled = this.#handledBy(actorRef, event);
    const guard = _transitions[0]?.guard as { type: string } | undefined;
    if (handled && guard && !('guard' in handled.message.detail)) handled.message.detail.guard = guard.type;
  }

  #settled({ actorRef, event, snapshot }: InspectedSnapshotEvent): void {
    const handled = this.#handledBy(actorRef, event);
    if (handled === undefined) return;
    const { before, message } = handled;
    const after = stateOf(snapshot);
    if (after !== before) message.detail.state = { before: String(before), after: String(after) };
  }

  /** A command can be passed on as it is: then it is the same event, of two actors. */
  #handledBy(actor: ActorRefLike, event: AnyEventObject): Handled | undefined {
    const handled = this.#handled.get(event);
    return handled?.actor === actor ? handled : undefined;
  }

  #sent(event: AnyEventObject, source: ActorRefLike | undefined, target: ActorRefLike): void {
    const isAfter = event.type.startsWith('xstate.after.');
    if (event.type.startsWith('xstate.') && !isAfter && event.type !== 'xstate.init') return;
    const isToPool = parentOf(target) === undefined;
    const shown = shownEvent(event as AnyEvent);
    const from = isAfter ? 'clock' : source === undefined ? this.#from : isToPool ? 'token' : 'pool';
    const tokenId = isToPool ? shown.tokenId : idOf(target);
    if (this.#step?.told === 0) Object.assign(this.#step, { tokenId, userId: shown.userId });
    const message = this.#tell(from, isToPool ? 'pool' : 'token', { ...shown, tokenId });
    if (message === null) return;
    // One that is being started has no state yet.
    const handled = { actor: target, message, before: stateOf(target.getSnapshot()) };
    this.#current.set(target, handled);
    if (event.type !== 'xstate.init') this.#handled.set(event, handled);
  }

  #done(actor: ActorRefLike, { type, params }: { type: string; params: unknown }): void {
    const { code } = (params ?? {}) as { code?: string };
    if (type === 'refuse') {
      const handled = this.#current.get(actor);
      if (handled) handled.message.detail.refusal = String(code);
    }
    const move = moves[type];
    if (move === undefined) return;
    const detail = code === undefined ? {} : { code };
    this.#tell('pool', 'line', { message: move, tokenId: null, userId: null, detail });
  }
}

/** What the supervisor does to its line. */
const moves: Readonly<Record<string, string>> = {
  joinLine: 'joined',
  leaveLine: 'left',
  dismissAll: 'dismissed',
};

const parentOf = (actor: ActorRefLike): unknown => (actor as { _parent?: unknown })._parent;
const idOf = (actor: ActorRefLike): string => (actor as unknown as { id: string }).id;
const stateOf = (snapshot: unknown): unknown => (snapshot as { value?: unknown }).value;
