/** Scenes: a few calls and what happens between them, which together bring about what single steps seldom do. */
import type { Labels } from '../../src/lease/lease.ts';
import type { PoolOptions } from '../../src/lease/pool-options.ts';
import type { Random } from './random.ts';
import type { Ask } from './steps.ts';
import type { World } from './world.ts';

export type Scene =
  /** The other pool is made, filled, waited for, and deleted. */
  | { do: 'end a pool with a line'; waiters: number; ttlMs: number; ms: number }
  /** The default pool shrinks while leases are live, and grows again about when they end; asleep: before anybody has seen that. */
  | { do: 'shrink and grow'; size: number; more: number; ttlMs: number; ms: number; asleep: boolean }
  /** A process sleeps while a token that is waited for comes free, and while waiting for it ends. */
  | { do: 'sleep past the end of waiting'; waitMs: number; ttlMs: number; callsFirst: boolean }
  /** One waits twice, and others come later. */
  | { do: 'come to a line'; ttlMs: number; waitMs: number; ms: number; onExisting: OnExisting };
type OnExisting = 'new' | 'return' | 'renew';

export function drawScene(random: Random): Scene {
  const draw = random.weighed([
    [3, 'end'],
    [3, 'resize'],
    [2, 'sleep'],
    [3, 'come'],
  ] as const);
  if (draw === 'come')
    return {
      do: 'come to a line',
      ...{ ttlMs: random.pick([50, 5000, 5000]), waitMs: random.pick([200, 3000]) },
      ...{
        ms: random.pick([0, 49, 50, 51, 1000]),
        onExisting: random.pick(['new', 'return', 'renew'] as const),
      },
    };
  if (draw === 'end')
    return {
      do: 'end a pool with a line',
      ...{
        waiters: 1 + random.below(3),
        ttlMs: random.pick([20, 500, 60_000]),
        ms: random.pick([0, 0, 1, 20, 50]),
      },
    };
  if (draw === 'sleep')
    return {
      do: 'sleep past the end of waiting',
      ...{ waitMs: random.pick([30, 100]), ttlMs: random.pick([10, 20, 50]), callsFirst: random.chance(0.5) },
    };
  const ttlMs = random.pick([10, 50, 200]);
  return {
    do: 'shrink and grow',
    ...{ size: 1 + random.below(2), more: random.below(5), ttlMs },
    ...{ ms: ttlMs + random.pick([-1, 0, 0, 1, 5]), asleep: random.chance(0.5) },
  };
}

/** Where a scene is played. */
export interface Stage {
  world: World;
  pass(ms: number): Promise<void>;
  wake(process: World['processes'][number], callsFirst: boolean): Promise<void>;
}

export async function play(scene: Scene, stage: Stage): Promise<void> {
  switch (scene.do) {
    case 'end a pool with a line':
      return endWithLine(scene, stage);
    case 'shrink and grow':
      return shrinkAndGrow(scene, stage);
    case 'sleep past the end of waiting':
      return sleepPast(scene, stage);
    case 'come to a line':
      return comeToLine(scene, stage);
    default:
      return scene satisfies never;
  }
}

type Of<D extends Scene['do']> = Extract<Scene, { do: D }>;

async function endWithLine({ waiters, ttlMs, ms }: Of<'end a pool with a line'>, { world, pass }: Stage) {
  ask(world, { do: 'make pool', pool: 1 });
  for (const labels of [{}, { os: 'a' }] as Labels[]) ask(world, { do: 'create', pool: 1, labels });
  for (let user = 0; user < 4; user++) ask(world, { do: 'allocate', pool: 1, user, ttlMs, waitMs: 0 });
  for (let user = 0; user < waiters; user++)
    ask(world, { do: 'allocate', pool: 1, user: 3 - user, ttlMs, waitMs: 20_000, priority: user % 2 });
  await pass(ms);
  ask(world, { do: 'delete pool', pool: 1 });
}

async function shrinkAndGrow(scene: Of<'shrink and grow'>, { world, pass, wake }: Stage) {
  const { size, more, ttlMs, ms, asleep } = scene;
  const resize = (to: number) => ask(world, { do: 'change', pool: 0, changes: sizeOf(world, to) });
  fill(world, ttlMs);
  resize(size);
  await pass(0);
  const { serving } = world;
  if (asleep) serving?.pause();
  await pass(ms);
  if (serving?.state === 'up')
    world.clients.ask({ do: 'change', pool: 0, changes: sizeOf(world, size + more) }, serving);
  if (asleep && serving) await wake(serving, true);
}

async function sleepPast(scene: Of<'sleep past the end of waiting'>, { world, pass, wake }: Stage) {
  const { waitMs, ttlMs, callsFirst } = scene;
  fill(world, ttlMs);
  for (const user of [1, 2, 3]) ask(world, { do: 'allocate', pool: 0, user, waitMs });
  await pass(1);
  const { serving } = world;
  serving?.pause();
  await pass(Math.max(waitMs, ttlMs) + 10);
  if (serving) await wake(serving, callsFirst);
}

async function comeToLine(scene: Of<'come to a line'>, { world, pass }: Stage) {
  const { ttlMs, waitMs, ms, onExisting } = scene;
  fill(world, ttlMs);
  const waits = { do: 'allocate', pool: 0, user: 9, waitMs, onExisting } as const;
  for (let turn = 0; turn < 2; turn++) ask(world, waits);
  await pass(ms);
  ask(world, { do: 'allocate', pool: 0, user: 8, ttlMs, waitMs: 0 });
}

/** By whatever users there are: each may hold but one. */
function fill(world: World, ttlMs: number): void {
  for (let turn = 0; turn < 6; turn++)
    ask(world, { do: 'allocate', pool: 0, user: turn % 4, ttlMs, waitMs: 0 });
}

/** Of a list of tokens, the first ones. */
function sizeOf(world: World, size: number): Partial<PoolOptions> {
  const { tokens } = world.witness.plan.options;
  return tokens === null ? { size } : { tokens: tokens.slice(0, size) };
}

const ask = (world: World, asked: Ask) => world.clients.ask(asked, world.serving);
