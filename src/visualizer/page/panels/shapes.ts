/** What the panels are given: the service's answers as they are on the wire, as far as the panels read them. Instants are ISO-8601. */
import type { OptionName, PoolOptions } from '../../../lease/pool-options.ts';

type Snake<S extends string> = S extends `${infer First}${infer Rest}`
  ? `${First extends Lowercase<First> ? First : `_${Lowercase<First>}`}${Snake<Rest>}`
  : S;

export type WireOptions = { [K in OptionName as Snake<K>]: PoolOptions[K] };

export interface Counts {
  available: number;
  active: number;
  total: number;
  resting?: number;
  withdrawn?: number;
  waiting?: number;
}

export interface PoolShown {
  name: string;
  /** null where the log no longer says what they were. */
  options: WireOptions | null;
  counts: Counts;
}

export interface TokenShown {
  token_id: string;
  name: string | null;
  labels: Readonly<Record<string, string>>;
  status: string;
  user_id: string | null;
  fence: number | null;
  activated_at: string | null;
  withdrawn: boolean;
  note: string | null;
}

export interface Queue {
  waiting: readonly {
    position: number;
    user_id: string;
    priority: number;
    since: string;
    until: string;
    labels: Readonly<Record<string, string>>;
  }[];
  total: number;
}

/** One minute, up to and with `at`; `active`: at its end. */
export interface Bucket {
  at: string;
  active: number;
  activated: number;
  evicted: number;
  released: number;
  expired: number;
}

/** Leases that were held so long, and longer than the one before; null: any longer. */
export interface HeldBucket {
  up_to_ms: number | null;
  leases: number;
}

/** Of the hour before `to`, which is when a fact was; the minutes of it that end after `from`. */
export interface Statistics {
  from: string;
  to: string;
  /** All of the hour was counted. */
  complete: boolean;
  buckets: readonly Bucket[];
  held: readonly HeldBucket[];
}

export const parties = ['route', 'clock', 'line', 'pool', 'token', 'journal'] as const;
export type Party = (typeof parties)[number];

export interface Message {
  step: number;
  /** From 1 on within its step. */
  n: number;
  at: string;
  from: Party;
  to: Party;
  message: string;
  token_id: string | null;
  user_id: string | null;
  detail: Details | null;
}

type Detail = string | number | boolean | null;
export type Details = Readonly<Record<string, Detail | Readonly<Record<string, Detail>>>>;
