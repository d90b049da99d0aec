/**
 * The digest of a pool's tokens: a sum of hashes, one a token, that each token which comes or goes moves on at O(1).
 * It is kept beside the tokens, so that none can appear or vanish by hand [I2].
 */
import { hash } from 'node:crypto';
import { canonical } from '../lease/canonical.ts';
import type { TokenTraits } from '../lease/lease.ts';

/** What a token is, and its place among those that its pool has ever had. */
export type PlacedToken = TokenTraits & { ordinal: number };

const bits = 128;
const digits = bits / 4;

/** Of no tokens. */
export const noTokens = '0'.repeat(digits);

export const withToken = (digest: string, token: PlacedToken): string => written(read(digest) + term(token));
export const withoutToken = (digest: string, token: PlacedToken): string =>
  written(read(digest) - term(token));

export function digestOfTokens(tokens: Iterable<PlacedToken>): string {
  let sum = 0n;
  for (const token of tokens) sum += term(token);
  return written(sum);
}

/** Whether the digest is of these tokens, which stand in their order. */
export function isOfTokens(digest: string, tokens: readonly PlacedToken[]): boolean {
  return digest === (isOlder(digest) ? olderDigest(tokens) : digestOfTokens(tokens));
}

/** Whether it was written before tokens could come and go. */
export const isOlder = (digest: string): boolean => digest.length === olderLength;

/** As it was written before tokens could come and go: over the ids in their order, in base64. */
const olderLength = 22;
const olderDigest = (tokens: readonly PlacedToken[]): string => {
  const ids = tokens.map(({ tokenId }) => tokenId);
  return hash('sha256', ids.join('\n'), 'base64').slice(0, olderLength);
};

const term = ({ tokenId, ordinal, name, labels }: PlacedToken): bigint =>
  read(
    hash('sha256', `${tokenId}|${ordinal}|${JSON.stringify(name)}|${canonical(labels)}`, 'hex').slice(
      0,
      digits,
    ),
  );

const read = (digest: string): bigint => BigInt(`0x${digest}`);
const written = (sum: bigint): string => BigInt.asUintN(bits, sum).toString(16).padStart(digits, '0');
