/** What is said of facts and tokens in words. Pure. */
import type { Reason } from '../../../lease/fact.ts';
import { type Status, statusOf } from '../../../lease/lease.ts';
import { countdown, shortId, tokenName } from '../format.ts';
import type { Token, WireFact } from '../wire.ts';

/** What happened to `token`, of `user`. */
const said: Record<Reason, (user: string, token: string) => string> = {
  allocated: (user, token) => `${user} was granted token ${token}`,
  allocated_after_eviction: (user, token) => `${user} was granted token ${token}, taken from its holder`,
  allocated_after_waiting: (user, token) => `${user} was granted token ${token} after waiting in line`,
  renewed_by_client: (user, token) => `${user} keeps token ${token} for longer`,
  released_by_client: (user, token) => `${user} gave token ${token} back`,
  lru_eviction: (user, token) => `${user} lost token ${token}: the least recently used`,
  oldest_eviction: (user, token) => `${user} lost token ${token}: the oldest lease`,
  cleanup: (user, token) => `${user} lost token ${token}: every lease was ended`,
  maintenance: (user, token) => `${user} lost token ${token} to maintenance`,
  token_deleted: (user, token) => `${user} lost token ${token}: it was deleted`,
  pool_deleted: (user, token) => `${user} lost token ${token} with its pool`,
  caller_gone: (user, token) => `${user} had hung up before token ${token} was theirs`,
  ttl_expired: (user, token) => `the time of ${user} with token ${token} is up`,
  ttl_expired_while_down: (user, token) =>
    `the time of ${user} with token ${token} was up while nobody served`,
  cool_down_over: (_, token) => `token ${token} has rested`,
  maintenance_begun: (_, token) => `token ${token} was taken out of use`,
  maintenance_over: (_, token) => `token ${token} is back in use`,
  token_created: (_, token) => `token ${token} was made`,
  pool_grown: (_, token) => `token ${token} was made, as the pool grew`,
  deleted_by_client: (_, token) => `token ${token} was deleted`,
  idle_ttl_expired: (_, token) => `token ${token} was deleted: nobody wanted it`,
  pool_shrunk: (_, token) => `token ${token} was deleted, as the pool shrank`,
  pool_opened: () => 'a process took the pool, and serves it',
  options_changed: () => 'the options of the pool were changed',
};

/** `nameOf`: how a token is called. */
export const factInWords = (
  { reason, user_id, token_id, type }: WireFact,
  nameOf: (tokenId: string) => string = shortId,
): string =>
  type === 'closed'
    ? 'the pool was deleted'
    : said[reason](
        user_id === null ? 'nobody' : isolated(shortId(user_id)),
        isolated(nameOf(token_id ?? '')),
      );

/** What is written from right to left would turn the rest of its sentence round. */
const isolated = (name: string): string => (turning.test(name) ? `\u2068${name}\u2069` : name);
const turning =
  /[\p{Script=Arabic}\p{Script=Hebrew}\p{Script=Syriac}\p{Script=Thaana}\p{Script=Nko}\u202a-\u202e]/u;

/** Whether nobody has ever seen the pool as it was just after this fact: an eviction has two, of which the second follows at once. */
export const isHalfway = ({ reason }: Pick<WireFact, 'reason'>): boolean =>
  reason === 'lru_eviction' || reason === 'oldest_eviction';

export const reasonInWords = (reason: string): string => reason.replaceAll('_', ' ');

export const statusWords: Record<Status, string> = {
  available: 'Available',
  active: 'Active',
  resting: 'Resting',
  withdrawn: 'Withdrawn',
};

/** The token as a sentence, for who does not see it. */
export function tokenInWords(token: Token, now: number, evictedAs: number): string {
  const { tokenId, name, lease, restsUntil, withdrawn } = token;
  const status = statusOf(token);
  const parts = [`Token ${tokenName(name, tokenId)}`, statusWords[status].toLowerCase()];
  if (lease !== null) parts.push(`held by ${lease.userId}`, `${countdown(lease.expiresAt - now)} left`);
  if (status === 'resting' && restsUntil !== null) parts.push(`for ${countdown(restsUntil - now)} more`);
  if (withdrawn !== null && lease !== null) parts.push('then withdrawn');
  if (withdrawn !== null && withdrawn.note !== null) parts.push(withdrawn.note);
  if (evictedAs > 0) parts.push(`number ${evictedAs} to be evicted`);
  return parts.join(', ');
}

/** One or two letters for a holder, or one and the end of a number. */
export function initials(userId: string): string {
  if (/^[0-9a-f]{8}-/.test(userId)) return userId.slice(0, 2);
  // By characters, of which some are two units long.
  const words = userId.split(/[^\p{L}\p{N}]+/u).flatMap((word) => (word === '' ? [] : [[...word]]));
  const [one = ['?'], other] = words;
  // Made-up names differ in their number, and in its end most.
  const number = /\d+$/.exec((other ?? one).join(''))?.[0].slice(-2);
  if (number !== undefined && /\p{L}/u.test(one[0]!)) return `${one[0]}${number}`;
  return other === undefined ? one.slice(0, 2).join('') : `${one[0]}${other[0]}`;
}
