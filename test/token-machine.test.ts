import { describe, expect, it, vi } from 'vitest';
import { SimulatedClock } from 'xstate';
import { systemClock } from '../src/clock.ts';
import type { MachineRefusalCode } from '../src/lease/refusal.ts';
import type { TokenCommand, TokenContext } from '../src/token/token.ts';
import { lease, startToken, type TokenStateName, tokenId } from './support/token.ts';
import { SteppedClock, start, twoMinutes } from './support/world.ts';

interface Cell {
  to: TokenStateName;
  records?: string[];
  refuses?: MachineRefusalCode;
  tells?: string[];
}

const newcomer = lease({ leaseId: '01890000-0000-7000-8000-000000000002', userId: 'bob', fence: 9 });
const later = start + 1000;
const due = start + twoMinutes;
const rules = { coolDownMs: 0, idleTtlMs: null };

/** The commands of the table, each as its type says it may come. */
const commands = {
  ALLOCATE: { type: 'ALLOCATE', at: later, lease: newcomer, reason: 'allocated' },
  EVICT: { type: 'EVICT', at: later, lease: newcomer, reason: 'lru_eviction' },
  RENEW: { type: 'RENEW', at: later, maxLifetimeMs: null },
  'RENEW of another': { type: 'RENEW', at: later, leaseId: newcomer.leaseId, maxLifetimeMs: null },
  RELEASE: { type: 'RELEASE', at: later, reason: 'released_by_client' },
  'RELEASE of another': { type: 'RELEASE', at: later, reason: 'released_by_client', userId: 'bob' },
  RECALL: { type: 'RECALL', at: later, reason: 'cleanup' },
  PASS: { type: 'PASS', at: later },
  'PASS when due': { type: 'PASS', at: due },
  WITHDRAW: { type: 'WITHDRAW', at: later, note: 'broken', endLease: false },
  'WITHDRAW at once': { type: 'WITHDRAW', at: later, note: null, endLease: true },
  RESTORE: { type: 'RESTORE', at: later },
  RULE: { type: 'RULE', at: later, rules, leaving: null },
  'RULE to leave': { type: 'RULE', at: later, rules, leaving: 'pool_shrunk' },
} satisfies Record<TokenCommand['type'], TokenCommand> & Record<string, TokenCommand>;

/** How a token is what it is at the start; what ends by itself does so after two minutes. */
const ways: Record<TokenStateName | 'active in maintenance' | 'active, leaving', Partial<TokenContext>> = {
  available: {},
  idle: { keptUntil: due },
  active: { lease: lease() },
  'active in maintenance': { lease: lease(), withdrawn: { note: null } },
  'active, leaving': { lease: lease(), leaving: 'pool_shrunk' },
  resting: { restsUntil: due },
  withdrawn: { withdrawn: { note: null } },
  deleted: { leaving: 'pool_shrunk' },
};
type Way = keyof typeof ways;

const notActive = 'token_not_active';
const notWithdrawn = 'token_not_withdrawn';
const silent = (to: TokenStateName): Cell => ({ to });
const refusing = (to: TokenStateName, refuses: MachineRefusalCode): Cell => ({ to, refuses });
const moving = (to: TokenStateName, ...records: string[]): Cell => ({
  to,
  records,
  tells: records.map(() => 'MOVED'),
});
const leaving = (...records: string[]): Cell => ({
  to: 'deleted',
  records: [...records, 'deleted'],
  tells: [...records.map(() => 'MOVED'), 'GONE'],
});
/** The supervisor knows what it has ordered itself. */
const granted = (...records: string[]): Cell => ({ to: 'active', records });

/** What all states have in common in which nobody holds it. */
const free = (to: TokenStateName) =>
  ({
    EVICT: silent(to),
    RENEW: refusing(to, notActive),
    'RENEW of another': refusing(to, notActive),
    RELEASE: refusing(to, notActive),
    'RELEASE of another': refusing(to, notActive),
    RECALL: silent(to),
    PASS: silent(to),
    WITHDRAW: moving('withdrawn', 'withdrawn'),
    'WITHDRAW at once': moving('withdrawn', 'withdrawn'),
    RESTORE: refusing(to, notWithdrawn),
    RULE: silent(to),
    'RULE to leave': leaving(),
  }) satisfies Partial<Record<keyof typeof commands, Cell>>;

const active: Record<keyof typeof commands, Cell> = {
  ALLOCATE: silent('active'),
  EVICT: granted('released', 'activated'),
  RENEW: { to: 'active', records: ['renewed'], tells: ['USED'] },
  'RENEW of another': refusing('active', 'lease_mismatch'),
  RELEASE: moving('available', 'released'),
  'RELEASE of another': refusing('active', 'lease_mismatch'),
  RECALL: moving('available', 'released'),
  PASS: silent('active'),
  'PASS when due': moving('available', 'expired'),
  WITHDRAW: moving('active', 'withdrawn'),
  'WITHDRAW at once': moving('withdrawn', 'withdrawn', 'released'),
  RESTORE: refusing('active', notWithdrawn),
  RULE: { to: 'active', tells: ['MOVED'] },
  'RULE to leave': { to: 'active', tells: ['MOVED'] },
};

const table: Record<Way, Record<keyof typeof commands, Cell>> = {
  available: {
    ...free('available'),
    ALLOCATE: granted('activated'),
    'PASS when due': silent('available'),
  },
  idle: { ...free('idle'), ALLOCATE: granted('activated'), 'PASS when due': leaving() },
  active,
  'active in maintenance': {
    ...active,
    RENEW: refusing('active', 'token_withdrawn'),
    RELEASE: moving('withdrawn', 'released'),
    RECALL: moving('withdrawn', 'released'),
    'PASS when due': moving('withdrawn', 'expired'),
    RESTORE: moving('active', 'restored'),
  },
  'active, leaving': {
    ...active,
    RENEW: refusing('active', 'token_withdrawn'),
    RELEASE: leaving('released'),
    RECALL: leaving('released'),
    'PASS when due': leaving('expired'),
    'WITHDRAW at once': leaving('withdrawn', 'released'),
  },
  resting: {
    ...free('resting'),
    ALLOCATE: silent('resting'),
    'PASS when due': moving('available', 'rested'),
  },
  withdrawn: {
    ...free('withdrawn'),
    ALLOCATE: silent('withdrawn'),
    'PASS when due': silent('withdrawn'),
    RESTORE: moving('available', 'restored'),
  },
  deleted: Object.fromEntries(Object.keys(commands).map((name) => [name, silent('deleted')])) as Record<
    keyof typeof commands,
    Cell
  >,
};

describe('state × command of a token', () => {
  for (const from of Object.keys(table) as Way[]) {
    for (const [name, cell] of Object.entries(table[from]) as [keyof typeof commands, Cell][]) {
      it(`${from}: ${name} → ${cell.to}${cell.refuses ? `, refuses ${cell.refuses}` : ''}`, () => {
        const token = startToken(new SteppedClock(), ways[from]);
        expect(token.state()).toBe(from.split(/,? /)[0]);
        // What a deleted one has said.
        token.recorded.length = token.news.length = 0;
        const before = token.context();
        token.send(commands[name]);
        expect(token.state()).toBe(cell.to);
        expect(token.recorded.map(({ type }) => type)).toEqual(cell.records ?? []);
        expect(token.refused).toEqual(cell.refuses ? [cell.refuses] : []);
        expect(token.news.map(({ type }) => type)).toEqual(cell.tells ?? []);
        // What is not recorded has not happened.
        const { lease, restsUntil, keptUntil, withdrawn } = before;
        if (!cell.records) expect(token.context()).toMatchObject({ lease, restsUntil, keptUntil, withdrawn });
      });
    }
  }
});

describe('the eviction of a holder', () => {
  it('ends its lease and begins that of the newcomer in one step, in that order', () => {
    const token = startToken(new SteppedClock(), { lease: lease() });
    token.send(commands.EVICT);
    expect(token.recorded).toEqual([
      { type: 'released', reason: 'lru_eviction', at: later, lease: lease() },
      { type: 'activated', reason: 'allocated_after_eviction', at: later, lease: newcomer },
    ]);
    expect(token.lease()).toEqual(newcomer);
  });

  it('takes its deadline with it (stale-job-cuts-next-holder)', () => {
    const clock = new SteppedClock();
    const token = startToken(clock, { lease: lease() });
    clock.advance(60_000);
    const next = lease({ ...newcomer, activatedAt: clock.now(), expiresAt: clock.now() + twoMinutes });
    token.send({ type: 'EVICT', at: clock.now(), lease: next, reason: 'lru_eviction' });
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
    token.send({ type: 'ALLOCATE', at: start, lease: lease(), reason: 'allocated' });
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
    token.send({ type: 'RENEW', at: clock.now(), maxLifetimeMs: null });
    expect(token.lease()?.expiresAt).toBe(start + 60_000 + twoMinutes);
    clock.advance(twoMinutes - 1);
    expect(token.state()).toBe('active');
    clock.advance(1);
    expect(token.state()).toBe('available');
  });

  it('is never moved nearer by a renewal, however small its TTL [I12]', () => {
    const { clock, token } = allocated();
    clock.advance(1000);
    token.send({ type: 'RENEW', at: clock.now(), ttlMs: 1, maxLifetimeMs: null });
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
    token.send({ type: 'ALLOCATE', at: clock.now(), lease: next, reason: 'allocated' });
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
      token.send({ type: 'ALLOCATE', at: start, lease: granted, reason: 'allocated' });
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
      const token = startToken(clock, { lease: lease({ ttlMs, expiresAt: clock.now() + ttlMs }) });
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
    const token = startToken(clock, { lease: lease() });
    expect(token.state()).toBe('active');
    clock.advance(29_999);
    expect(token.state()).toBe('active');
    clock.advance(1);
    expect(token.state()).toBe('available');
    expect(token.recorded.map(({ type, reason }) => [type, reason])).toEqual([['expired', 'ttl_expired']]);
  });

  it('that ran out unseen ends it at once, for a reason of its own and with its true deadline', () => {
    const clock = new SteppedClock(start + twoMinutes);
    const token = startToken(clock, { lease: lease() });
    expect(token.state()).toBe('available');
    expect(token.recorded).toEqual([
      { type: 'expired', reason: 'ttl_expired_while_down', at: clock.now(), lease: lease() },
    ]);
    expect(token.news).toEqual([
      { type: 'MOVED', tokenId, place: 'free', isHeld: false, dueAt: null, facts: 1 },
    ]);
  });
});

describe('the longest life of a lease', () => {
  it('is never renewed beyond, and a renewal there still shortens nothing [I12]', () => {
    const clock = new SteppedClock();
    const token = startToken(clock, { lease: lease() });
    const maxLifetimeMs = 150_000;
    clock.advance(60_000);
    token.send({ type: 'RENEW', at: clock.now(), maxLifetimeMs });
    expect(token.lease()?.expiresAt).toBe(start + maxLifetimeMs);
    token.send({ type: 'RENEW', at: clock.now(), maxLifetimeMs: 1 });
    expect(token.lease()?.expiresAt).toBe(start + maxLifetimeMs);
    clock.advance(maxLifetimeMs - 60_000 - 1);
    expect(token.state()).toBe('active');
    clock.advance(1);
    expect(token.state()).toBe('available');
  });
});

describe('a rest', () => {
  const rules = { coolDownMs: 5000, idleTtlMs: null };
  const held = (clock = new SteppedClock()) => ({
    clock,
    token: startToken(clock, { lease: lease(), rules }),
  });

  it.each(['cleanup', 'token_deleted', 'pool_deleted', 'maintenance'] as const)(
    'follows a lease that the pool has ended for %s',
    (reason) => {
      const { clock, token } = held();
      token.send({ type: 'RECALL', at: start, reason });
      expect(token.state()).toBe('resting');
      clock.advance(4999);
      expect(token.state()).toBe('resting');
      clock.advance(1);
      expect(token.state()).toBe('available');
      expect(token.recorded.at(-1)).toMatchObject({ type: 'rested', reason: 'cool_down_over' });
    },
  );

  it.each(['released_by_client', 'caller_gone'] as const)('does not follow one that was %s', (reason) => {
    const { token } = held();
    token.send({ type: 'RELEASE', at: start, reason });
    expect(token.state()).toBe('available');
  });

  it('begins at the deadline of a lease that ran out, however late that is seen', () => {
    const { clock, token } = held();
    clock.advance(twoMinutes);
    expect(token.context().restsUntil).toBe(due + 5000);
    const late = held();
    late.clock.stall(twoMinutes + 3000);
    late.token.send({ type: 'PASS', at: late.clock.now() });
    expect(late.token.context().restsUntil).toBe(due + 5000);
    late.clock.advance(1999);
    expect(late.token.state()).toBe('resting');
    late.clock.advance(1);
    expect(late.token.state()).toBe('available');
  });

  it('is what remains of it for a token whose lease ran out unseen', () => {
    const { clock, token } = held(new SteppedClock(due + 3000));
    expect(token.state()).toBe('resting');
    clock.advance(1999);
    expect(token.state()).toBe('resting');
    clock.advance(1);
    expect(token.state()).toBe('available');
  });

  it('is what remains of it for a token that is started in one', () => {
    const clock = new SteppedClock();
    const token = startToken(clock, { restsUntil: start + 700, rules });
    clock.advance(699);
    expect(token.state()).toBe('resting');
    clock.advance(1);
    expect(token.state()).toBe('available');
  });

  it('goes on through maintenance, which is no way round it', () => {
    const { clock, token } = held();
    token.send({ type: 'WITHDRAW', at: start, note: null, endLease: true });
    clock.advance(1000);
    token.send({ type: 'RESTORE', at: clock.now() });
    expect(token.state()).toBe('resting');
    clock.advance(3999);
    expect(token.state()).toBe('resting');
    clock.advance(1);
    expect(token.state()).toBe('available');
  });

  it('is over when maintenance took longer', () => {
    const { clock, token } = held();
    token.send({ type: 'WITHDRAW', at: start, note: null, endLease: true });
    clock.advance(5000);
    expect(token.state()).toBe('withdrawn');
    token.send({ type: 'RESTORE', at: clock.now() });
    expect(token.state()).toBe('available');
  });
});

describe('the idle time of a token', () => {
  const rules = { coolDownMs: 5000, idleTtlMs: 60_000 };

  it('begins when it is created, and ends it', () => {
    const clock = new SteppedClock();
    const token = startToken(clock, { rules, created: 'token_created', keptUntil: start + 60_000 });
    expect(token.state()).toBe('idle');
    clock.advance(59_999);
    expect(token.state()).toBe('idle');
    clock.advance(1);
    expect(token.state()).toBe('deleted');
    expect(token.recorded.map(({ type, reason }) => [type, reason])).toEqual([
      ['created', 'token_created'],
      ['deleted', 'idle_ttl_expired'],
    ]);
  });

  it('never ends a token that somebody holds by now (free-expiry-takes-a-held-token)', () => {
    const clock = new SteppedClock();
    const token = startToken(clock, { rules, keptUntil: start + 1000 });
    token.send({ type: 'ALLOCATE', at: start, lease: lease(), reason: 'allocated' });
    clock.advance(1000);
    token.send({ type: 'PASS', at: clock.now() });
    expect(token.state()).toBe('active');
    expect(token.context().keptUntil).toBeNull();
  });

  it('begins anew with each release, and after the rest where it rests', () => {
    const clock = new SteppedClock();
    const token = startToken(clock, { rules, lease: lease() });
    token.send({ type: 'RELEASE', at: start, reason: 'released_by_client' });
    expect(token.context().keptUntil).toBe(start + 60_000);
    token.send({ type: 'ALLOCATE', at: start, lease: lease(), reason: 'allocated' });
    clock.advance(twoMinutes + 5000);
    expect(token.state()).toBe('idle');
    expect(token.context().keptUntil).toBe(due + 5000 + 60_000);
  });

  it('does not run in maintenance, and begins anew after it', () => {
    const clock = new SteppedClock();
    const token = startToken(clock, { rules, keptUntil: start + 1000 });
    token.send({ type: 'WITHDRAW', at: start, note: null, endLease: false });
    clock.advance(600_000);
    expect(token.state()).toBe('withdrawn');
    token.send({ type: 'RESTORE', at: clock.now() });
    expect(token.state()).toBe('idle');
    expect(token.context().keptUntil).toBe(clock.now() + 60_000);
  });
});

describe('what XState promises, and what it does not', () => {
  it('has settled an actor by the time send returns', () => {
    const token = startToken(new SimulatedClock());
    const seen: TokenStateName[] = [];
    token.actor.subscribe((snapshot) => seen.push(snapshot.value));
    token.send(commands.ALLOCATE);
    expect(token.state()).toBe('active');
    token.send(commands.RECALL);
    expect(token.state()).toBe('available');
    expect(seen).toEqual(['active', 'available']);
  });

  it('needs context and commands to be plain JSON, which they are', () => {
    const token = startToken(new SteppedClock(), { lease: lease() });
    const { context } = token.actor.getSnapshot();
    expect(JSON.parse(JSON.stringify(context))).toEqual(context);
    for (const command of Object.values(commands)) {
      expect(JSON.parse(JSON.stringify(command))).toEqual(command);
    }
  });
});
