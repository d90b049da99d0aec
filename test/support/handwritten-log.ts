/** Logs written by hand: each fact has the digest that it would have, right or wrong, and the tokens follow it. */
import type { AuditedFact, AuditedState, AuditedToken, Standing } from '../../src/journal/audited.ts';
import { chainStart, digestOf, digestOfTokens } from '../../src/journal/chain.ts';
import { Audit } from '../../src/verify/audit.ts';
import { Report } from '../../src/verify/report.ts';
import { idOf } from './pool.ts';
import { start, twoMinutes } from './world.ts';

const size = 2;
export const leaseId = (number: number) => `01890000-0000-7000-8000-${String(number).padStart(12, '0')}`;

export class HandwrittenLog {
  readonly facts: AuditedFact[] = [];
  readonly standing: Standing;
  #digest = chainStart;
  #at = start;

  constructor(prunedSeq = 0, prunedTokens: AuditedState[] = []) {
    const ids = Array.from({ length: size }, (_, index) => idOf(index));
    const pool = {
      openedSeq: 1,
      tokensDigest: digestOfTokens(ids),
      chainSeq: prunedSeq,
      chainDigest: chainStart,
      prunedSeq,
    };
    const tokens = ids.map((id, index) => ({ ...free(id, 0), ordinal: index + 1 }));
    this.standing = { headSeq: prunedSeq || null, pool, tokens, prunedTokens };
    for (const { id, ...state } of prunedTokens) this.#set(id, state);
  }

  opened(changes: Partial<AuditedFact> = {}): this {
    const seq = this.#nextSeq;
    this.standing.pool!.openedSeq = seq;
    return this.add({ type: 'opened', reason: 'pool_opened', ...changes });
  }

  granted(index: number, changes: Partial<AuditedFact> = {}): this {
    const seq = changes.seq ?? this.#nextSeq;
    const fact = this.#fact({
      type: 'activated',
      reason: 'allocated',
      tokenId: idOf(index),
      userId: 'ada',
      leaseId: leaseId(seq),
      fence: seq,
      expiresAt: (changes.at ?? this.#at) + twoMinutes,
      ...changes,
    });
    const { userId, fence, at, expiresAt, metadata } = fact;
    const lease = { userId, leaseId: fact.leaseId, fence, activatedAt: at, expiresAt, metadata };
    this.#set(idOf(index), { ...lease, status: 'active', ttlMs: expiresAt! - at, seq });
    return this.#push(fact);
  }

  renewed(index: number, changes: Partial<AuditedFact> = {}): this {
    const { userId, leaseId, fence, expiresAt } = this.token(index);
    const lease = { tokenId: idOf(index), userId, leaseId, fence, expiresAt };
    const fact = this.#fact({ type: 'renewed', reason: 'renewed_by_client', ...lease, ...changes });
    this.#set(idOf(index), { expiresAt: fact.expiresAt, seq: fact.seq });
    return this.#push(fact);
  }

  ended(index: number, changes: Partial<AuditedFact> = {}): this {
    const { userId, leaseId, fence, expiresAt } = this.token(index);
    const lease = { tokenId: idOf(index), userId, leaseId, fence, expiresAt };
    const fact = this.#fact({ type: 'released', reason: 'released_by_client', ...lease, ...changes });
    this.#set(idOf(index), free(idOf(index), fact.seq));
    return this.#push(fact);
  }

  expired(index: number, changes: Partial<AuditedFact> = {}): this {
    const { expiresAt } = this.token(index);
    return this.ended(index, { type: 'expired', reason: 'ttl_expired', at: expiresAt!, ...changes });
  }

  add(changes: Partial<AuditedFact>): this {
    return this.#push(this.#fact(changes));
  }

  token(index: number): AuditedToken {
    return this.standing.tokens[index]!;
  }

  get violations(): string[] {
    const report = new Report(100);
    const audit = new Audit(this.standing, report);
    for (const fact of this.facts) audit.next(fact);
    audit.end();
    return report.violations.map(({ invariant, seq, message }) => `${invariant} at ${seq}: ${message}`);
  }

  get #nextSeq(): number {
    return (this.standing.headSeq ?? 0) + 1;
  }

  #fact(changes: Partial<AuditedFact>): AuditedFact {
    return {
      seq: this.#nextSeq,
      tokenId: null,
      type: 'opened',
      reason: 'pool_opened',
      userId: null,
      leaseId: null,
      fence: null,
      at: this.#at,
      expiresAt: null,
      metadata: null,
      digest: '',
      ...changes,
    };
  }

  #push(fact: AuditedFact): this {
    fact.digest = this.#digest = digestOf(this.#digest, fact);
    this.#at = fact.at;
    this.standing.headSeq = fact.seq;
    this.facts.push(fact);
    return this;
  }

  #set(id: string, state: Partial<AuditedState>): void {
    const index = this.standing.tokens.findIndex((token) => token.id === id);
    Object.assign(this.standing.tokens[index]!, state);
  }
}

/** A token that nobody holds. */
export const free = (id: string, seq: number): AuditedState => ({
  id,
  status: 'available',
  userId: null,
  leaseId: null,
  fence: null,
  activatedAt: null,
  expiresAt: null,
  ttlMs: null,
  metadata: null,
  seq,
});

export const evicted = { reason: 'lru_eviction' } as const;
export const afterEviction = { reason: 'allocated_after_eviction' } as const;
/** Opened, and both tokens granted: facts 1, 2 and 3. */
export const full = () => new HandwrittenLog().opened().granted(0).granted(1);
/** When the leases of `full` are over. */
export const over = start + twoMinutes;
