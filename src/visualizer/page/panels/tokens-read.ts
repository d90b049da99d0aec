/** What the panels read off the list of tokens. Pure. */
import { tokenName } from '../format.ts';
import type { TokenShown } from './shapes.ts';

export interface HeldLong {
  tokenId: string;
  name: string;
  userId: string;
  /** In milliseconds since 1970. */
  since: number;
}

/** The leases that have been held longest, at most `most` of them; of those that began together, the one with the lower fence first. */
export function longestHeld(tokens: Iterable<TokenShown>, most = 3): HeldLong[] {
  const found: (HeldLong & { fence: number })[] = [];
  for (const token of tokens) {
    if (token.status !== 'active' || token.user_id === null || token.activated_at === null) continue;
    const since = Date.parse(token.activated_at);
    const fence = token.fence ?? 0;
    const place = found.findIndex((one) => since < one.since || (since === one.since && fence < one.fence));
    if (place < 0 && found.length >= most) continue;
    const one = {
      tokenId: token.token_id,
      name: tokenName(token.name, token.token_id),
      userId: token.user_id,
      since,
      fence,
    };
    found.splice(place < 0 ? found.length : place, 0, one);
    found.length = Math.min(found.length, most);
  }
  return found.map(({ fence: _, ...one }) => one);
}

export interface LabelCounts {
  label: string;
  value: string;
  free: number;
  held: number;
  /** Those that rest or are in maintenance. */
  other: number;
}

/** How many tokens there are of each label's each value, by label and then by value. */
export function labelCounts(tokens: Iterable<TokenShown>): LabelCounts[] {
  const found = new Map<string, LabelCounts>();
  for (const { labels, status } of tokens)
    for (const [label, value] of Object.entries(labels)) {
      const key = `${label}\u0000${value}`;
      const counts = found.get(key) ?? { label, value, free: 0, held: 0, other: 0 };
      if (status === 'available') counts.free++;
      else if (status === 'active') counts.held++;
      else counts.other++;
      found.set(key, counts);
    }
  const order = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0);
  return [...found.values()].sort((a, b) => order(a.label, b.label) || order(a.value, b.value));
}

/** The token that is meant by its id, its name, or by how its id begins where no other does so; null where none or several are. */
export function tokenMeant(tokens: readonly TokenShown[], text: string): TokenShown | null {
  const wanted = text.trim();
  if (wanted === '') return null;
  const exact = tokens.find(({ token_id, name }) => token_id === wanted || name === wanted);
  if (exact !== undefined) return exact;
  const [one, another] = tokens.filter(({ token_id }) => token_id.startsWith(wanted.toLowerCase()));
  return one !== undefined && another === undefined ? one : null;
}
