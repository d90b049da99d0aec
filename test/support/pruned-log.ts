/** A log of the default pool whose beginning may have been pruned, held against its tokens and its chain of digests. */
import { eq } from 'drizzle-orm';
import { expect } from 'vitest';
import { digestOf } from '../../src/journal/chain.ts';
import type { Database } from '../../src/journal/database.ts';
import { pools, prunedTokens } from '../../src/journal/schema.ts';
import { tokenState } from '../../src/journal/token-state.ts';
import type { TokenState } from '../../src/lease/lease.ts';
import { foldOf, type LogRow, logOf, tokensOf } from './journal.ts';

/** The table `pruned_tokens`; what its facts do not say of a token, the table `tokens` does. */
export async function prunedTokensOf(database: Database): Promise<TokenState[]> {
  const rows = await database.db.select().from(prunedTokens).where(eq(prunedTokens.pool, 'default'));
  const made = new Map((await tokensOf(database)).map((token) => [token.tokenId, token]));
  return rows.map((row) => {
    const { name, labels } = row.labels === null ? { labels: {}, name: null, ...made.get(row.id) } : row;
    const { status, withdrawn } = row;
    return tokenState({
      ...row,
      status: status ?? 'available',
      withdrawn: withdrawn ?? false,
      name,
      labels: labels ?? {},
    });
  });
}

/** Where the log begins. */
export async function beginningOf({ db }: Database) {
  const [row] = await db.select().from(pools).where(eq(pools.pool, 'default'));
  return row!;
}

/**
 * Checks that seq has no gaps behind what has been pruned [I3], that folding the rest onto `pruned_tokens` gives
 * `tokens` [I8], and that each digest follows from the one before; returns what is left of the log.
 */
export async function expectSoundRest(database: Database): Promise<LogRow[]> {
  const log = (await logOf(database)).filter(({ pool }) => pool === 'default');
  const { prunedSeq, chainSeq, chainDigest } = await beginningOf(database);
  expect(log.length).toBeGreaterThan(0);
  expect(log.map(({ seq }) => seq)).toEqual(log.map((_, index) => prunedSeq + 1 + index));
  expect(await tokensOf(database)).toEqual(
    foldOf(log, await tokensOf(database), await prunedTokensOf(database)),
  );
  expect(chainSeq).toBe(prunedSeq);
  let digest = chainDigest;
  for (const fact of log) {
    digest = digestOf(digest, fact);
    expect([fact.seq, fact.digest]).toEqual([fact.seq, digest]);
  }
  return log;
}
