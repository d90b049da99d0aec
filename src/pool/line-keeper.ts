/** Sees to it that the line of a running pool is served: when a step is over, and at the instant from which a lease can be evicted. */
import type { Allocate } from '../lease/command.ts';
import type { Stage } from '../lease/refusal.ts';
import type { ClearableClock } from './clearable-clock.ts';
import type { PoolContext, PoolEvent } from './pool-context.ts';
import { contentOnes, mayServe } from './serving.ts';

/** The pool, as far as its line is concerned. */
interface Running {
  see(): { value: Stage; context: PoolContext };
  /** No earlier than the last fact. */
  now(): number;
  endWhatIsDue(at: number): void;
  send(event: PoolEvent): void;
  /** Answers one who has left the line as if they came now. */
  askAgain(waiter: Allocate): void;
}

export class LineKeeper {
  readonly #clock: ClearableClock;
  readonly #pool: Running;
  #waking: { at: number; timer: { id: unknown } } | null = null;

  constructor(clock: ClearableClock, pool: Running) {
    this.#clock = clock;
    this.#pool = pool;
  }

  serve(): void {
    const pool = this.#pool;
    // Its line and its tokens are the same ones throughout.
    const { value: stage, context } = pool.see();
    while (stage === 'serving' && context.line.length > 0) {
      const at = pool.now();
      pool.endWhatIsDue(at);
      for (const waiter of contentOnes(context, at)) {
        pool.send({ type: 'LEAVE', at, leaseId: waiter.leaseIds[0]! });
        pool.askAgain({ ...waiter, at });
      }
      if (!mayServe(context, at)) break;
      pool.send({ type: 'SERVE', at });
    }
    if (context.line.length === 0) context.prospects.forget(context);
    this.#setWaking();
  }

  #setWaking(): void {
    const { value: stage, context } = this.#pool.see();
    const { line, options, prospects } = context;
    const isAwaited = line.length > 0 && options.whenFull === 'evict' && stage === 'serving';
    const at = isAwaited ? prospects.evictFrom : Number.POSITIVE_INFINITY;
    if (at === (this.#waking?.at ?? Number.POSITIVE_INFINITY)) return;
    this.#clock.clearTimeout(this.#waking?.timer);
    this.#waking = null;
    if (at === Number.POSITIVE_INFINITY) return;
    // The line is served when a timer has done its work.
    const wake = () => {
      this.#waking = null;
    };
    this.#waking = { at, timer: this.#clock.setTimeout(wake, at - this.#clock.now()) };
  }
}
