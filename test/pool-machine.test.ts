import { describe, expect, it } from 'vitest';
import { createActor } from 'xstate';
import type { Command } from '../src/lease/command.ts';
import type { MachineRefusalCode, Stage } from '../src/lease/refusal.ts';
import { Pool } from '../src/pool/pool.ts';
import { poolMachine } from '../src/pool/pool-machine.ts';
import { waiterViews } from '../src/pool/pool-view.ts';
import { tokenMachine } from '../src/token/token-machine.ts';
import { freeTokens, idOf, optionsOf, traitsOf } from './support/pool.ts';
import { SteppedClock, start, twoMinutes } from './support/world.ts';

const at = start + 1;
const options = optionsOf({ size: 2, whenFull: 'wait' });
const grant = { type: 'ALLOCATE', at, userId: 'bob', ttlMs: twoMinutes, metadata: null } as const;

const commands: { [T in Command['type']]: Extract<Command, { type: T }> } = {
  ALLOCATE: { ...grant, leaseIds: ['b'] },
  LEAVE: { type: 'LEAVE', at, leaseId: 'b' },
  RENEW: { type: 'RENEW', at, tokenId: idOf(0) },
  RELEASE: { type: 'RELEASE', at, tokenId: idOf(0), reason: 'released_by_client' },
  RELEASE_ALL: { type: 'RELEASE_ALL', at, reason: 'cleanup' },
  CLOSE: { type: 'CLOSE', at },
  CREATE: { type: 'CREATE', at, token: traitsOf(7) },
  DELETE: { type: 'DELETE', at, tokenId: idOf(0) },
  WITHDRAW: { type: 'WITHDRAW', at, tokenId: idOf(0), note: null, endLease: false },
  RESTORE: { type: 'RESTORE', at, tokenId: idOf(0) },
  CHANGE: { type: 'CHANGE', at, options, newTokens: [] },
};

/** How a pool gets to each stage. */
const opened = { seq: 1, options, tokens: freeTokens(2) };
const ways: Record<Stage, ((pool: Pool) => void)[]> = {
  starting: [],
  standby: [(pool) => pool.signal({ type: 'STAND_BY' })],
  serving: [(pool) => pool.open(opened)],
  degraded: [(pool) => pool.open(opened), (pool) => pool.signal({ type: 'JOURNAL_LOST' })],
  stopping: [(pool) => pool.open(opened), (pool) => pool.signal({ type: 'STOP' })],
  fenced: [(pool) => pool.open(opened), (pool) => pool.signal({ type: 'FENCED' })],
};

type Expected = 'done' | MachineRefusalCode;

/** Whoever waits may leave at any time. */
const unavailable: Record<Command['type'], Expected> = {
  ALLOCATE: 'unavailable',
  LEAVE: 'done',
  RENEW: 'unavailable',
  RELEASE: 'unavailable',
  RELEASE_ALL: 'unavailable',
  CLOSE: 'unavailable',
  CREATE: 'unavailable',
  DELETE: 'unavailable',
  WITHDRAW: 'unavailable',
  RESTORE: 'unavailable',
  CHANGE: 'unavailable',
};

const table: Record<Stage, Record<Command['type'], Expected>> = {
  starting: unavailable,
  standby: unavailable,
  serving: {
    ALLOCATE: 'done',
    LEAVE: 'done',
    RENEW: 'token_not_active',
    RELEASE: 'token_not_active',
    RELEASE_ALL: 'done',
    CLOSE: 'done',
    CREATE: 'pool_not_elastic',
    DELETE: 'pool_not_elastic',
    WITHDRAW: 'done',
    RESTORE: 'token_not_withdrawn',
    CHANGE: 'done',
  },
  degraded: unavailable,
  stopping: unavailable,
  fenced: unavailable,
};

function poolIn(stage: Stage, clock = new SteppedClock()) {
  const crashes: unknown[] = [];
  const facts: string[] = [];
  const served: (readonly [string, boolean])[] = [];
  const pool = new Pool(
    clock,
    { proofRequired: false, options },
    {
      record: ({ type }) => facts.push(type),
      recordChange: () => 2,
      recordClosing: () => facts.push('closed'),
      served: (leaseId, { refusal }) => served.push([leaseId, refusal === null]),
      crashed: (error) => crashes.push(error),
    },
  );
  for (const step of ways[stage]) step(pool);
  expect(pool.stage).toBe(stage);
  return { pool, crashes, facts, served, clock };
}

describe('stage × command of a pool', () => {
  for (const stage of Object.keys(table) as Stage[]) {
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
    pool.open({ seq: 7, options, tokens: freeTokens(2) });
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

  const fill = (pool: Pool) => {
    pool.command({ ...grant, leaseIds: ['1', '2'] });
    for (const leaseId of ['3', '4'])
      expect(pool.command({ ...grant, leaseIds: [leaseId], wait: { priority: 0 } }).waits).toBe(true);
  };

  it.each(['STOP', 'FENCED'] as const)('dismiss whoever waits in line, by %s', (type) => {
    const { pool, served, facts } = poolIn('serving');
    fill(pool);
    pool.signal({ type });
    expect(served).toEqual([
      ['3', false],
      ['4', false],
    ]);
    expect(pool.counts.waiting).toBe(0);
    expect([...pool.see(waiterViews)]).toEqual([]);
    expect(facts).toEqual(['activated', 'activated']);
  });

  it('let nobody be served while degraded, and everybody at once after it [I10]', () => {
    const { pool, served, facts, clock } = poolIn('serving');
    fill(pool);
    pool.signal({ type: 'JOURNAL_LOST' });
    clock.advance(twoMinutes + 1);
    expect([pool.counts.waiting, pool.counts.available]).toEqual([2, 2]);
    pool.signal({ type: 'JOURNAL_BACK' });
    expect(served).toEqual([
      ['3', true],
      ['4', true],
    ]);
    expect(facts.slice(-2)).toEqual(['activated', 'activated']);
  });
});

describe('a token that is not of the pool', () => {
  it('is not found', () => {
    const { pool } = poolIn('serving');
    expect(pool.command({ ...commands.RENEW, tokenId: 'unknown' }).refusal).toBe('not_found');
    expect(pool.command({ ...commands.RELEASE, tokenId: '__proto__' }).refusal).toBe('not_found');
    for (const type of ['WITHDRAW', 'RESTORE'] as const)
      expect(pool.command({ ...commands[type], tokenId: 'unknown' }).refusal).toBe('not_found');
    expect(pool.token('constructor', at)).toBeUndefined();
  });
});

describe('tokens that come and go', () => {
  it('leave nothing of themselves behind [I18]', () => {
    const token = tokenMachine.provide({ actions: { record() {}, refuse() {} } });
    const elastic = optionsOf({ membership: 'elastic', size: 3, idleTtlMs: 1000 });
    const clock = new SteppedClock();
    const actor = createActor(poolMachine.provide({ actors: { token } }), {
      input: { options: elastic, proofRequired: false },
      clock: clock as never,
    }).start();
    actor.send({ type: 'OPENED', seq: 1, options: elastic });
    for (let turn = 0; turn < 100; turn++) {
      for (const index of [0, 1])
        actor.send({ type: 'CREATE', at: clock.now(), token: traitsOf(2 * turn + index) });
      actor.send({ type: 'DELETE', at: clock.now(), tokenId: idOf(2 * turn) });
      clock.advance(1000);
    }
    actor.send({ type: 'CREATE', at: clock.now(), token: traitsOf(777) });
    const { children, context } = actor.getSnapshot();
    expect(Object.keys(children)).toEqual([idOf(777)]);
    expect(context.order.size).toBe(1);
    expect(context.deadlines.passed(Number.MAX_SAFE_INTEGER, 9)).toHaveLength(1);
  });
});
