/** The rows of one pool in memory: its log, its tokens, what is known beside them, and what pruned facts left behind. */
import type { AuditedPool, AuditedState, Standing } from '../../src/journal/audited.ts';
import { chainStart } from '../../src/journal/chain.ts';
import type { StoredPool } from '../../src/journal/opening.ts';
import type { NewToken, PoolState, SealedFact } from '../../src/journal/store.ts';
import { storedOptions } from '../../src/journal/stored-options.ts';
import { statusOf, type TokenState } from '../../src/lease/lease.ts';
import type { LogRow, TokenRow } from './ground.ts';
import { dropped, folded } from './memory-pruning.ts';

export class MemoryPool {
  /** In the order of their seq. */
  readonly log: LogRow[] = [];
  readonly #seqs = new Set<number>();
  readonly tokens = new Map<string, TokenRow & { madeSeq: number }>();
  #known: AuditedPool | null = null;
  readonly #pruned = new Map<string, AuditedState>();

  /** Throws where the facts cannot be written. */
  checkFacts(facts: readonly SealedFact[]): void {
    const seqs = new Set(facts.map(({ seq }) => seq));
    const taken = seqs.size < facts.length || facts.some(({ seq }) => this.#seqs.has(seq));
    if (taken) throw sqlError('23505', `a seq of ${[...seqs].join()} is taken`);
    for (const fact of facts) checkTypes(fact);
  }

  /** Of a pool that is closed on the way, only what comes after that is left. */
  write(facts: readonly SealedFact[], made: readonly NewToken[], state: PoolState | undefined): void {
    const closing = facts.findLastIndex(({ type }) => type === 'closed');
    if (closing >= 0) this.tokens.clear();
    for (const { pool: _, ...token } of made) this.tokens.set(token.tokenId, stored({ ...token, ...unused }));
    for (const [place, { pool: _, after, ...fact }] of facts.entries()) {
      this.#insert(stored(fact));
      const row = this.tokens.get(fact.tokenId ?? '');
      if (place < closing || row === undefined) continue;
      if (after) this.tokens.set(row.tokenId, stored({ ...row, ...after, seq: fact.seq }));
      else this.tokens.delete(row.tokenId);
    }
    if (state) this.#know(state);
  }

  stored(pool: string): StoredPool {
    const last = this.log.at(-1);
    const held = ({ lease }: TokenState) => Number(lease !== null);
    return stored({
      pool,
      known: this.#known,
      last: last ? { seq: last.seq, at: last.at, digest: last.digest } : null,
      tokens: [...this.tokens.values()].sort(
        (a, b) => held(a) - held(b) || a.seq - b.seq || a.ordinal - b.ordinal,
      ),
    });
  }

  standing(openings: number | null): Standing {
    return stored({
      openings,
      headSeq: this.log.at(-1)?.seq ?? null,
      pool: this.#known,
      tokens: [...this.tokens.values()]
        .sort((a, b) => a.ordinal - b.ordinal)
        .map((token) => ({ ...rowOf(token), ordinal: token.ordinal })),
      prunedTokens: [...this.#pruned.values()],
    });
  }

  prune(before: number, most: number): number {
    const last = this.log.at(-1);
    const kept = this.log.findIndex((row) => row.at >= before || row === last);
    const gone = this.log.splice(0, Math.min(kept, most));
    for (const row of gone) {
      if (row.tokenId === null || row.type === 'deleted') dropped(this.#pruned, row);
      else this.#pruned.set(row.tokenId, folded(this.#pruned.get(row.tokenId), row));
      Object.assign(this.#known!, countedIn(this.#known!, row));
    }
    return gone.length;
  }

  #know({ openedSeq, options, tokensDigest, lastOrdinal }: PoolState): void {
    const known = this.#known ?? unpruned;
    const closed = options === null;
    this.#known = {
      ...known,
      ...{ openedSeq, options: options && storedOptions(options), closed, tokensDigest, lastOrdinal },
    };
  }

  #insert(row: LogRow): void {
    this.#seqs.add(row.seq);
    const place = this.log.findLastIndex(({ seq }) => seq < row.seq) + 1;
    this.log.splice(place, 0, row);
  }
}

const unused = { lease: null, restsUntil: null, keptUntil: null, withdrawn: null, seq: 0 };

const unpruned = {
  chainSeq: 0,
  chainDigest: chainStart,
  prunedSeq: 0,
  prunedSize: 0,
  prunedOrdinal: 0,
  prunedOptions: null,
};

/** How many tokens the pruned facts left, and by which options. */
function countedIn({ prunedSize, prunedOrdinal, prunedOptions }: AuditedPool, row: LogRow) {
  const { type, metadata, seq, digest } = row;
  const made =
    type === 'opened' && metadata !== null ? (metadata as { membership: string; size: number }) : null;
  const come = type === 'created' ? 1 : made?.membership === 'fixed' ? made.size : 0;
  const left = type === 'closed' ? 0 : prunedSize + come - Number(type === 'deleted');
  const isRuled = type === 'changed' || type === 'closed' || made !== null;
  return {
    ...{ prunedSeq: seq, chainSeq: seq, chainDigest: digest },
    ...{ prunedSize: left, prunedOrdinal: prunedOrdinal + come },
    prunedOptions: isRuled ? metadata : prunedOptions,
  };
}

const rowOf = (token: TokenRow): AuditedState => ({
  id: token.tokenId,
  status: statusOf(token),
  userId: token.lease?.userId ?? null,
  leaseId: token.lease?.leaseId ?? null,
  fence: token.lease?.fence ?? null,
  activatedAt: token.lease?.activatedAt ?? null,
  expiresAt: token.lease?.expiresAt ?? null,
  ttlMs: token.lease?.ttlMs ?? null,
  metadata: token.lease?.metadata ?? null,
  restsUntil: token.restsUntil,
  keptUntil: token.keptUntil,
  withdrawn: token.withdrawn !== null,
  withdrawnNote: token.withdrawn?.note ?? null,
  name: token.name,
  labels: { ...token.labels },
  seq: token.seq,
});

function checkTypes({ seq, at, fence, expiresAt, tokenId, leaseId }: SealedFact): void {
  for (const id of [tokenId, leaseId]) {
    if (id !== null && !uuid.test(id)) throw sqlError('22P02', `no uuid: ${id}`);
  }
  for (const whole of [seq, at, fence ?? 0, expiresAt ?? 0]) {
    if (!Number.isSafeInteger(whole)) throw sqlError('22003', `no whole number: ${whole}`);
  }
}

export const sqlError = (code: string, message: string): Error => Object.assign(new Error(message), { code });

/** As it comes back from a database: nobody else has a hand on it, and what is undefined is not there. */
export const stored = <T>(value: T): T => JSON.parse(JSON.stringify(value)) as T;

const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;
