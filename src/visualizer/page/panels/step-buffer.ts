/** The last steps of a pool, as far as memory is given to them. Pure. */
import type { Message } from './shapes.ts';

export interface Step {
  number: number;
  at: string;
  /** In their order; the first `messagesMax` of them. */
  messages: readonly Message[];
  /** How many more it has had. */
  more: number;
}

/** Messages of steps, and whole steps. */
export interface Dropped {
  messages: number;
  steps: number;
}

const none: Dropped = { messages: 0, steps: 0 };

export class StepBuffer {
  readonly #stepsMax: number;
  readonly #messagesMax: number;
  /** Newest first. Steps are replaced, never changed: whoever shows one can keep it. */
  #steps: Step[] = [];
  /** Of the steps that had to go: what comes later for one of them has no place. */
  #goneUpTo = 0;
  #dropped: Dropped = none;

  constructor(stepsMax = 50, messagesMax = 60) {
    this.#stepsMax = stepsMax;
    this.#messagesMax = messagesMax;
  }

  /** Newest first; another list after each change. */
  get steps(): readonly Step[] {
    return this.#steps;
  }

  /** What never came here. */
  get dropped(): Dropped {
    return this.#dropped;
  }

  add(message: Message): void {
    if (this.#isOfAnotherCount(message)) this.clear();
    if (message.step <= this.#goneUpTo) return;
    const place = this.#steps.findIndex(({ number }) => number <= message.step);
    const found = this.#steps[place];
    if (found?.number === message.step) {
      this.#steps = this.#steps.with(place, this.#grown(found, message));
      return;
    }
    const fresh: Step = { number: message.step, at: message.at, messages: [message], more: 0 };
    const steps = this.#steps.toSpliced(place < 0 ? this.#steps.length : place, 0, fresh);
    for (const { number } of steps.splice(this.#stepsMax)) {
      this.#goneUpTo = Math.max(this.#goneUpTo, number);
    }
    this.#steps = steps;
  }

  /** Takes note of what the service had to leave out. */
  drop({ messages, steps }: Dropped): void {
    this.#dropped = { messages: this.#dropped.messages + messages, steps: this.#dropped.steps + steps };
  }

  clear(): void {
    this.#steps = [];
    this.#goneUpTo = 0;
    this.#dropped = none;
  }

  /** A step begins that has been before: another process counts from 1 again. */
  #isOfAnotherCount({ step, n }: Message): boolean {
    if (n !== 1) return false;
    return (
      step <= this.#goneUpTo ||
      this.#steps.some(({ number, messages }) => number === step && messages[0]?.n === 1)
    );
  }

  #grown(step: Step, message: Message): Step {
    if (step.messages.length >= this.#messagesMax) return { ...step, more: step.more + 1 };
    const place = step.messages.findLastIndex(({ n }) => n < message.n) + 1;
    return { ...step, messages: step.messages.toSpliced(place, 0, message) };
  }
}
