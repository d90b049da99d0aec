/** A pool in memory, on a stepped clock: its facts are kept, and no journal is near. */
import type { Fact } from '../../src/lease/fact.ts';
import type { TokenState } from '../../src/lease/lease.ts';
import { type Answer, Pool } from '../../src/pool/pool.ts';
import { SteppedClock, twoMinutes } from './world.ts';

export interface PoolWorld {
  clock: SteppedClock;
  pool: Pool;
  facts: Fact[];
  crashes: unknown[];
  allocate(userId?: string, ttlMs?: number): Answer;
  renew(tokenId: string, proof?: { leaseId?: string; userId?: string; ttlMs?: number }): Answer;
  release(tokenId: string, proof?: { leaseId?: string; userId?: string }): Answer;
  releaseAll(): Answer;
  /** Where a token's lease went, or null. */
  holder(tokenId: string): string | null;
}

export const idOf = (index: number): string => `00000000-0000-4000-8000-${String(index).padStart(12, '0')}`;

export const freeTokens = (size: number): TokenState[] =>
  Array.from({ length: size }, (_, index) => ({ tokenId: idOf(index), lease: null, seq: 0 }));

export interface PoolOptions {
  proofRequired?: boolean;
  /** The tokens as the log has them; without, `size` free ones. */
  tokens?: TokenState[];
  size?: number;
  seq?: number;
  clock?: SteppedClock;
  /** Whether it is opened at once, as it is by default. */
  opened?: boolean;
}

export function startPool(options: PoolOptions = {}): PoolWorld {
  const { proofRequired = false, size = 3, seq = 1, clock = new SteppedClock(), opened = true } = options;
  const world = { clock, facts: [], crashes: [] } as unknown as PoolWorld;
  const pool = new Pool(
    clock,
    { proofRequired },
    { record: (fact) => world.facts.push(fact), crashed: (error) => world.crashes.push(error) },
  );
  if (opened) pool.open({ seq, tokens: options.tokens ?? freeTokens(size) });
  let leases = 0;
  return Object.assign(world, {
    pool,
    allocate: (userId = 'ada', ttlMs = twoMinutes) =>
      pool.command({
        type: 'ALLOCATE',
        at: clock.now(),
        userId,
        leaseId: `lease ${++leases}`,
        ttlMs,
        metadata: null,
      }),
    renew: (tokenId: string, proof = {}) =>
      pool.command({ type: 'RENEW', at: clock.now(), tokenId, ...proof }),
    release: (tokenId: string, proof = {}) =>
      pool.command({ type: 'RELEASE', at: clock.now(), tokenId, reason: 'released_by_client', ...proof }),
    releaseAll: () => pool.command({ type: 'RELEASE_ALL', at: clock.now(), reason: 'cleanup' }),
    holder: (tokenId: string) => pool.token(tokenId, clock.now())?.lease?.userId ?? null,
  });
}

/** The facts of an answer, as `type reason token`, which is what most tests are about. */
export const told = ({ facts }: Answer): string[] =>
  facts.map(({ type, reason, tokenId }) => `${type} ${reason} ${Number(tokenId.slice(-12))}`);
