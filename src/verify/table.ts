/** The table `tokens`, held against the pool's making at first and against what its facts led to at last. */
import type { AuditedToken, Standing } from '../journal/audited.ts';
import { digestOfTokens } from '../journal/chain.ts';
import { canonical } from '../lease/canonical.ts';
import type { Fold, FoldedLease, FoldedToken } from './fold.ts';
import { nowhere, type Report } from './report.ts';

/** No token has appeared or vanished since the pool was made [I2]. */
export function checkTokens({ tokens, pool, prunedTokens }: Standing, report: Report): void {
  const place = tokens.findIndex(({ ordinal }, index) => ordinal !== index + 1);
  if (place >= 0) {
    const { id, ordinal } = tokens[place]!;
    const message = `the tokens are not numbered from 1: the one in place ${place + 1} has ordinal ${ordinal}`;
    report.add('I2', { seq: null, tokenId: id }, message);
  }
  const ids = tokens.map(({ id }) => id);
  if (pool !== null && digestOfTokens(ids) !== pool.tokensDigest)
    report.add('I2', nowhere, 'the table tokens does not have the tokens that the pool was made with');
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
    const token = fold.get(row.id)!;
    const place = { seq: row.seq, tokenId: row.id };
    if (row.seq > headSeq) {
      report.add('I3', place, `the table tokens shows fact ${row.seq}, which is not in the log`);
      continue;
    }
    const wrong = differences(row, token);
    if (wrong.length > 0)
      report.add('I8', place, `the table tokens is not what the log leads to: ${wrong.join(', ')}`);
  }
  for (const { id, seq } of fold.all()) {
    if (!ids.has(id)) report.add('I2', { seq, tokenId: id }, 'the table tokens has lost a token of the log');
  }
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
function differences(row: AuditedToken, { lease, seq }: FoldedToken): string[] {
  const { userId, leaseId, fence, activatedAt, expiresAt, ttlMs, metadata } = lease ?? none;
  const same: Record<string, boolean> = {
    status: row.status === (lease ? 'active' : 'available'),
    user_id: row.userId === userId,
    lease_id: row.leaseId === leaseId,
    fence: row.fence === fence,
    activated_at: row.activatedAt === activatedAt,
    expires_at: row.expiresAt === expiresAt,
    ttl_ms: row.ttlMs === ttlMs,
    metadata: row.metadata === metadata || canonical(row.metadata) === canonical(metadata),
    seq: row.seq === seq,
  };
  return Object.keys(same).filter((column) => !same[column]);
}
