/** What a look into the log makes of a commit whose answer was lost. */
import { describe, expect, it } from 'vitest';
import type { Entries, NewToken, SealedFact } from '../src/journal/store.ts';
import { isWritten } from '../src/journal/written.ts';

const fact = (pool: string, seq: number, type = 'activated') =>
  ({ pool, seq, type, tokenId: null, digest: `${pool}${seq}` }) as SealedFact;
const token = (pool: string, tokenId: string) => ({ pool, tokenId }) as NewToken;
const entries = (facts: SealedFact[], tokens: NewToken[] = []): Entries => ({
  facts,
  tokens,
  pools: [],
  outcomes: [],
  gone: [],
});

/** A log that has these digests, and these tokens. */
const logOf = (digests: Record<string, string>, tokens: string[] = []) => ({
  digestAt: async (pool: string, seq: number) => digests[pool + seq] ?? null,
  token: async (pool: string, tokenId: string) => (tokens.includes(pool + tokenId) ? ({} as never) : null),
});

describe('a commit without an answer', () => {
  const both = entries([fact('a', 2), fact('b', 7), fact('a', 3), fact('b', 8)]);

  it('was done where the newest fact of each pool is in its log', async () => {
    expect(await isWritten(logOf({ a3: 'a3', b8: 'b8' }), both)).toBe(true);
  });

  it.each([
    { a3: 'a3' },
    { b8: 'b8' },
    { a3: 'a3', b7: 'b7' },
    { a3: 'a3', b8: 'of another' },
    { a3: 'of another', b8: 'b8' },
  ])('was not done where that of one is missing, or another one: %j', async (digests) => {
    expect(await isWritten(logOf(digests as Record<string, string>), both)).toBe(false);
  });

  it('was not done by a process that made the same pools with other tokens', async () => {
    const made = entries(
      [fact('a', 1, 'opened'), fact('b', 1, 'opened')],
      [token('a', 't'), token('b', 'u')],
    );
    const digests = { a1: 'a1', b1: 'b1' };
    expect(await isWritten(logOf(digests, ['at', 'bu']), made)).toBe(true);
    expect(await isWritten(logOf(digests, ['at']), made)).toBe(false);
    expect(await isWritten(logOf(digests, ['bu']), made)).toBe(false);
  });

  it('cannot be found where it had no facts', async () => {
    expect(await isWritten(logOf({}), entries([]))).toBe(false);
  });
});
