/** What happened: immutable, numbered, one row of the event log each. */
import type { Json, Lease, TokenState } from './lease.ts';

/** Why, for each type of fact; closed, and stored as it is written here. */
export const reasons = {
  activated: ['allocated', 'allocated_after_eviction', 'allocated_after_waiting'],
  renewed: ['renewed_by_client'],
  released: [
    'released_by_client',
    'lru_eviction',
    'oldest_eviction',
    'cleanup',
    'maintenance',
    'token_deleted',
    'pool_deleted',
    'caller_gone',
  ],
  expired: ['ttl_expired', 'ttl_expired_while_down'],
  rested: ['cool_down_over'],
  withdrawn: ['maintenance_begun'],
  restored: ['maintenance_over'],
  created: ['token_created', 'pool_grown'],
  deleted: ['deleted_by_client', 'idle_ttl_expired', 'pool_shrunk'],
  opened: ['pool_opened'],
  changed: ['options_changed'],
  closed: ['pool_deleted'],
} as const;

/** Of the lease of a token. */
export type LeaseFactType = 'activated' | 'renewed' | 'released' | 'expired';
/** Of a token itself. */
export type TokenFactType = LeaseFactType | 'rested' | 'withdrawn' | 'restored' | 'created' | 'deleted';
/** Of the pool itself. */
export type PoolFactType = 'opened' | 'changed' | 'closed';
export type FactType = TokenFactType | PoolFactType;
export const factTypes = Object.keys(reasons) as FactType[];

export type Reason<T extends FactType = FactType> = { [K in T]: (typeof reasons)[K][number] }[T];

interface Common<T extends FactType> {
  type: T;
  reason: Reason<T>;
  tokenId: string;
  /** null: when the clock says it is now (a timer fired). */
  at: number | null;
}

/** What a token reports: not yet numbered, and without a time where no command gave one. */
export type Happening =
  | { [T in LeaseFactType]: Common<T> & { lease: Lease } }[LeaseFactType]
  | { [T in Exclude<TokenFactType, LeaseFactType>]: Common<T> & { lease: null } }[Exclude<
      TokenFactType,
      LeaseFactType
    >];

/** A fact of a token. `lease`: as it left it, or as it was when it ended. */
export type Fact = Happening & {
  seq: number;
  at: number;
  /** The token as this left it; null where it is no more. */
  after: Omit<TokenState, 'seq'> | null;
};
export type LeaseFact = Extract<Fact, { lease: Lease }>;

export const isOfLease = (fact: Fact): fact is LeaseFact => fact.lease !== null;

/** A fact of the pool: what goes with it is plain JSON. */
export type PoolFact = {
  [T in PoolFactType]: { type: T; reason: Reason<T>; seq: number; at: number; metadata: Json };
}[PoolFactType];

/**
 * What goes with a fact in the log, beside the members of its lease: with a grant what its user gave along, and else
 * what the state of the token needs to be folded from it.
 */
export function metadataOf({ type, lease, after }: Fact): Json {
  if (type === 'activated') return lease.metadata;
  if (type === 'renewed' || after === null) return null;
  const { name, labels, restsUntil, keptUntil, withdrawn } = after;
  const isPlain = restsUntil === null && keptUntil === null;
  if (isPlain && type !== 'created' && type !== 'withdrawn') return null;
  const details: Record<string, Json> = {
    ...(type === 'created' && name !== null && { name }),
    ...(type === 'created' && Object.keys(labels).length > 0 && { labels: { ...labels } }),
    ...(type === 'withdrawn' && withdrawn !== null && withdrawn.note !== null && { note: withdrawn.note }),
    ...(restsUntil !== null && { rests_until: iso(restsUntil) }),
    ...(keptUntil !== null && { kept_until: iso(keptUntil) }),
  };
  return Object.keys(details).length > 0 ? details : null;
}

const iso = (ms: number): string => new Date(ms).toISOString();
