/** Looks up moments of the past: the newest question wins, and what was seen lately is at hand. Pure but for `ask`, which is given. */

const keptMax = 40;

export class Past<T> {
  readonly #look: (seq: number, signal: AbortSignal) => Promise<T | null>;
  readonly #kept = new Map<number, T>();
  #under: AbortController | null = null;

  /** `look` answers null where there is nothing to see. */
  constructor(look: (seq: number, signal: AbortSignal) => Promise<T | null>) {
    this.#look = look;
  }

  /** What is at hand already. */
  kept(seq: number): T | undefined {
    return this.#kept.get(seq);
  }

  /** null: there is nothing to see, or somebody has asked for another moment since. */
  async at(seq: number): Promise<T | null> {
    this.#under?.abort();
    const under = new AbortController();
    this.#under = under;
    const seen = this.#kept.get(seq) ?? (await this.#look(seq, under.signal));
    if (under.signal.aborted || seen === null) return null;
    this.keep(seq, seen);
    return seen;
  }

  keep(seq: number, seen: T): void {
    this.#kept.delete(seq);
    this.#kept.set(seq, seen);
    const [oldest] = this.#kept.keys();
    if (this.#kept.size > keptMax) this.#kept.delete(oldest!);
  }

  forget(): void {
    this.#under?.abort();
    this.#kept.clear();
  }
}
