/** What clients did and were told, and what the log says: plain data, which the checker decides upon. */

export type Kind = 'allocate' | 'renew' | 'release' | 'release_all' | 'token' | 'list' | 'events' | 'client';

/** What was asked for, as far as the checker has to know it. */
export interface Asked {
  kind: Kind;
  tokenId: string | null;
  /** Allocate: made for this one operation alone, so that each grant in the log names the one who asked. */
  userId: string | null;
  /** The lease that is meant, by its fence; null where none is, or none that ever was. */
  fence: number | null;
  proof: 'lease' | 'user' | null;
  ttlMs: number | null;
  key: string | null;
}

/** A token as a list shows it: its id, its fence, its deadline. */
export type TokenShown = [id: string, fence: number | null, expiresAt: string | null];

export interface Answer {
  status: number;
  error: string | null;
  replayed: boolean;
  body: Record<string, unknown>;
  /** Of a list. */
  shown: TokenShown[] | null;
}

/** One request and its answer, by the monotonic clock of the one process that all clients live in. */
export interface Call extends Asked {
  /** Which process was asked. */
  process: string;
  askedAt: number;
  answeredAt: number | null;
  /** null: none came, and what was asked for may have been done, or may yet be. */
  answer: Answer | null;
}

export interface LoggedFact {
  seq: number;
  type: string;
  reason: string;
  tokenId: string | null;
  userId: string | null;
  fence: number | null;
  at: number;
  expiresAt: number | null;
}

export interface TokenRow {
  id: string;
  ordinal: number;
  fence: number | null;
  userId: string | null;
  expiresAt: number | null;
  seq: number;
}

/** The database at one moment: the log, the tokens as they stand, and as they stood where the log begins. */
export interface Snapshot {
  log: LoggedFact[];
  tokens: TokenRow[];
  /** Every fact up to this one has been pruned. */
  floor: number;
  floorTokens: TokenRow[];
}

export interface History {
  calls: Call[];
  snapshot: Snapshot;
  /** How many tokens the pool has. */
  size: number;
}

/** Something that must not be, with the number of its invariant first. */
export type Violation = string;

/**
 * What its calls come to: `done`, `refused`, `unknown` (no answer, or one that says so), or `nothing`: whoever answered
 * says that it did nothing.
 */
export type Outcome = 'done' | 'refused' | 'unknown' | 'nothing';

/** What a client wanted once: one call, or all calls with the same key for the same thing. */
export interface Operation extends Asked {
  calls: Call[];
  outcome: Outcome;
  askedAt: number;
  /** Of the first answer that settles it; Infinity if none does. */
  answeredAt: number;
  /** That answer. */
  answer: Answer | null;
}

/**
 * Whether the answer is what became of a lease by then: a grant or a renewal that is asked for again with its key is
 * answered with the lease as it is, or how it ended.
 */
export const isOfTheMoment = ({ kind, answer }: Pick<Call, 'kind' | 'answer'>): boolean =>
  (kind === 'allocate' || kind === 'renew') &&
  answer?.replayed === true &&
  (answer.status === 200 || answer.error === 'lease_ended');

export const settles = ({ answer }: Call): boolean =>
  answer !== null && (outcomeOf(answer) === 'done' || outcomeOf(answer) === 'refused');

/** A refusal that is about the key and not about the pool. */
const keyErrors = new Set(['idempotency_key_in_use', 'idempotency_key_reused']);

export function outcomeOf(answer: Answer | null): Outcome {
  if (answer === null || answer.error === 'outcome_unknown') return 'unknown';
  if (answer.status < 300 || answer.error === 'too_late') return 'done';
  if (answer.error !== null && keyErrors.has(answer.error)) return 'nothing';
  return answer.status < 500 ? 'refused' : answer.error === 'unavailable' ? 'nothing' : 'unknown';
}

/** What must be the same for a key to mean the same request. */
const sameness = ({ kind, tokenId, userId, fence, proof, ttlMs, key }: Call): string =>
  [key, kind, tokenId, kind === 'allocate' || proof === 'user' ? userId : fence, proof, ttlMs].join(' ');

/** In the order of being asked. */
export function operationsOf(calls: readonly Call[]): Operation[] {
  const groups = new Map<unknown, Call[]>();
  for (const call of calls.toSorted((a, b) => a.askedAt - b.askedAt)) {
    const group = call.key === null ? call : sameness(call);
    groups.set(group, [...(groups.get(group) ?? []), call]);
  }
  return Array.from(groups.values(), operationOf);
}

function operationOf(calls: Call[]): Operation {
  const first = calls[0]!;
  const settled = calls.filter(settles).toSorted((a, b) => a.answeredAt! - b.answeredAt!)[0];
  return {
    ...first,
    calls,
    outcome: settled ? outcomeSettled(settled) : outcomeOpen(calls),
    answeredAt: settled?.answeredAt ?? Number.POSITIVE_INFINITY,
    answer: settled?.answer ?? null,
  };
}

function outcomeSettled(call: Call): Outcome {
  if (call.answer?.error !== 'lease_ended' || !isOfTheMoment(call)) return outcomeOf(call.answer);
  // What a repeated renewal is told when it was done is what it is told when it came too late to be.
  return call.kind === 'allocate' ? 'done' : 'unknown';
}

const outcomeOpen = (calls: readonly Call[]): Outcome =>
  calls.some(({ answer }) => outcomeOf(answer) === 'unknown') ? 'unknown' : 'nothing';
