/**
 * A pool as the facts so far have left it: its options, its tokens, and these in their order of use. Takes facts as
 * they come, right or wrong: what is reported of one is not reported again of all that follow it.
 */
import type { AuditedFact, AuditedState, AuditedToken, Standing } from '../journal/audited.ts';
import { readOptions, tokensAtFirst } from '../journal/stored-options.ts';
import { canonical } from '../lease/canonical.ts';
import type { Json, Labels } from '../lease/lease.ts';
import { optionDefaults, type PoolOptions } from '../lease/pool-options.ts';
import type { FoldedLease, FoldedState, FoldedToken } from './group.ts';
import { Group } from './group.ts';

export class Fold {
  /** Those known by their ids. */
  readonly #tokens = new Map<string, FoldedToken>();
  readonly #groups = new Map<string, Group>();
  readonly #held = new Map<string | null, number>();
  /** The rows of the table, by their places: it knows best what tokens were like that are there still. */
  readonly #rows: readonly AuditedToken[];
  /** Tokens that there are, but no row or fact has said which. */
  #unseen = 0;
  /** What they are like, if they are all alike. */
  #unseenGroup: Group | null = null;
  #active = 0;
  /** Of the newest token. */
  lastOrdinal: number;
  /** What it goes by; null where there is no pool. */
  options: PoolOptions | null;
  /** The same as it is written; null too where it was never written. */
  storedOptions: Json;
  /** What it went by before, and when that changed. */
  before: PoolOptions | null = null;
  ruledAt = Number.NEGATIVE_INFINITY;

  /** Begins with what the pruned facts have left. */
  constructor({ pool, tokens, prunedTokens }: Standing) {
    this.#rows = tokens;
    const isOlder = pool === null || (pool.options === null && !pool.closed);
    const size = isOlder ? tokens.length : pool.prunedSize;
    this.storedOptions = pool?.prunedOptions ?? null;
    // A pool without options that has tokens is older than options: these are what it went by.
    this.options =
      readOptions(this.storedOptions) ??
      (size > 0 ? { ...optionDefaults, size, ttlMs: 0, ttlMsMax: 0 } : null);
    this.lastOrdinal = 0;
    this.#come(size, isOlder ? tokens.length : pool.prunedOrdinal);
    for (const state of prunedTokens.toSorted((a, b) => a.seq - b.seq)) this.#begin(state);
  }

  get size(): number {
    return this.#tokens.size + this.#unseen;
  }

  /** Tokens that must be there and have never been seen. */
  get unseen(): number {
    return this.#unseen;
  }

  get active(): number {
    return this.#active;
  }

  get(id: string): FoldedToken | undefined {
    return this.#tokens.get(id);
  }

  all(): Iterable<FoldedToken> {
    return this.#tokens.values();
  }

  heldBy(userId: string | null): number {
    return this.#held.get(userId) ?? 0;
  }

  /** More tokens than there should be: some have to leave once nobody holds them, and the log does not say which. */
  get leaving(): number {
    return Math.max(0, this.size - (this.options?.size ?? 0));
  }

  /** It is one of those that the pool has by name. */
  isListed({ name, labels }: Pick<FoldedToken, 'name' | 'labels'>): boolean {
    const specs = this.options?.tokens ?? null;
    const text = canonical(labels);
    return specs === null || specs.some((spec) => spec.name === name && canonical(spec.labels) === text);
  }

  /** One that may have to leave. */
  mayLeave(token: FoldedToken): boolean {
    return this.leaving > 0 || !this.isListed(token);
  }

  /** Made, with its tokens. */
  make(fact: AuditedFact): void {
    this.rule(fact);
    const count = this.options === null ? 0 : tokensAtFirst(this.options);
    this.#come(count, this.lastOrdinal + count);
  }

  rule({ metadata, at }: AuditedFact): void {
    this.before = this.options;
    this.ruledAt = at;
    this.options = readOptions(metadata);
    this.storedOptions = metadata;
  }

  close(): void {
    this.#tokens.clear();
    this.#groups.clear();
    this.#held.clear();
    this.#unseen = this.#active = 0;
    this.options = this.storedOptions = null;
  }

  /** One that has not been seen before, if there is one left; it is free. */
  see(id: string): FoldedToken | undefined {
    if (this.#unseen === 0) return undefined;
    this.#seen();
    return this.#add(id, null, {}, null);
  }

  /** One that nobody knew of. */
  adopt(id: string): FoldedToken {
    return this.#add(id, null, {}, null);
  }

  create(id: string, name: string | null, labels: Labels): FoldedToken {
    this.lastOrdinal++;
    return this.#add(id, name, labels, this.#groupOf(labels));
  }

  delete(token: FoldedToken): void {
    this.set(token, {}, null);
    token.group?.drop(token);
    this.#tokens.delete(token.id);
  }

  activate(token: FoldedToken, fact: AuditedFact): void {
    const { userId, leaseId, fence, at, expiresAt, metadata, seq } = fact;
    const ttlMs = expiresAt === null ? null : expiresAt - at;
    const lease = { userId, leaseId, fence, activatedAt: at, expiresAt, ttlMs, metadata };
    this.set(token, { restsUntil: null, keptUntil: null, seq }, lease);
  }

  renew(token: FoldedToken, { expiresAt, seq }: AuditedFact): void {
    this.set(token, { seq }, token.lease && { ...token.lease, expiresAt });
  }

  /** Taken back into use: who holds it has used it by that. */
  restore(token: FoldedToken, state: Partial<FoldedState>): void {
    this.set(token, { ...state, withdrawn: null }, token.lease && { ...token.lease });
  }

  /** From here on it is in this state, and has this lease: the one that it has, or another. */
  set(token: FoldedToken, state: Partial<FoldedState>, lease: FoldedLease | null): void {
    const before = token.lease;
    if (before !== null) this.#hold(before.userId, -1);
    if (lease !== null) this.#hold(lease.userId, 1);
    Object.assign(token, state);
    token.lease = lease;
    token.group?.move(token, before);
  }

  #hold(userId: string | null, more: 1 | -1): void {
    this.#active += more;
    const held = this.heldBy(userId) + more;
    if (held === 0) this.#held.delete(userId);
    else this.#held.set(userId, held);
  }

  /** So many tokens are there from the beginning, all those of the table up to the place `lastOrdinal`. */
  #come(count: number, lastOrdinal: number): void {
    let seen = 0;
    for (const { id, name, labels, ordinal } of this.#rows) {
      if (ordinal <= this.lastOrdinal || ordinal > lastOrdinal || this.#tokens.has(id)) continue;
      seen++;
      const known = labels as Labels;
      this.#add(id, name, known, this.#groupOf(known));
    }
    this.lastOrdinal = lastOrdinal;
    this.#unseen += count - seen;
    this.#unseenGroup = (this.options?.tokens ?? null) === null ? this.#groupOf({}) : null;
    this.#unseenGroup?.come(count - seen);
  }

  #seen(): void {
    this.#unseen--;
    this.#unseenGroup?.come(-1);
  }

  #begin(state: AuditedState): void {
    const { id, name, labels } = state;
    let token = this.get(id);
    if (token === undefined && labels === null) token = this.see(id) ?? this.adopt(id);
    if (token === undefined) {
      this.#seen();
      token = this.#add(id, name, labels as Labels, this.#groupOf(labels as Labels));
    }
    const { restsUntil, keptUntil, seq } = state;
    const withdrawn = state.withdrawn ? { note: state.withdrawnNote } : null;
    this.set(
      token,
      { restsUntil, keptUntil, withdrawn, seq },
      state.status === 'active' ? leaseOf(state) : null,
    );
  }

  #add(id: string, name: string | null, labels: Labels, group: Group | null): FoldedToken {
    const free = { lease: null, restsUntil: null, keptUntil: null, withdrawn: null, seq: 0 };
    const token = { id, name, labels, group, ...free };
    this.#tokens.set(id, token);
    group?.move(token, null);
    return token;
  }

  #groupOf(labels: Labels): Group {
    const key = canonical(labels);
    const group = this.#groups.get(key) ?? new Group();
    this.#groups.set(key, group);
    return group;
  }
}

const leaseOf = ({ userId, leaseId, fence, activatedAt, expiresAt, ttlMs, metadata }: AuditedState) => ({
  userId,
  leaseId,
  fence,
  activatedAt,
  expiresAt,
  ttlMs,
  metadata,
});
