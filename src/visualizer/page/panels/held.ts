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

/** Between which bounds the lease in the middle was held: more is not known. `upToMs`: null where it is longer than the last of them. null: there were none. */
export function medianHeld(held: readonly HeldBucket[]): { overMs: number; upToMs: number | null } | null {
  const place = placeOfMedian(held);
  const bucket = held[place];
  return bucket === undefined ? null : { overMs: held[place - 1]?.up_to_ms ?? 0, upToMs: bucket.up_to_ms };
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
