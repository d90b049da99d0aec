/** Finding tokens by what somebody types: part of an id, a name, a label or who holds it. Pure. */
import type { Token } from '../wire.ts';

/** Ids of those that match, in the order given; null where nothing is looked for. */
export function found(tokens: Iterable<Token>, typed: string): Set<string> | null {
  const text = typed.trim().toLowerCase();
  if (text === '') return null;
  const ids = new Set<string>();
  for (const token of tokens) if (matches(token, text)) ids.add(token.tokenId);
  return ids;
}

const matches = ({ tokenId, name, lease, labels }: Token, text: string): boolean =>
  tokenId.includes(text) ||
  (name?.toLowerCase().includes(text) ?? false) ||
  (lease?.userId.toLowerCase().includes(text) ?? false) ||
  Object.values(labels).some((value) => value.toLowerCase().includes(text));
