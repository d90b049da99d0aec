/** Paths that XState finds in the machines themselves, walked on running ones. */
import { describe, expect, it } from 'vitest';
import { getShortestPaths, getSimplePaths } from 'xstate/graph';
import type { Stage } from '../src/lease/refusal.ts';
import type { PoolEvent } from '../src/pool/pool-context.ts';
import { poolMachine } from '../src/pool/pool-machine.ts';
import { dueAt, type TokenCommand } from '../src/token/token.ts';
import { tokenMachine } from '../src/token/token-machine.ts';
import { freeTokens, optionsOf, startPool } from './support/pool.ts';
import { lease, standing, startToken } from './support/token.ts';
import { SteppedClock, start, twoMinutes } from './support/world.ts';

const rules = { coolDownMs: 1000, idleTtlMs: 60_000 };
const maxLifetimeMs = null;

/** The timers, as XState names them. */
const timers = {
  'xstate.after.untilDeadline.token.active': 'active',
  'xstate.after.untilRested.token.resting': 'resting',
  'xstate.after.untilUnwanted.token.idle': 'idle',
} as const;
type Timer = { type: keyof typeof timers };

const tokenEvents: (TokenCommand | Timer)[] = [
  { type: 'ALLOCATE', at: start, lease: lease(), reason: 'allocated' },
  { type: 'EVICT', at: start, lease: lease(), reason: 'lru_eviction' },
  { type: 'RENEW', at: start, maxLifetimeMs },
  { type: 'RENEW', at: start, leaseId: 'another', maxLifetimeMs },
  { type: 'RELEASE', at: start, reason: 'released_by_client' },
  { type: 'RECALL', at: start, reason: 'cleanup' },
  { type: 'PASS', at: start },
  { type: 'PASS', at: start + 2 * twoMinutes },
  { type: 'WITHDRAW', at: start, note: null, endLease: false },
  { type: 'WITHDRAW', at: start, note: null, endLease: true },
  { type: 'RESTORE', at: start },
  { type: 'RULE', at: start, rules, leaving: null },
  { type: 'RULE', at: start, rules, leaving: 'pool_shrunk' },
  ...Object.keys(timers).map((type) => ({ type }) as Timer),
];

describe('the shortest path to each transition of the token machine', () => {
  const silent = () => {};
  const drawn = tokenMachine.provide({
    actions: {
      record: silent,
      refuse: silent,
      tellUsed: silent,
      tellMoved: silent,
      tellPlace: silent,
      tellGone: silent,
    },
  });
  const paths = getShortestPaths(drawn, {
    events: tokenEvents as never[],
    input: standing({ rules }),
    // Told apart by how it came about: a path for each transition, not only for each state.
    serializeState: ({ value, context }, event, previous) =>
      JSON.stringify([value, event, previous?.value, context.withdrawn, context.leaving]),
  });

  it('is found, and they visit every state', () => {
    expect(paths.length).toBeGreaterThan(60);
    expect(new Set(paths.map(({ state }) => state.value))).toEqual(new Set(Object.keys(tokenMachine.states)));
  });

  it('leads a running token through the same states', () => {
    for (const path of paths) {
      const clock = new SteppedClock();
      const token = startToken(clock, { rules });
      for (const { event, state } of path.steps) {
        const { type } = event as { type: string };
        if (type === 'xstate.init') continue;
        if (type in timers) {
          // Elsewhere there is no such timer.
          if (timers[type as Timer['type']] === token.state())
            clock.advance(dueAt(token.context())! - clock.now());
        } else token.send(asOfNow(event as TokenCommand, clock.now()));
        expect(token.state()).toBe(state.value);
      }
    }
  });

  /** On a path through a timer the clock has moved on: a lease begins now. */
  function asOfNow(event: TokenCommand, at: number): TokenCommand {
    if (event.type === 'PASS') return { ...event, at: at + (event.at - start) };
    if (event.type !== 'ALLOCATE' && event.type !== 'EVICT') return { ...event, at };
    return { ...event, at, lease: lease({ activatedAt: at, expiresAt: at + twoMinutes }) };
  }
});

describe('every simple path of the stages of the pool machine', () => {
  const signals: PoolEvent[] = [
    { type: 'OPENED', seq: 1, options: optionsOf() },
    { type: 'STAND_BY' },
    { type: 'JOURNAL_LOST' },
    { type: 'JOURNAL_BACK' },
    { type: 'FENCED' },
    { type: 'STOP' },
  ];
  const paths = getSimplePaths(poolMachine.provide({ actions: { dismissAll: () => {} } }), {
    events: signals as never[],
    input: { proofRequired: false, options: optionsOf() },
    serializeState: ({ value }) => String(value),
  });

  it('is found, and they visit every stage', () => {
    const stages: Record<Stage, true> = {
      starting: true,
      standby: true,
      serving: true,
      degraded: true,
      stopping: true,
      fenced: true,
    };
    expect(new Set(paths.map(({ state }) => state.value))).toEqual(new Set(Object.keys(stages)));
  });

  it('leads a running pool through the same stages', () => {
    for (const path of paths) {
      const { pool } = startPool({ opened: false });
      for (const { event, state } of path.steps) {
        if ((event as { type: string }).type === 'xstate.init') continue;
        if ((event as PoolEvent).type === 'OPENED')
          pool.open({ seq: 1, options: optionsOf(), tokens: freeTokens(2) });
        else pool.signal(event as Parameters<typeof pool.signal>[0]);
        expect(pool.stage).toBe(state.value);
      }
    }
  });
});
