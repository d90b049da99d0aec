/**
 * The messages of one pool, handed to those who look on while they do: it is no log. Nobody is slowed down by it: of steps that come
 * too fast only some are shown, of large ones the beginning, and it is told how much was left out.
 */
import type { Clock } from '../clock.ts';
import type { Details, Message, Party, Step, Told } from '../lease/message.ts';
import type { Outcome } from '../lease/refusal.ts';
import type { Pool } from '../pool/pool.ts';
import type { Feed } from './feed.ts';

type Timers = Pick<Clock, 'setTimeout' | 'clearTimeout'>;

/** How many steps are shown in so many milliseconds. */
const stepsMax = 50;
const windowMs = 1000;
/** How many messages are kept for somebody who reads slowly. */
const waitingMax = 2000;

/** Whoever looks on, with what they have not been given yet. */
interface Viewer {
  told: Told[];
  dropped: number;
  wake(): void;
}

export class Messages {
  readonly #clock: Pick<Clock, 'now'>;
  readonly #timers: Timers;
  readonly #pool: Pool;
  readonly #feed: Feed;
  readonly #viewers = new Set<Viewer>();
  /** While somebody looks on. */
  #leaveFeed: (() => void) | null = null;
  #detach: (() => void) | null = null;
  /** The time in which so many steps may be shown: how many have been, and which one was the last. */
  #window: { timer: unknown; shown: number; lastStep: number } | null = null;
  /** The newest facts of steps that were shown, until their commits are. */
  #uncommitted: number[] = [];

  constructor(clock: Pick<Clock, 'now'>, timers: Timers, pool: Pool, feed: Feed) {
    this.#clock = clock;
    this.#timers = timers;
    this.#pool = pool;
    this.#feed = feed;
  }

  /** What passes from now on, in portions, until this process no longer serves the pool, or `gone` says so. */
  async *watch(gone: AbortSignal): AsyncGenerator<Told[]> {
    let wake = () => {};
    const viewer: Viewer = { told: [], dropped: 0, wake: () => wake() };
    const left = () => {
      this.#leave(viewer);
      wake();
    };
    if (gone.aborted || this.#feed.hasEnded) return;
    this.#join(viewer);
    // Whoever is cut off does not come back for the rest.
    gone.addEventListener('abort', left);
    try {
      while (!gone.aborted) {
        const portion = taken(viewer);
        if (portion.length > 0) yield portion;
        else if (this.#feed.hasEnded) return;
        else
          await new Promise<void>((resolve) => {
            // What follows in the same breath goes with it.
            wake = () => {
              wake = () => {};
              setImmediate(resolve);
            };
          });
      }
    } finally {
      gone.removeEventListener('abort', left);
      this.#leave(viewer);
    }
  }

  /** The answer to what came of a step that is shown, as it is given. */
  answered(answer: string, { step, ...outcome }: Outcome<unknown>): void {
    if (step === undefined || this.#viewers.size === 0) return;
    const message = 'refused' in outcome ? `refused ${outcome.refused.code}` : answer;
    const { seq } = step;
    this.#tell(this.#messageOf(step, 'pool', 'route', message, seq === null ? {} : { seq }));
  }

  #join(viewer: Viewer): void {
    this.#viewers.add(viewer);
    if (this.#viewers.size > 1) return;
    this.#attach();
    this.#leaveFeed = this.#feed.listen(() => this.#committed());
  }

  #leave(viewer: Viewer): void {
    if (!this.#viewers.delete(viewer) || this.#viewers.size > 0) return;
    this.#detach?.();
    this.#detach = null;
    this.#leaveFeed?.();
    this.#leaveFeed = null;
    this.#timers.clearTimeout(this.#window?.timer);
    this.#window = null;
    this.#uncommitted = [];
  }

  #attach(): void {
    this.#detach = this.#pool.inspection.listen((step, messages) => this.#passed(step, messages));
  }

  #passed({ seq, told }: Step, messages: Message[]): void {
    this.#window ??= { timer: this.#timers.setTimeout(() => this.#next(), windowMs), shown: 0, lastStep: 0 };
    const window = this.#window;
    window.shown++;
    window.lastStep = this.#pool.inspection.steps;
    if (seq !== null) this.#uncommitted.push(seq);
    for (const message of messages) this.#tell({ message });
    const left = told - messages.length;
    if (left > 0) this.#tell({ dropped: { messages: left, steps: 0 } });
    if (window.shown < stepsMax) return;
    this.#detach?.();
    this.#detach = null;
  }

  /** The time is over: so many may be shown again. */
  #next(): void {
    const { shown, lastStep } = this.#window!;
    this.#window = null;
    if (shown < stepsMax) return;
    const steps = this.#pool.inspection.steps - lastStep;
    if (steps > 0) this.#tell({ dropped: { messages: 0, steps } });
    this.#attach();
  }

  /** A commit is a step of its own: several others can share it. Told where one of them was shown. */
  #committed(): void {
    const { head, commitMs } = this.#feed;
    const [first = Number.POSITIVE_INFINITY] = this.#uncommitted;
    if (first <= head) {
      this.#uncommitted = this.#uncommitted.filter((seq) => seq > head);
      const step = {
        number: this.#pool.inspection.nextStep(),
        told: 0,
        userId: null,
        tokenId: null,
        seq: head,
      };
      // It is not one of those left out.
      if (this.#window) this.#window.lastStep++;
      const ms = Math.round(commitMs * 10) / 10;
      this.#tell(this.#messageOf(step, 'journal', 'pool', 'commit', { up_to_seq: head, ms }));
    }
    for (const { wake } of this.#viewers) wake();
  }

  #messageOf(step: Step, from: Party, to: Party, message: string, detail: Details): Told {
    const { number, tokenId, userId } = step;
    const n = ++step.told;
    return {
      message: { step: number, n, at: this.#clock.now(), from, to, message, tokenId, userId, detail },
    };
  }

  #tell(told: Told): void {
    for (const viewer of this.#viewers) {
      if (viewer.told.length < waitingMax) viewer.told.push(told);
      else viewer.dropped++;
      viewer.wake();
    }
  }
}

/** All that there is for them, and how much more there would have been. */
function taken(viewer: Viewer): Told[] {
  const { told, dropped } = viewer;
  viewer.told = [];
  viewer.dropped = 0;
  return dropped === 0 ? told : [...told, { dropped: { messages: dropped, steps: 0 } }];
}
