/** The last hour of a pool in columns, and in words. Pure. */
import { counted, hourAndMinute, number } from '../format.ts';
import type { Bucket, Statistics } from './shapes.ts';

export interface Columns {
  /** The hour, in seconds since 1970. */
  from: number;
  to: number;
  /** Where each minute begins. */
  at: number[];
  active: number[];
  activated: number[];
  evicted: number[];
  expired: number[];
}

const bucketSeconds = 60;

export function columnsOf({ to, buckets }: Statistics): Columns {
  const end = Date.parse(to) / 1_000;
  return {
    from: end - 60 * bucketSeconds,
    to: end,
    at: buckets.map(({ at }) => Date.parse(at) / 1_000 - bucketSeconds),
    active: buckets.map(({ active }) => active),
    activated: buckets.map(({ activated }) => activated),
    evicted: buckets.map(({ evicted }) => evicted),
    expired: buckets.map(({ expired }) => expired),
  };
}

/** Which minute `second` is in; null: none of them. */
export function minuteAt({ at }: Columns, second: number): number | null {
  const place = Math.floor((second - (at[0] ?? 0)) / bucketSeconds);
  return place >= 0 && place < at.length ? place : null;
}

interface Totals {
  active: number;
  activated: number;
  evicted: number;
  expired: number;
}

export function totalsOf(buckets: readonly Bucket[]): Totals {
  const sum = (name: 'activated' | 'evicted' | 'expired') =>
    buckets.reduce((total, bucket) => total + bucket[name], 0);
  return {
    active: buckets.at(-1)?.active ?? 0,
    activated: sum('activated'),
    evicted: sum('evicted'),
    expired: sum('expired'),
  };
}

/** The hour as one would tell it. */
export function hourInWords({ to, buckets }: Statistics, size: number | null, timeZone?: string): string {
  const { active, activated, evicted, expired } = totalsOf(buckets);
  const peak = buckets.reduce<Bucket | undefined>(
    (most, one) => (most && most.active >= one.active ? most : one),
    undefined,
  );
  if (peak === undefined || (peak.active === 0 && activated === 0)) return 'Nothing was leased.';
  const of = size === null ? '' : ` of ${number(size)}`;
  const most = `${number(peak.active)} at most (${hourAndMinute(peak.at, timeZone)})`;
  const counts = [
    counted(activated, 'allocation'),
    counted(evicted, 'eviction'),
    counted(expired, 'expiry', 'expiries'),
  ];
  return `${number(active)}${of} leased at ${hourAndMinute(to, timeZone)}, ${most}. ${counts.join(', ')}.`;
}

/** From when on it was counted, where that is not all of the hour: of the rest there are no facts any more, or too many. */
export const gapInWords = ({ complete, from }: Statistics, timeZone?: string): string | null =>
  complete ? null : `Not all of this hour could be counted: it begins at ${hourAndMinute(from, timeZone)}.`;

/**
 * Up to where leases are drawn, and whether the pool's size is. In a large pool with few leases it is not: they would not be seen.
 */
export function scaleOf(peak: number, size: number | null): { top: number; showsSize: boolean } {
  const showsSize = size !== null && (size <= 200 || peak >= size / 20);
  return { top: Math.max(1, Math.ceil(showsSize ? Math.max(peak, size) * 1.06 : peak * 1.25)), showsSize };
}
