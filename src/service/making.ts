/** Which tokens a pool is made with, and which ones it is short of when its options change. */
import { hash } from 'node:crypto';
import type { PoolRequest } from '../journal/store.ts';
import { canonical } from '../lease/canonical.ts';
import type { Json, TokenTraits } from '../lease/lease.ts';
import { type Contradiction, type DeclaredPool, likeness, type PoolOptions } from '../lease/pool-options.ts';
import type { Pool } from '../pool/pool.ts';
import { heldByName, traitsOf } from '../pool/pool-view.ts';
import { newId } from '../random.ts';

/** What a pool is declared to be, with the mark by which it is known whether that has been applied. */
export function declaredOf(pool: DeclaredPool): PoolRequest {
  const request = requestOf(pool);
  return { ...request, options: { ...pool.options, declaration: digestOfOptions(pool.options) } };
}

const digestOfOptions = (options: PoolOptions): string =>
  hash('sha256', canonical({ ...options, declaration: null } as unknown as Json), 'base64').slice(0, 22);

export function requestOf({ name, options }: DeclaredPool): PoolRequest {
  const { membership, size, tokens } = options;
  const made = tokens ?? Array.from({ length: membership === 'fixed' ? size : 0 }, () => plain);
  return { pool: name, options, tokens: made.map(withId) };
}

/** The tokens that the pool is short of for these options. */
export function missing(pool: Pool, { membership, size, tokens }: PoolOptions): TokenTraits[] {
  if (tokens === null) {
    const short = membership === 'fixed' ? Math.max(0, size - pool.counts.total) : 0;
    return Array.from({ length: short }, () => withId(plain));
  }
  const there = new Map<string, number>();
  for (const each of pool.see(traitsOf)) there.set(likeness(each), (there.get(likeness(each)) ?? 0) + 1);
  return tokens
    .filter((spec) => {
      const count = there.get(likeness(spec)) ?? 0;
      there.set(likeness(spec), count - 1);
      return count <= 0;
    })
    .map(withId);
}

/** Held tokens that would be other ones by the same name: two would be there of what is one thing. */
export function namesHeld(pool: Pool, { tokens }: PoolOptions): Contradiction[] {
  if (tokens === null) return [];
  const held = pool.see(heldByName);
  return tokens.flatMap((spec) => {
    const traits = spec.name === null ? undefined : held.get(spec.name);
    if (traits === undefined || likeness(traits) === likeness(spec)) return [];
    return [
      {
        option: 'tokens',
        message: `${JSON.stringify(spec.name)} is held, and has other labels until it is free`,
      },
    ];
  });
}

/** The options, with what is held left as it is; then they are not yet what was declared. */
export function asFarAsFree(pool: Pool, options: PoolOptions): PoolOptions {
  if (namesHeld(pool, options).length === 0) return options;
  const held = pool.see(heldByName);
  const tokens = options.tokens!.map(({ name, labels }) => ({
    name,
    labels: (name === null ? undefined : held.get(name)?.labels) ?? labels,
  }));
  return { ...options, tokens, declaration: null };
}

const plain = { name: null, labels: {} };

const withId = (spec: Omit<TokenTraits, 'tokenId'>): TokenTraits => ({ tokenId: newId(), ...spec });
