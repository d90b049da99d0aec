/** Whether a commit whose answer was lost was done. */
import type { Entries, Store } from './store.ts';

/** What is committed together is there whole: if the facts of one pool are ours, so are the others. */
export async function isWritten(
  store: Pick<Store, 'digestAt' | 'token'>,
  { facts, tokens }: Entries,
): Promise<boolean> {
  const [first] = facts;
  const last = facts.findLast(({ pool }) => pool === first?.pool);
  if (first === undefined || last === undefined) return false;
  if ((await store.digestAt(last.pool, last.seq)) !== last.digest) return false;
  if (first.type !== 'opened') return true;
  // Another process may have made the same pool at the same time, but with tokens of its own.
  const gone = new Set(facts.flatMap(({ type, tokenId }) => (type === 'deleted' ? tokenId : [])));
  const made = tokens.find(({ pool, tokenId }) => pool === first.pool && !gone.has(tokenId));
  return made === undefined || (await store.token(made.pool, made.tokenId, 1)) !== null;
}
