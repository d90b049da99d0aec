/** Logs written by hand: each fact has the digest that it would have, right or wrong, and the tokens follow it. */
import type { AuditedFact, AuditedState, AuditedToken, Standing } from '../../src/journal/audited.ts';
import { chainStart, digestOf } from '../../src/journal/chain.ts';
import { storedOptions } from '../../src/journal/stored-options.ts';
import { digestOfTokens, type PlacedToken } from '../../src/journal/tokens-digest.ts';
import { type Labels, statusOf } from '../../src/lease/lease.ts';
import { optionDefaults, type PoolOptions } from '../../src/lease/pool-options.ts';
import { Audit } from '../../src/verify/audit.ts';
import { Report } from '../../src/verify/report.ts';
import { idOf } from './pool.ts';
import { start, twoMinutes } from './world.ts';

const size = 2;
export const leaseId = (number: number) => `01890000-0000-7000-8000-${String(number).padStart(12, '0')}`;

/** What the pool goes by that a log is written of. */
export const optionsOf = (given: Partial<PoolOptions> = {}): PoolOptions => ({
  ...optionDefaults,
  size,
  ttlMs: twoMinutes,
  ttlMsMax: 100 * twoMinutes,
  ...given,
});

/** Its tokens, by the place that they are made in: `idOf(0)` is the first. */
export class HandwrittenLog {
  readonly facts: AuditedFact[] = [];
  readonly standing: Standing;
  readonly #options: PoolOptions;
  #digest = chainStart;
  #at = start;

  /** Of a pool that is to be made with `made()` or `opened()`, or whose beginning has been pruned. */
  constructor(prunedSeq = 0, prunedTokens: AuditedState[] = [], given: Partial<PoolOptions> = {}) {
    const isPruned = prunedSeq > 0;
    const options = optionsOf(given);
    this.#options = options;
    const base = {
      prunedSize: isPruned ? size : 0,
      prunedOrdinal: isPruned ? size : 0,
      prunedOptions: isPruned ? storedOptions(options) : null,
    };
    const pool = {
      openedSeq: 1,
      options: null,
      closed: true,
      tokensDigest: digestOfTokens([]),
      lastOrdinal: 0,
      chainSeq: prunedSeq,
      chainDigest: chainStart,
      prunedSeq,
      ...base,
    };
    this.standing = { headSeq: prunedSeq || null, pool, tokens: [], prunedTokens, openings: 1 };
    if (isPruned) this.#make(options);
    for (const { id, ...state } of prunedTokens) this.#set(id, { ...state, status: statusFor(state) });
  }

  /** Opened; it is made where it is not there. */
  opened(changes: Partial<AuditedFact> = {}): this {
    const { pool } = this.standing;
    pool!.openedSeq = this.#nextSeq;
    this.standing.openings!++;
    const isMade = pool!.closed;
    if (isMade) this.#make(this.#options);
    const metadata = isMade ? storedOptions(this.#options) : null;
    return this.add({ type: 'opened', reason: 'pool_opened', metadata, ...changes });
  }

  /** As it would have been written before there were options, and before digests unless `digests`. */
  asOlder(digests = true): this {
    const { pool, tokens } = this.standing;
    const none = { options: null, lastOrdinal: 0, prunedSize: tokens.length, prunedOrdinal: tokens.length };
    Object.assign(pool!, none, digests ? {} : { chainSeq: this.facts.length });
    this.#digest = chainStart;
    for (const fact of this.facts) {
      if (fact.type === 'opened') fact.metadata = null;
      this.#digest = fact.digest = digests ? digestOf(this.#digest, fact) : '';
    }
    return this;
  }

  changed(given: Partial<PoolOptions>, changes: Partial<AuditedFact> = {}): this {
    const options = storedOptions({ ...this.#options, ...given });
    this.standing.pool!.options = options;
    return this.add({ type: 'changed', reason: 'options_changed', metadata: options, ...changes });
  }

  closed(changes: Partial<AuditedFact> = {}): this {
    Object.assign(this.standing.pool!, { options: null, closed: true });
    this.standing.tokens.length = 0;
    this.#seal();
    return this.add({ type: 'closed', reason: 'pool_deleted', ...changes });
  }

  /** Comes as the next one, with these traits. */
  created(changes: Partial<AuditedFact> = {}): this {
    const ordinal = ++this.standing.pool!.lastOrdinal;
    const id = idOf(ordinal - 1);
    const fact = this.#fact({ type: 'created', reason: 'token_created', tokenId: id, ...changes });
    const said = (fact.metadata ?? {}) as { name?: string; labels?: Labels; kept_until?: string };
    const { name = null, labels = {} } = said;
    const traits = { name, labels: { ...labels }, keptUntil: instantOf(said.kept_until) };
    this.standing.tokens.push({ ...free(id, fact.seq), ...traits, ordinal });
    this.#seal();
    return this.#push(fact);
  }

  deleted(index: number, changes: Partial<AuditedFact> = {}): this {
    const id = idOf(index);
    const place = this.standing.tokens.findIndex((token) => token.id === id);
    this.standing.tokens.splice(place, 1);
    this.#seal();
    return this.add({ type: 'deleted', reason: 'deleted_by_client', tokenId: id, ...changes });
  }

  rested(index: number, changes: Partial<AuditedFact> = {}): this {
    const at = changes.at ?? this.token(index).restsUntil!;
    return this.#turned(
      index,
      { type: 'rested', reason: 'cool_down_over', at, ...changes },
      { restsUntil: null },
    );
  }

  withdrawn(index: number, changes: Partial<AuditedFact> = {}): this {
    const note = ((changes.metadata ?? {}) as { note?: string }).note ?? null;
    const aside = { withdrawn: true, withdrawnNote: note, restsUntil: null, keptUntil: null };
    return this.#turned(index, { type: 'withdrawn', reason: 'maintenance_begun', ...changes }, aside);
  }

  restored(index: number, changes: Partial<AuditedFact> = {}): this {
    const back = { withdrawn: false, withdrawnNote: null };
    return this.#turned(index, { type: 'restored', reason: 'maintenance_over', ...changes }, back);
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
    this.#set(idOf(index), { ...lease, ttlMs: expiresAt! - at, restsUntil: null, keptUntil: null, seq });
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
    this.#set(idOf(index), { ...noLease, ...waitsOf(fact), seq: fact.seq });
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
    return this.standing.tokens.find(({ id }) => id === idOf(index))!;
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

  #turned(index: number, changes: Partial<AuditedFact>, state: Partial<AuditedState>): this {
    const fact = this.#fact({ tokenId: idOf(index), ...changes });
    this.#set(idOf(index), { ...waitsOf(fact), ...state, seq: fact.seq });
    return this.#push(fact);
  }

  #make(options: PoolOptions): void {
    const { pool, tokens } = this.standing;
    const specs = options.tokens ?? Array.from({ length: options.size }, () => ({ name: null, labels: {} }));
    for (const { name, labels } of options.membership === 'fixed' ? specs : []) {
      const ordinal = ++pool!.lastOrdinal;
      tokens.push({ ...free(idOf(ordinal - 1), 0), name, labels: { ...labels }, ordinal });
    }
    Object.assign(pool!, { options: storedOptions(options), closed: false });
    this.#seal();
  }

  #seal(): void {
    const placed = this.standing.tokens.map(({ id, ...token }) => ({ ...token, tokenId: id }) as PlacedToken);
    this.standing.pool!.tokensDigest = digestOfTokens(placed);
  }

  #set(id: string, state: Partial<AuditedState>): void {
    const token = this.standing.tokens.find((each) => each.id === id)!;
    Object.assign(token, state);
    token.status = statusFor(token);
  }
}

/** As `statusOf` has it. */
const statusFor = (state: Omit<AuditedState, 'id'>): string =>
  statusOf({
    lease: (state.leaseId === null ? null : state) as null,
    withdrawn: state.withdrawn ? { note: null } : null,
    restsUntil: state.restsUntil,
  });

const instantOf = (written: string | undefined): number | null => (written ? Date.parse(written) : null);

function waitsOf({ metadata }: AuditedFact) {
  const said = (metadata ?? {}) as { rests_until?: string; kept_until?: string };
  return { restsUntil: instantOf(said.rests_until), keptUntil: instantOf(said.kept_until) };
}

const noLease = {
  userId: null,
  leaseId: null,
  fence: null,
  activatedAt: null,
  expiresAt: null,
  ttlMs: null,
  metadata: null,
};

/** A token that nobody holds. */
export const free = (id: string, seq: number): AuditedState => ({
  id,
  status: 'available',
  ...noLease,
  restsUntil: null,
  keptUntil: null,
  withdrawn: false,
  withdrawnNote: null,
  name: null,
  labels: {},
  seq,
});

export const evicted = { reason: 'lru_eviction' } as const;
export const afterEviction = { reason: 'allocated_after_eviction' } as const;
/** Opened, and both tokens granted: facts 1, 2 and 3. */
export const full = (given: Partial<PoolOptions> = {}) =>
  new HandwrittenLog(0, [], given).opened().granted(0).granted(1);
/** When the leases of `full` are over. */
export const over = start + twoMinutes;
