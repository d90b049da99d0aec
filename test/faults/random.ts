/** Chance that can be had again: the same seed gives the same run of numbers. */

export class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** From 0 up to 1 (mulberry32). */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), this.#state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  }

  /** Whether something happens that does in this part of all cases. */
  happens(part: number): boolean {
    return this.next() < part;
  }

  /** A whole number, both ends included. */
  between(least: number, most: number): number {
    return least + Math.floor(this.next() * (most - least + 1));
  }

  of<T>(members: readonly T[]): T {
    return members[this.between(0, members.length - 1)]!;
  }

  /** A seed for somebody else's run of numbers. */
  seed(): number {
    return this.between(0, 0x7fff_ffff);
  }
}
