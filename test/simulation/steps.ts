/**
 * The steps of a simulation, as plain data: each can be taken away and leaves the others as they are. Whom and what
 * a step means is looked up when it is taken, by numbers that always mean something.
 */
import { type Labels, type Status, statuses } from '../../src/lease/lease.ts';
import type { PoolOptions } from '../../src/lease/pool-options.ts';
import type { AllocateAsk } from '../../src/service/allocating.ts';
import { type Fate, fates, type Weather, weathers } from './network.ts';
import { drawChanges } from './options.ts';
import type { Random } from './random.ts';
import { drawScene, type Scene } from './scenes.ts';

export const proofKinds = [
  'none',
  'lease',
  'user',
  'both',
  'another lease',
  'another user',
  'right lease, another user',
  'made up',
] as const;
export type ProofKind = (typeof proofKinds)[number];

/** What a client asks: of the pool with that number, of tokens counted back from the newest. */
export type Ask =
  | ({ do: 'allocate'; pool: number; user: number; ttlMs?: number | undefined } & Wish)
  | { do: 'renew'; lease: number; proof: ProofKind; ttlMs?: number | undefined }
  | { do: 'renew many'; leases: readonly number[]; ttlMs?: number | undefined }
  | { do: 'release'; lease: number; proof: ProofKind }
  | { do: 'release all'; pool: number }
  | { do: 'withdraw'; pool: number; token: number; note: string | null; endLease: boolean }
  | { do: 'restore'; pool: number; token: number }
  | { do: 'create'; pool: number; labels: Labels }
  | { do: 'delete'; pool: number; token: number }
  | { do: 'change'; pool: number; changes: Partial<PoolOptions> }
  | { do: 'make pool'; pool: number }
  | { do: 'delete pool'; pool: number }
  | { do: 'list'; pool: number; status: 'all' | Status; limit: number }
  | { do: 'token'; pool: number; token: number }
  | { do: 'history'; pool: number; token: number }
  | { do: 'facts'; pool: number; limit: number }
  | { do: 'queue'; pool: number; limit: number };

/** What can be wished for beside a token. */
export type Wish = Pick<AllocateAsk, 'labels' | 'count' | 'waitMs' | 'priority' | 'onExisting'>;

/** A request with a key comes again, counted back from the newest; or another one comes with its key. */
export interface Again {
  do: 'ask again';
  back: number;
  changed: boolean;
  process: number | null;
  together: boolean;
}

export type Event =
  | { do: 'pass'; ms: number }
  | { do: 'pass to what comes next' }
  | { do: 'weather'; process: number; weather: Weather }
  | { do: 'fail the next commit'; process: number; fate: Fate }
  | { do: 'crash'; process: number; withHost: boolean }
  | { do: 'start'; clockOffMs: number }
  | { do: 'stop'; process: number; afterMs: number }
  | { do: 'roll' }
  /** The process that serves is stopped, long enough for another one to take over. */
  | { do: 'hang' }
  | { do: 'pause'; process: number }
  | { do: 'wake'; process: number; callsFirst: boolean }
  | { do: 'sleep'; ms: number }
  | { do: 'restart the database'; forMs: number }
  | { do: 'set the database clock'; byMs: number }
  /** One who waits for a token hangs up, counted back from the newest. */
  | { do: 'hang up'; back: number }
  | { do: 'calm down' }
  | Scene;

export type Step = (
  | (Ask & {
      /** The process asked; null for the one that serves. */
      process: number | null;
      /** Whether it comes with a key, where it changes something. */
      keyed: boolean;
      /** Whether the next step comes in the same breath. */
      together: boolean;
    })
  | Again
  | Event
) & {
  /** What happens by chance during this step is drawn from here. */
  draw: number;
};

const hour = 3_600_000;
const day = 24 * hour;
const ttls = [undefined, undefined, 1, 5, 50, 400, 2000, 30 * day];

export function generateSteps(random: Random, count: number, draws: Draws): Step[] {
  return Array.from({ length: count }, () => {
    const draw = random.below(2 ** 31);
    if (random.chance(0.55)) {
      const process = random.chance(0.8) ? null : random.below(6);
      const together = random.chance(0.3);
      if (random.chance(0.16)) {
        const back = random.chance(0.8) ? random.below(3) : random.below(20);
        return { do: 'ask again', back, changed: random.chance(0.15), process, together, draw };
      }
      return { ...ask(random, draws), process, keyed: random.chance(0.3), together, draw };
    }
    return { ...(random.chance(0.75) ? passing(random, draws) : disturbance(random)), draw };
  });
}

/** What of the pools the steps depend on. */
export interface Draws {
  /** Whether there is more than the default pool, with the default options. */
  isPlain: boolean;
  /** Of the default pool. */
  options: PoolOptions;
}

function ask(random: Random, draws: Draws): Ask {
  const { isPlain } = draws;
  // Mostly of the newest leases: they are the ones that may still be live.
  const lease = random.chance(0.8) ? random.below(6) : random.below(40);
  const proof = random.chance(0.4)
    ? random.pick(proofKinds)
    : random.pick(['lease', 'user', 'both'] as const);
  const pool = isPlain || random.chance(0.75) ? 0 : 1;
  const token = random.below(pool === 0 ? draws.options.size + 1 : 4);
  const what = random.weighed<Ask['do']>([
    [30, 'allocate'],
    [16, 'renew'],
    [14, 'release'],
    [3, 'release all'],
    [10, 'list'],
    [5, 'token'],
    [3, 'history'],
    [3, 'facts'],
    ...(isPlain ? [] : beyondPlain(pool)),
  ]);
  switch (what) {
    case 'allocate':
      return {
        ...{ do: what, pool, user: random.below(4), ttlMs: random.pick(ttls) },
        ...(isPlain ? {} : wish(random)),
      };
    case 'renew':
      return { do: what, lease, proof, ttlMs: random.pick(ttls) };
    case 'renew many':
      return { do: what, leases: [0, 1, 2, 3].slice(0, 1 + random.below(4)), ttlMs: random.pick(ttls) };
    case 'release':
      return { do: what, lease, proof };
    case 'list':
      return {
        ...{ do: what, pool, status: random.pick(['all', 'all', ...statuses] as const) },
        limit: random.pick([2, 100]),
      };
    case 'token':
    case 'history':
    case 'restore':
    case 'delete':
      return { do: what, pool, token };
    case 'withdraw':
      return { do: what, pool, token, note: random.pick([null, 'broken']), endLease: random.chance(0.4) };
    case 'create':
      return { do: what, pool, labels: random.pick([{}, { os: 'a' }, { os: 'b' }]) };
    case 'change':
      return { do: what, pool, changes: drawChanges(random, pool === 0 ? draws.options : null) };
    case 'facts':
    case 'queue':
      return { do: what, pool, limit: random.pick([1, 20]) };
    case 'make pool':
    case 'delete pool':
      return { do: what, pool: random.chance(0.9) ? 1 : 0 };
    default:
      return { do: what, pool };
  }
}

/** What is asked of pools that are not just the default one. */
const beyondPlain = (pool: number): readonly (readonly [number, Ask['do']])[] => [
  [4, 'renew many'],
  [4, 'withdraw'],
  [6, 'restore'],
  [pool === 0 ? 1 : 25, 'create'],
  [pool === 0 ? 1 : 5, 'delete'],
  [4, 'change'],
  [pool === 0 ? 1 : 8, 'make pool'],
  [1, 'delete pool'],
  [4, 'queue'],
];

const wish = (random: Random): Wish => ({
  labels: random.pick([undefined, undefined, undefined, { os: 'a' }, { os: 'b' }, { os: 'c' }]),
  count: random.pick([undefined, undefined, undefined, undefined, 1, 2, 3]),
  waitMs: random.pick([undefined, undefined, 0, 100, 3000, 20_000]),
  priority: random.pick([undefined, undefined, 1, -1, 5]),
  onExisting: random.pick([undefined, undefined, undefined, undefined, 'new', 'return', 'renew'] as const),
});

function passing(random: Random, { isPlain }: Draws): Event {
  if (!isPlain && random.chance(0.05)) return drawScene(random);
  if (!isPlain && random.chance(0.06)) return { do: 'hang up', back: random.below(3) };
  if (random.chance(0.4)) return { do: 'pass to what comes next' };
  return { do: 'pass', ms: random.pick([0, 1, 1, 3, 10, 50, 50, 200, 500, 1500, random.below(8000)]) };
}

function disturbance(random: Random): Event {
  const process = random.below(6);
  const what = random.weighed<Event['do']>([
    [14, 'weather'],
    [14, 'fail the next commit'],
    [8, 'crash'],
    [16, 'start'],
    [3, 'stop'],
    [4, 'roll'],
    [7, 'hang'],
    [8, 'pause'],
    [10, 'wake'],
    [2, 'sleep'],
    [3, 'restart the database'],
    [3, 'set the database clock'],
    [6, 'calm down'],
  ]);
  switch (what) {
    case 'weather':
      return { do: what, process, weather: random.pick(weathers) };
    case 'fail the next commit':
      return { do: what, process, fate: random.pick(fates) };
    case 'crash':
      return { do: what, process, withHost: random.chance(0.3) };
    case 'start':
      return { do: what, clockOffMs: random.pick([0, 0, 7, -7, hour, -3 * hour, 400 * day]) };
    case 'stop':
      return { do: what, process, afterMs: random.pick([0, 5, 100]) };
    case 'pause':
      return { do: what, process };
    case 'wake':
      return { do: what, process, callsFirst: random.chance(0.5) };
    case 'sleep':
      return { do: what, ms: random.pick([5000, hour, 31 * day]) };
    case 'restart the database':
      return { do: what, forMs: random.pick([0, 100, 2000, 20_000]) };
    case 'set the database clock':
      return { do: what, byMs: random.pick([1, -1, 1000, -1000, hour, -hour]) };
    case 'roll':
    case 'hang':
    case 'calm down':
      return { do: what };
    default:
      return { do: 'pass', ms: 1 };
  }
}
