/** The tables beside the log, held against what its facts led to: each token, and what is known of the pool. */
import type { AuditedFact, AuditedPool, AuditedToken, Standing } from '../journal/audited.ts';
import { isOfTokens } from '../journal/tokens-digest.ts';
import { canonical } from '../lease/canonical.ts';
import { type Labels, statusOf } from '../lease/lease.ts';
import type { Fold } from './fold.ts';
import type { FoldedLease, FoldedToken } from './group.ts';
import { nowhere, type Report } from './report.ts';

/** What must be so whatever the facts are: no token has appeared or vanished by hand [I2]. */
export function checkTokens({ tokens, pool, prunedTokens }: Standing, report: Report): void {
  const placed = tokens.map(({ id, ordinal, name, labels }) => ({
    ...{ tokenId: id, ordinal, name },
    labels: labels as Labels,
  }));
  if (pool !== null && !isOfTokens(pool.tokensDigest, placed))
    report.add('I2', nowhere, 'the table tokens does not have the tokens that the pool was left with');
  if (pool !== null && pool.prunedSeq === 0 && pool.prunedOptions !== null)
    report.add('I8', nowhere, 'the table pools has options of pruned facts, though none have been pruned');
  if (pool !== null && pool.chainSeq < pool.prunedSeq)
    report.add(
      'I8',
      nowhere,
      'the table pools has the chain of digests begin with facts that have been pruned',
    );
  if (pool === null && prunedTokens.length > 0)
    report.add('I8', nowhere, 'pruned_tokens has tokens of a pool that the table pools does not know');
  const pruned = prunedTokens.find(({ seq }) => seq > (pool?.prunedSeq ?? 0));
  if (pruned)
    report.add('I8', { seq: pruned.seq, tokenId: pruned.id }, 'pruned_tokens has a fact that is not pruned');
}

/** The log leads to exactly this table [I8]. */
export function checkTable(
  tokens: readonly AuditedToken[],
  headSeq: number,
  fold: Fold,
  report: Report,
): void {
  const ids = new Set<string>();
  for (const row of tokens) {
    ids.add(row.id);
    const token = fold.get(row.id);
    const place = { seq: row.seq, tokenId: row.id };
    if (row.seq > headSeq) {
      report.add('I3', place, `the table tokens shows fact ${row.seq}, which is not in the log`);
      continue;
    }
    if (token === undefined) {
      report.add('I2', place, 'the table tokens has a token that the log does not lead to');
      continue;
    }
    const wrong = differences(row, token);
    if (wrong.length > 0)
      report.add('I8', place, `the table tokens is not what the log leads to: ${wrong.join(', ')}`);
  }
  for (const { id, seq } of fold.all()) {
    if (!ids.has(id)) report.add('I2', { seq, tokenId: id }, 'the table tokens has lost a token of the log');
  }
  const { unseen } = fold;
  if (unseen !== 0)
    report.add(
      'I2',
      nowhere,
      `the table tokens has ${Math.abs(unseen)} tokens too ${unseen > 0 ? 'few' : 'many'}`,
    );
}

/** Nothing is known of the pool beyond the end of its log, and its newest opening is the one that was read last. */
export function checkHead(pool: AuditedPool, head: number, openedSeq: number | null, report: Report): void {
  if (Math.max(pool.openedSeq, pool.chainSeq, pool.prunedSeq) > head)
    report.add('I3', nowhere, `the log ends at ${head}, but the table pools knows of facts beyond`);
  const opened = openedSeq ?? Math.min(pool.openedSeq, pool.prunedSeq);
  const place = { seq: pool.openedSeq, tokenId: null };
  if (pool.openedSeq !== opened) report.add('I3', place, 'is not the newest opening of the pool');
}

/** Each opening is counted, but those of a time when nobody counted; the pool has been opened `times` times since. */
export function checkOpenings({ openings, pool }: Standing, times: number, report: Report): void {
  const isCounted = pool !== null && (pool.options !== null || pool.closed);
  if (openings === null && isCounted) report.add('I8', nowhere, 'the table openings has lost its row');
  if (openings !== null && openings < times)
    report.add(
      'I8',
      nowhere,
      `the table openings counts ${openings}, but the pool was opened ${times} times`,
    );
}

/** What is known of the pool is what the log leads to, too. `last` is its newest fact. */
export function checkPool({ pool }: Standing, fold: Fold, last: AuditedFact | null, report: Report): void {
  if (pool === null) {
    if (last !== null && last.digest !== '')
      report.add('I8', nowhere, 'the table pools does not know the pool');
    return;
  }
  const same: Record<string, boolean> = {
    options: canonical(pool.options) === canonical(fold.storedOptions),
    closed: pool.closed === (fold.options === null),
    // Before there were options, nobody counted.
    last_ordinal: fold.storedOptions === null && !pool.closed ? true : pool.lastOrdinal === fold.lastOrdinal,
  };
  const wrong = Object.keys(same).filter((column) => !same[column]);
  if (wrong.length > 0)
    report.add('I8', nowhere, `the table pools is not what the log leads to: ${wrong.join(', ')}`);
  const { options, size } = fold;
  if (options?.membership === 'fixed' && size < options.size)
    report.add('I2', nowhere, `the pool has ${size} tokens, and is to have ${options.size}`);
}

const none: FoldedLease = {
  userId: null,
  leaseId: null,
  fence: null,
  activatedAt: null,
  expiresAt: null,
  ttlMs: null,
  metadata: null,
};

/** The names of the columns that are not as they should be. */
function differences(row: AuditedToken, token: FoldedToken): string[] {
  const { lease, seq, withdrawn, restsUntil, keptUntil } = token;
  const { userId, leaseId, fence, activatedAt, expiresAt, ttlMs, metadata } = lease ?? none;
  const status = statusOf({ lease: lease as null, withdrawn, restsUntil });
  const same: Record<string, boolean> = {
    status: row.status === status,
    user_id: row.userId === userId,
    lease_id: row.leaseId === leaseId,
    fence: row.fence === fence,
    activated_at: row.activatedAt === activatedAt,
    expires_at: row.expiresAt === expiresAt,
    ttl_ms: row.ttlMs === ttlMs,
    metadata: row.metadata === metadata || canonical(row.metadata) === canonical(metadata),
    rests_until: row.restsUntil === restsUntil,
    kept_until: row.keptUntil === keptUntil,
    withdrawn: row.withdrawn === (withdrawn !== null),
    withdrawn_note: row.withdrawnNote === (withdrawn?.note ?? null),
    // Where it is not known what it was like, the digest of the tokens says so.
    name: token.group === null || row.name === token.name,
    labels: token.group === null || canonical(row.labels) === canonical({ ...token.labels }),
    seq: row.seq === seq,
  };
  return Object.keys(same).filter((column) => !same[column]);
}
