/** What the service says to the page, as it is written on the wire. Instants are ISO-8601. */
import type { FactType, Reason } from '../../lease/fact.ts';
import type { Json, Labels, Status } from '../../lease/lease.ts';
import type { PicturedToken } from '../../lease/picture.ts';
import type { Stage } from '../../lease/refusal.ts';

/** As the page keeps it. */
export type Token = PicturedToken;

export interface WireToken {
  token_id: string;
  name: string | null;
  labels: Labels;
  status: Status;
  user_id: string | null;
  fence: number | null;
  activated_at: string | null;
  expires_at: string | null;
  rests_until: string | null;
  kept_until: string | null;
  withdrawn: boolean;
  note: string | null;
  used_seq: number;
}

export interface WireOptions {
  membership: 'fixed' | 'elastic';
  size: number;
  ttl_ms: number;
  when_full: 'evict' | 'reject' | 'wait';
  eviction: 'lru' | 'oldest';
  min_hold_ms: number;
  [option: string]: unknown;
}

export interface WireSnapshot {
  pool: string;
  seq: number;
  at: string;
  now: string;
  clock: 'system' | 'simulated';
  oldest_seq: number;
  head_seq: number;
  options: WireOptions | null;
  counts: { available: number; active: number; resting: number; withdrawn: number; total: number };
  tokens: WireToken[];
}

export interface WireFact {
  seq: number;
  token_id: string | null;
  type: FactType;
  reason: Reason;
  user_id: string | null;
  fence: number | null;
  at: string;
  expires_at: string | null;
  metadata: Json;
}

export interface WirePool {
  name: string;
  options: WireOptions;
  counts: { available: number; active: number; total: number; waiting: number };
}

interface WireWaiter {
  position: number;
  user_id: string;
  priority: number;
  since: string;
  until: string;
  labels: Labels;
}

export interface WireQueue {
  waiting: WireWaiter[];
  total: number;
}

/** RFC 9457, as far as the page reads it. */
export interface Problem {
  status: number;
  error: string;
  title: string;
  detail?: string;
  stage?: Stage;
}

export const msOrNull = (instant: string | null): number | null =>
  instant === null ? null : Date.parse(instant);
