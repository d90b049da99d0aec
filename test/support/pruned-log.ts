/** A log whose beginning may have been pruned, held against its tokens and its chain of digests. */
import { expect } from 'vitest';
import { digestOf } from '../../src/journal/chain.ts';
import type { Database } from '../../src/journal/database.ts';
import { pools, prunedTokens } from '../../src/journal/schema.ts';
import type { Lease, TokenState } from '../../src/lease/lease.ts';
import { foldOf, type LogRow, logOf, tokensOf } from './journal.ts';

/** The table `pruned_tokens`. */
export async function prunedTokensOf({ db }: Database): Promise<TokenState[]> {
  const rows = await db.select().from(prunedTokens);
  return rows.map(({ id, seq, status, pool: _, ...lease }) => ({
    tokenId: id,
    seq,
    lease: status === 'active' ? (lease as Lease) : null,
  }));
}

/** Where the log begins. */
export async function beginningOf({ db }: Database) {
  const [row] = await db.select().from(pools);
  return row!;
}

/**
 * Checks that seq has no gaps behind what has been pruned [I3], that folding the rest onto `pruned_tokens` gives
 * `tokens` [I8], and that each digest follows from the one before; returns what is left of the log.
 */
export async function expectSoundRest(database: Database): Promise<LogRow[]> {
  const log = await logOf(database);
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
