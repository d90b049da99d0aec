/** Paths that XState finds in the machines themselves, walked on running ones. */
import { describe, expect, it } from 'vitest';
import { getShortestPaths, getSimplePaths } from 'xstate/graph';
import type { Stage } from '../src/lease/refusal.ts';
import { type PoolEvent, poolMachine } from '../src/pool/pool-machine.ts';
import { type TokenCommand, tokenMachine } from '../src/token/token-machine.ts';
import { freeTokens, startPool } from './support/pool.ts';
import { lease, startToken, tokenId } from './support/token.ts';
import { SteppedClock, start, twoMinutes } from './support/world.ts';

const deadline = 'xstate.after.untilDeadline.token.active';

const tokenEvents: (TokenCommand | { type: typeof deadline })[] = [
  { type: 'ALLOCATE', at: start, lease: lease() },
  { type: 'RENEW', at: start },
  { type: 'RENEW', at: start, leaseId: 'another' },
  { type: 'RELEASE', at: start, reason: 'released_by_client' },
  { type: 'RECALL', at: start, reason: 'cleanup' },
  { type: 'EXPIRE', at: start },
  { type: 'EXPIRE', at: start + twoMinutes },
  { type: deadline },
];

describe('the shortest path to each transition of the token machine', () => {
  const drawn = tokenMachine.provide({
    actions: { record: () => {}, refuse: () => {}, tellUsed: () => {}, tellFreed: () => {} },
  });
  const paths = getShortestPaths(drawn, {
    events: tokenEvents as never[],
    input: { tokenId, lease: null, at: start },
    // Told apart by how it came about: a path for each transition, not only for each state.
    serializeState: ({ value }, event, previous) => JSON.stringify([value, event, previous?.value]),
  });

  it('is found, and they visit both states', () => {
    expect(paths.length).toBeGreaterThan(10);
    expect(new Set(paths.map(({ state }) => state.value))).toEqual(new Set(['available', 'active']));
  });

  it('leads a running token through the same states', () => {
    for (const path of paths) {
      const clock = new SteppedClock();
      const token = startToken(clock);
      for (const { event, state } of path.steps) {
        if ((event as { type: string }).type === 'xstate.init') continue;
        if ((event as { type: string }).type === deadline) clock.advance(twoMinutes);
        else token.send(asOfNow(event as TokenCommand, clock.now()));
        expect(token.state()).toBe(state.value);
      }
    }
  });

  /** On a path through the deadline the clock has moved on: a lease begins now. */
  function asOfNow(event: TokenCommand, at: number): TokenCommand {
    if (event.type === 'EXPIRE') return { ...event, at: at + (event.at - start) };
    if (event.type !== 'ALLOCATE') return { ...event, at };
    return { ...event, at, lease: lease({ activatedAt: at, expiresAt: at + twoMinutes }) };
  }
});

describe('every simple path of the stages of the pool machine', () => {
  const signals: PoolEvent[] = [
    { type: 'OPENED', seq: 1 },
    { type: 'STAND_BY' },
    { type: 'JOURNAL_LOST' },
    { type: 'JOURNAL_BACK' },
    { type: 'FENCED' },
    { type: 'STOP' },
  ];
  const paths = getSimplePaths(poolMachine, {
    events: signals as never[],
    input: { proofRequired: false },
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
        if ((event as PoolEvent).type === 'OPENED') pool.open({ seq: 1, tokens: freeTokens(2) });
        else pool.signal(event as Parameters<typeof pool.signal>[0]);
        expect(pool.stage).toBe(state.value);
      }
    }
  });
});
