/** A promise that was not kept, by the number it has in `src/SPEC.md`, or by what went wrong where it has none. */

export class Broken extends Error {
  readonly invariant: string;

  constructor(invariant: string, what: string) {
    super(`[${invariant}] ${what}`);
    this.invariant = invariant;
  }
}

export function must(holds: boolean, invariant: string, what: () => string): asserts holds {
  if (!holds) throw new Broken(invariant, what());
}
