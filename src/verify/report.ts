/** What has been found: the first violations in full, and how many there are in all. */
import type { Invariant, Violation } from '../lease/violation.ts';

/** Where the violation shows. */
export interface Place {
  seq: number | null;
  tokenId: string | null;
}

export class Report {
  readonly violations: Violation[] = [];
  total = 0;
  readonly #listedMax: number;

  constructor(listedMax: number) {
    this.#listedMax = listedMax;
  }

  add(invariant: Invariant, { seq, tokenId }: Place, message: string): void {
    this.total++;
    if (this.violations.length < this.#listedMax) this.violations.push({ invariant, seq, tokenId, message });
  }
}

/** Says what is wrong with the fact at hand. */
export type Say = (invariant: Invariant, message: string) => void;

/** Of no single fact or token. */
export const nowhere: Place = { seq: null, tokenId: null };

/** Edited rows hold instants that no calendar has. */
export function shown(ms: number | null): string {
  if (ms === null) return 'nothing';
  return Math.abs(ms) <= 8.64e15 ? new Date(ms).toISOString() : String(ms);
}
