/** Whether a commit whose answer was lost was done. */
import type { Entries, SealedFact, Store } from './store.ts';

type Looking = Pick<Store, 'digestAt' | 'token'>;

/** Of each pool, the newest of these facts must be ours: its digest is of all before it. */
export async function isWritten(store: Looking, entries: Entries): Promise<boolean> {
  const first = new Map<string, SealedFact>();
  const last = new Map<string, SealedFact>();
  for (const fact of entries.facts) {
    if (!first.has(fact.pool)) first.set(fact.pool, fact);
    last.set(fact.pool, fact);
  }
  if (last.size === 0) return false;
  const pools = [...last.values()].map(async ({ pool, seq, digest }) => {
    if ((await store.digestAt(pool, seq)) !== digest) return false;
    return first.get(pool)!.type !== 'opened' || hasItsTokens(store, pool, entries);
  });
  return (await Promise.all(pools)).every(Boolean);
}

/**
 * Another process may have made the same pool at the same time, but with tokens of its own. Those that came by a fact of
 * their own are known by its digest, and may have gone again since.
 */
async function hasItsTokens(store: Looking, pool: string, { facts, tokens }: Entries): Promise<boolean> {
  const told = new Set(facts.flatMap(({ type, tokenId }) => (type === 'created' ? tokenId : [])));
  const made = tokens.find((token) => token.pool === pool && !told.has(token.tokenId));
  return made === undefined || (await store.token(pool, made.tokenId, 1)) !== null;
}
