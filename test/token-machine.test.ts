import { describe, expect, it, vi } from 'vitest';
import { SimulatedClock } from 'xstate';
import { systemClock } from '../src/clock.ts';
import type { MachineRefusalCode } from '../src/lease/refusal.ts';
import type { TokenCommand } from '../src/token/token-machine.ts';
import { lease, startToken, tokenId } from './support/token.ts';
import { SteppedClock, start, twoMinutes } from './support/world.ts';

type State = 'available' | 'active';

interface Cell {
  to: State;
  records?: string[];
  refuses?: MachineRefusalCode;
  tells?: 'USED' | 'FREED';
}

const newcomer = lease({ leaseId: '01890000-0000-7000-8000-000000000002', userId: 'bob', fence: 9 });
const later = start + 1000;

/** The commands of the table, each as its type says it may come. */
const commands = {
  ALLOCATE: { type: 'ALLOCATE', at: later, lease: newcomer },
  RENEW: { type: 'RENEW', at: later },
  'RENEW of another': { type: 'RENEW', at: later, leaseId: newcomer.leaseId },
  RELEASE: { type: 'RELEASE', at: later, reason: 'released_by_client' },
  'RELEASE of another': { type: 'RELEASE', at: later, reason: 'released_by_client', userId: 'bob' },
  RECALL: { type: 'RECALL', at: later, reason: 'cleanup' },
  EXPIRE: { type: 'EXPIRE', at: later },
  'EXPIRE when due': { type: 'EXPIRE', at: start + twoMinutes },
} satisfies Record<TokenCommand['type'], TokenCommand> & Record<string, TokenCommand>;

const table: Record<State, Record<keyof typeof commands, Cell>> = {
  available: {
    ALLOCATE: { to: 'active', records: ['activated'] },
    RENEW: { to: 'available', refuses: 'token_not_active' },
    'RENEW of another': { to: 'available', refuses: 'token_not_active' },
    RELEASE: { to: 'available', refuses: 'token_not_active' },
    'RELEASE of another': { to: 'available', refuses: 'token_not_active' },
    RECALL: { to: 'available' },
    EXPIRE: { to: 'available' },
    'EXPIRE when due': { to: 'available' },
  },
  active: {
    ALLOCATE: { to: 'active', records: ['released', 'activated'] },
    RENEW: { to: 'active', records: ['renewed'], tells: 'USED' },
    'RENEW of another': { to: 'active', refuses: 'lease_mismatch' },
    RELEASE: { to: 'available', records: ['released'], tells: 'FREED' },
    'RELEASE of another': { to: 'active', refuses: 'lease_mismatch' },
    RECALL: { to: 'available', records: ['released'] },
    EXPIRE: { to: 'active' },
    'EXPIRE when due': { to: 'available', records: ['expired'], tells: 'FREED' },
  },
};

describe('state × command of a token', () => {
  for (const from of Object.keys(table) as State[]) {
    for (const [name, cell] of Object.entries(table[from]) as [keyof typeof commands, Cell][]) {
      it(`${from}: ${name} → ${cell.to}${cell.refuses ? `, refuses ${cell.refuses}` : ''}`, () => {
        const token = startToken(new SteppedClock(), from === 'active' ? lease() : null);
        const before = token.lease();
        token.send(commands[name]);
        expect(token.state()).toBe(cell.to);
        expect(token.recorded.map(({ type }) => type)).toEqual(cell.records ?? []);
        expect(token.refused).toEqual(cell.refuses ? [cell.refuses] : []);
        expect(token.news.map(({ type }) => type)).toEqual(cell.tells ? [cell.tells] : []);
        // What is not recorded has not happened.
        if (!cell.records) expect(token.lease()).toEqual(before);
      });
    }
  }
});

describe('the eviction of a holder', () => {
  it('ends its lease and begins that of the newcomer in one step, in that order', () => {
    const token = startToken(new SteppedClock(), lease());
    token.send(commands.ALLOCATE);
    expect(token.recorded).toEqual([
      { type: 'released', reason: 'lru_eviction', at: later, lease: lease() },
      { type: 'activated', reason: 'allocated_after_eviction', at: later, lease: newcomer },
    ]);
    expect(token.lease()).toEqual(newcomer);
  });

  it('takes its deadline with it (stale-job-cuts-next-holder)', () => {
    const clock = new SteppedClock();
    const token = startToken(clock, lease());
    clock.advance(60_000);
    const next = lease({ ...newcomer, activatedAt: clock.now(), expiresAt: clock.now() + twoMinutes });
    token.send({ type: 'ALLOCATE', at: clock.now(), lease: next });
    clock.advance(twoMinutes - 1);
    expect(token.state()).toBe('active');
    expect(token.recorded.map(({ type }) => type)).toEqual(['released', 'activated']);
    clock.advance(1);
    expect(token.state()).toBe('available');
  });
});

describe('the deadline of a token', () => {
  const allocated = () => {
    const clock = new SteppedClock();
    const token = startToken(clock);
    token.send({ type: 'ALLOCATE', at: start, lease: lease() });
    return { clock, token };
  };

  it('holds 1 ms before it, and ends the lease at it [I5] (expires-at-twice-the-ttl)', () => {
    const { clock, token } = allocated();
    clock.advance(twoMinutes - 1);
    expect(token.state()).toBe('active');
    clock.advance(1);
    expect(token.state()).toBe('available');
    expect(token.recorded.at(-1)).toEqual({
      type: 'expired',
      reason: 'ttl_expired',
      at: null,
      lease: lease(),
    });
  });

  it('happens once: nothing more comes after it', () => {
    const { clock, token } = allocated();
    clock.advance(10 * twoMinutes);
    expect(token.recorded.map(({ type }) => type)).toEqual(['activated', 'expired']);
  });

  it('is armed anew by a renewal, and the old timer is dead [I12]', () => {
    const { clock, token } = allocated();
    clock.advance(60_000);
    token.send({ type: 'RENEW', at: clock.now() });
    expect(token.lease()?.expiresAt).toBe(start + 60_000 + twoMinutes);
    clock.advance(twoMinutes - 1);
    expect(token.state()).toBe('active');
    clock.advance(1);
    expect(token.state()).toBe('available');
  });

  it('is never moved nearer by a renewal, however small its TTL [I12]', () => {
    const { clock, token } = allocated();
    clock.advance(1000);
    token.send({ type: 'RENEW', at: clock.now(), ttlMs: 1 });
    expect(token.lease()?.expiresAt).toBe(start + twoMinutes);
    clock.advance(twoMinutes - 1001);
    expect(token.state()).toBe('active');
    clock.advance(1);
    expect(token.state()).toBe('available');
  });

  it('of a released lease does not end the next one (stale-job-cuts-next-holder)', () => {
    const { clock, token } = allocated();
    clock.advance(60_000);
    token.send({ type: 'RELEASE', at: clock.now(), reason: 'released_by_client' });
    const next = lease({ ...newcomer, activatedAt: clock.now(), expiresAt: clock.now() + twoMinutes });
    token.send({ type: 'ALLOCATE', at: clock.now(), lease: next });
    clock.advance(twoMinutes - 1);
    expect(token.state()).toBe('active');
    clock.advance(1);
    expect(token.state()).toBe('available');
  });

  it('of 1 ms and of 30 days are both kept to the millisecond', () => {
    for (const ttlMs of [1, 30 * 24 * 3_600_000]) {
      const clock = new SteppedClock();
      const token = startToken(clock);
      const granted = lease({ ttlMs, expiresAt: start + ttlMs });
      token.send({ type: 'ALLOCATE', at: start, lease: granted });
      clock.advance(ttlMs - 1);
      expect(token.state()).toBe('active');
      clock.advance(1);
      expect(token.state()).toBe('available');
    }
  });

  it('of 30 days does not fire at once on the clock of the system, as a bare setTimeout would', () => {
    vi.useFakeTimers({ now: start });
    try {
      const clock = systemClock();
      const ttlMs = 30 * 24 * 3_600_000;
      const token = startToken(clock, lease({ ttlMs, expiresAt: clock.now() + ttlMs }));
      vi.advanceTimersByTime(ttlMs - 1);
      expect(token.state()).toBe('active');
      vi.advanceTimersByTime(1);
      expect(token.state()).toBe('available');
    } finally {
      vi.useRealTimers();
    }
  });
});

describe('a token that is started with a lease', () => {
  it('holds it for what remains, and records nothing', () => {
    const clock = new SteppedClock(start + 90_000);
    const token = startToken(clock, lease());
    expect(token.state()).toBe('active');
    clock.advance(29_999);
    expect(token.state()).toBe('active');
    clock.advance(1);
    expect(token.state()).toBe('available');
    expect(token.recorded.map(({ type, reason }) => [type, reason])).toEqual([['expired', 'ttl_expired']]);
  });

  it('that ran out unseen ends it at once, for a reason of its own and with its true deadline', () => {
    const clock = new SteppedClock(start + twoMinutes);
    const token = startToken(clock, lease());
    expect(token.state()).toBe('available');
    expect(token.recorded).toEqual([
      { type: 'expired', reason: 'ttl_expired_while_down', at: clock.now(), lease: lease() },
    ]);
    expect(token.news).toEqual([{ type: 'FREED', tokenId }]);
  });
});

describe('what XState promises, and what it does not', () => {
  it('has settled an actor by the time send returns', () => {
    const token = startToken(new SimulatedClock());
    const seen: State[] = [];
    token.actor.subscribe((snapshot) => seen.push(snapshot.value));
    token.send(commands.ALLOCATE);
    expect(token.state()).toBe('active');
    token.send(commands.RECALL);
    expect(token.state()).toBe('available');
    expect(seen).toEqual(['active', 'available']);
  });

  it('needs context and commands to be plain JSON, which they are', () => {
    const token = startToken(new SteppedClock(), lease());
    const { context } = token.actor.getSnapshot();
    expect(JSON.parse(JSON.stringify(context))).toEqual(context);
    for (const command of Object.values(commands)) {
      expect(JSON.parse(JSON.stringify(command))).toEqual(command);
    }
  });
});
