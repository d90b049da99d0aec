import { describe, expect, it } from 'vitest';
import type { Command } from '../src/lease/command.ts';
import type { MachineRefusalCode, Stage } from '../src/lease/refusal.ts';
import { Pool } from '../src/pool/pool.ts';
import { freeTokens, idOf } from './support/pool.ts';
import { SteppedClock, start, twoMinutes } from './support/world.ts';

const at = start + 1;
const commands: { [T in Command['type']]: Extract<Command, { type: T }> } = {
  ALLOCATE: { type: 'ALLOCATE', at, userId: 'bob', leaseId: 'b', ttlMs: twoMinutes, metadata: null },
  RENEW: { type: 'RENEW', at, tokenId: idOf(0) },
  RELEASE: { type: 'RELEASE', at, tokenId: idOf(0), reason: 'released_by_client' },
  RELEASE_ALL: { type: 'RELEASE_ALL', at, reason: 'cleanup' },
};

/** How a pool gets to each stage. */
const opened = { at: start, seq: 1, tokens: freeTokens(2) };
const ways: Record<Exclude<Stage, 'fenced'>, ((pool: Pool) => void)[]> = {
  starting: [],
  standby: [(pool) => pool.signal({ type: 'STAND_BY' })],
  serving: [(pool) => pool.open(opened)],
  degraded: [(pool) => pool.open(opened), (pool) => pool.signal({ type: 'JOURNAL_LOST' })],
  stopping: [(pool) => pool.open(opened), (pool) => pool.signal({ type: 'STOP' })],
};

type Expected = 'done' | MachineRefusalCode;

const table: Record<keyof typeof ways, Record<Command['type'], Expected>> = {
  starting: all('unavailable'),
  standby: all('unavailable'),
  serving: { ALLOCATE: 'done', RENEW: 'token_not_active', RELEASE: 'token_not_active', RELEASE_ALL: 'done' },
  degraded: all('unavailable'),
  stopping: all('unavailable'),
};

function all(expected: Expected): Record<Command['type'], Expected> {
  return { ALLOCATE: expected, RENEW: expected, RELEASE: expected, RELEASE_ALL: expected };
}

function poolIn(stage: keyof typeof ways, clock = new SteppedClock()) {
  const crashes: unknown[] = [];
  const facts: string[] = [];
  const pool = new Pool(
    clock,
    { proofRequired: false },
    { record: ({ type }) => facts.push(type), crashed: (error) => crashes.push(error) },
  );
  for (const step of ways[stage]) step(pool);
  expect(pool.stage).toBe(stage);
  return { pool, crashes, facts, clock };
}

describe('stage × command of a pool', () => {
  for (const stage of Object.keys(table) as (keyof typeof table)[]) {
    for (const [type, expected] of Object.entries(table[stage]) as [Command['type'], Expected][]) {
      it(`${stage}: ${type} is ${expected === 'done' ? 'done' : `refused, ${expected}`}`, () => {
        const { pool } = poolIn(stage);
        const answer = pool.command(commands[type]);
        expect(answer.refusal).toBe(expected === 'done' ? null : expected);
        expect(pool.stage).toBe(stage);
      });
    }
  }
});

describe('the stages of a pool', () => {
  it('go to and fro between serving and degraded as the journal comes and goes', () => {
    const { pool } = poolIn('degraded');
    pool.signal({ type: 'JOURNAL_BACK' });
    expect(pool.stage).toBe('serving');
    expect(pool.command(commands.ALLOCATE).facts).toHaveLength(1);
  });

  it('lead from standby to serving once the pool is opened', () => {
    const { pool } = poolIn('standby');
    pool.open({ seq: 7, tokens: freeTokens(2) });
    expect(pool.command(commands.ALLOCATE).facts[0]?.seq).toBe(8);
  });

  it('end with fenced: no timer fires and no fact comes after it', () => {
    const { pool, facts, clock } = poolIn('serving');
    pool.command(commands.ALLOCATE);
    pool.signal({ type: 'FENCED' });
    expect(pool.stage).toBe('fenced');
    clock.advance(2 * twoMinutes);
    expect(facts).toEqual(['activated']);
  });

  it('let timers fire while degraded, for time does not wait for a database', () => {
    const { pool, facts, clock } = poolIn('serving');
    pool.command(commands.ALLOCATE);
    pool.signal({ type: 'JOURNAL_LOST' });
    clock.advance(2 * twoMinutes);
    expect(facts).toEqual(['activated', 'expired']);
  });
});

describe('a token that is not of the pool', () => {
  it('is not found', () => {
    const { pool } = poolIn('serving');
    expect(pool.command({ ...commands.RENEW, tokenId: 'unknown' }).refusal).toBe('not_found');
    expect(pool.command({ ...commands.RELEASE, tokenId: '__proto__' }).refusal).toBe('not_found');
    expect(pool.token('constructor', at)).toBeUndefined();
  });
});
