/**
 * The tokens as the facts so far have left them, in their order of use. Takes facts as they come, right or wrong:
 * what is reported of one is not reported again of all that follow it.
 */
import type { AuditedFact, AuditedState } from '../journal/audited.ts';

export type FoldedLease = Pick<
  AuditedState,
  'userId' | 'leaseId' | 'fence' | 'activatedAt' | 'expiresAt' | 'ttlMs' | 'metadata'
>;

interface Links {
  earlier: Links;
  later: Links;
}

export interface FoldedToken extends Links {
  readonly id: string;
  lease: FoldedLease | null;
  /** Of the fact that made it so; 0 before the first. */
  seq: number;
}

export class Fold {
  readonly #tokens = new Map<string, FoldedToken>();
  /** The tokens in use, the least recently used one first. A list of links: evictions are checked at O(1). */
  readonly #end = {} as Links;
  #active = 0;

  /** `start` is what the pruned facts have left; every other token begins free. */
  constructor(ids: readonly string[], start: readonly AuditedState[]) {
    this.#end.earlier = this.#end.later = this.#end;
    for (const id of ids) this.adopt(id);
    for (const row of start.toSorted((a, b) => a.seq - b.seq)) {
      const token = this.get(row.id) ?? this.adopt(row.id);
      if (row.status === 'active') this.use(token, row, row.seq);
      token.seq = row.seq;
    }
  }

  get size(): number {
    return this.#tokens.size;
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

  /** A token that nobody knew of, free. */
  adopt(id: string): FoldedToken {
    const token = { id, lease: null, seq: 0 } as unknown as FoldedToken;
    this.#tokens.set(id, token);
    return token;
  }

  isLeastRecentlyUsed(token: FoldedToken): boolean {
    return this.#end.later === token;
  }

  activate(token: FoldedToken, fact: AuditedFact): void {
    const { userId, leaseId, fence, at, expiresAt, metadata, seq } = fact;
    const ttlMs = expiresAt === null ? null : expiresAt - at;
    this.use(token, { userId, leaseId, fence, activatedAt: at, expiresAt, ttlMs, metadata }, seq);
  }

  renew(token: FoldedToken, { expiresAt, seq }: AuditedFact): void {
    token.seq = seq;
    if (token.lease !== null) this.use(token, { ...token.lease, expiresAt }, seq);
  }

  free(token: FoldedToken, seq: number): void {
    this.#unlink(token);
    token.lease = null;
    token.seq = seq;
  }

  use(token: FoldedToken, lease: FoldedLease, seq: number): void {
    this.#unlink(token);
    token.lease = lease;
    token.seq = seq;
    token.earlier = this.#end.earlier;
    token.later = this.#end;
    token.earlier.later = token;
    this.#end.earlier = token;
    this.#active++;
  }

  #unlink(token: FoldedToken): void {
    if (token.lease === null) return;
    token.earlier.later = token.later;
    token.later.earlier = token.earlier;
    this.#active--;
  }
}
