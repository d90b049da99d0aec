/** What the order of questions and answers says about places in the log. */
import { countUpTo, type Replay } from './replay.ts';
import type { Change } from './witness.ts';

/** Between which places of the log an operation must lie, given what else was answered before it and asked after it. */
export class Bounds {
  readonly #answered = new Ladder();
  readonly #looked = new Ladder();
  /** Backwards in time, and down the log. */
  readonly #asked = new Ladder();
  readonly #floor: number;
  readonly #lastSeq: number;

  constructor(changes: readonly Change[], { floor, lastSeq }: Pick<Replay, 'floor' | 'lastSeq'>) {
    this.#floor = floor;
    this.#lastSeq = lastSeq;
    const answered = changes.filter(({ operation }) => Number.isFinite(operation.answeredAt));
    for (const change of answered.toSorted((a, b) => a.operation.answeredAt - b.operation.answeredAt))
      this.#answered.add(change.operation.answeredAt, change.lastSeq);
    for (const change of changes.toSorted((a, b) => b.operation.askedAt - a.operation.askedAt))
      this.#asked.add(-change.operation.askedAt, -change.firstSeq);
  }

  /** Above everything that was answered before. */
  lowest(askedAt: number): number {
    return Math.max(this.#floor, this.#answered.before(askedAt), this.#looked.before(askedAt));
  }

  /** Below every change that was asked for only afterwards. */
  highest(answeredAt: number): number {
    return Math.min(this.#lastSeq, -this.#asked.before(-answeredAt) - 1);
  }

  /** To be told in the order of `answeredAt`. */
  note(answeredAt: number, place: number): void {
    this.#looked.add(answeredAt, place);
  }
}

/** The highest value so far, for each instant. */
class Ladder {
  readonly #instants: number[] = [];
  readonly #highest: number[] = [];

  /** Instants never fall. */
  add(instant: number, value: number): void {
    this.#instants.push(instant);
    this.#highest.push(Math.max(value, this.#highest.at(-1) ?? value));
  }

  /** Of what was added for instants before this one. */
  before(instant: number): number {
    const count = countUpTo(this.#instants, (each) => each < instant);
    return this.#highest[count - 1] ?? Number.NEGATIVE_INFINITY;
  }
}
