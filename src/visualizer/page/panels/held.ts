/** How long leases were held, as a table's rows. Pure. */
import { duration } from '../format.ts';
import type { HeldBucket } from './shapes.ts';

interface HeldRow {
  label: string;
  leases: number;
  /** Of the longest bar, 0 to 1. */
  share: number;
  hasMedian: boolean;
}

export function heldRows(held: readonly HeldBucket[]): HeldRow[] {
  const most = Math.max(1, ...held.map(({ leases }) => leases));
  const middle = placeOfMedian(held);
  return held.map(({ up_to_ms, leases }, place) => ({
    label: up_to_ms === null ? `> ${duration(held[place - 1]?.up_to_ms ?? 0)}` : `≤ ${duration(up_to_ms)}`,
    leases,
    share: leases / most,
    hasMedian: place === middle,
  }));
}

/**
 * How long half of the leases were held at most: within the bounds it falls between, they are taken to be spread evenly. `above`:
 * it is longer than the last bound. null: there were none.
 */
export function medianHeld(held: readonly HeldBucket[]): { ms: number; isAbove: boolean } | null {
  const place = placeOfMedian(held);
  const bucket = held[place];
  if (bucket === undefined) return null;
  const least = held[place - 1]?.up_to_ms ?? 0;
  if (bucket.up_to_ms === null) return { ms: least, isAbove: true };
  const before = held.slice(0, place).reduce((sum, { leases }) => sum + leases, 0);
  const share = (totalOf(held) / 2 - before) / bucket.leases;
  return { ms: least + share * (bucket.up_to_ms - least), isAbove: false };
}

export const totalOf = (held: readonly HeldBucket[]): number =>
  held.reduce((sum, { leases }) => sum + leases, 0);

function placeOfMedian(held: readonly HeldBucket[]): number {
  const half = totalOf(held) / 2;
  let sum = 0;
  return half === 0
    ? -1
    : held.findIndex(({ leases }) => {
        sum += leases;
        return sum >= half;
      });
}
