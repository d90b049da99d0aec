import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Bounded, Deadlines } from '../src/pool/deadlines.ts';
import { Line, type Waiter } from '../src/pool/line.ts';
import { OrderOfUse } from '../src/pool/order-of-use.ts';

const size = 5;
const places = ['free', 'used', 'aside'] as const;
const colours = ['red', 'blue'] as const;

/** By the number of the grant: what `oldest` goes by. */
const byFence = (one: { fence: number }, other: { fence: number }) => one.fence - other.fence;

const firstOf = (entries: readonly { activatedAt: number }[]): number =>
  Math.min(...entries.map(({ activatedAt }) => activatedAt));

describe('the order of use', () => {
  const happening = fc.oneof(
    fc.record({
      what: fc.constant('move' as const),
      index: fc.nat(size - 1),
      place: fc.constantFrom(...places),
    }),
    fc.record({
      what: fc.constant('hold' as const),
      index: fc.nat(size - 1),
      user: fc.constantFrom('ada', 'bob'),
    }),
    fc.record({ what: fc.constant('let go' as const), index: fc.nat(size - 1) }),
    fc.record({ what: fc.constant('put back' as const), index: fc.nat(size - 1) }),
  );
  const labels = { colour: 'red' };

  it('is what plain arrays would say, whatever happens', () => {
    fc.assert(
      fc.property(fc.array(happening, { maxLength: 60 }), (happenings) => {
        const order = new OrderOfUse<null>();
        const entries = Array.from({ length: size }, (_, index) =>
          order.add(
            { tokenId: String(index), name: null, labels: { colour: colours[index % 2]! } },
            null,
            'free',
          ),
        );
        type Known = (typeof entries)[number];
        const lists: Record<(typeof places)[number], Known[]> = { free: [...entries], used: [], aside: [] };
        const remove = (entry: Known) => {
          for (const place of places) lists[place] = lists[place].filter((other) => other !== entry);
        };
        let fence = 0;
        // In the order of their making they were the first to come free.
        let freed: Known[] = [...entries];
        for (const { index, ...step } of happenings) {
          const entry = entries[index]!;
          if (step.what === 'move') {
            remove(entry);
            lists[step.place].push(entry);
            order.move(entry, step.place);
            if (step.place === 'free') freed = [...freed, entry];
          } else if (step.what === 'hold') {
            const activatedAt = ++fence;
            const lease = { leaseId: '', expiresAt: 0, ttlMs: 0, metadata: null };
            order.hold(entry, { ...lease, userId: step.user, activatedAt, fence });
          } else if (step.what === 'let go') order.letGo(entry);
          else if (lists.used.includes(entry)) {
            order.sortUsed(byFence);
            order.putBack(entry, byFence);
            remove(entry);
            lists.used = [...lists.used.sort(byFence)];
            const after = lists.used.findIndex((other) => other.fence > entry.fence);
            lists.used.splice(after < 0 ? lists.used.length : after, 0, entry);
          }
          const red = (list: Known[]) => list.filter((each) => each.labels.colour === 'red');
          expect(order.longestFree(undefined)).toBe(lists.free[0]);
          expect(order.longestFree(labels)).toBe(red(lists.free)[0]);
          const since = Math.max(0, freed.length - 3);
          const fresh = lists.free.filter((each) => freed.lastIndexOf(each) >= since);
          expect(order.freed).toBe(freed.length);
          expect(order.freedAfter(since)).toEqual(fresh);
          const younger = lists.used.filter(({ activatedAt }) => activatedAt > 3);
          expect(order.firstGrant(3, [undefined])).toBe(firstOf(younger));
          expect(order.firstGrant(3, [{ colour: 'none' }, labels])).toBe(firstOf(red(younger)));
          expect(order.toEvict(undefined, Infinity)).toBe(lists.used[0]);
          expect(order.toEvict(labels, 3)).toBe(red(lists.used).find(({ activatedAt }) => activatedAt <= 3));
          for (const place of places) expect(order.first(place, size)).toEqual(lists[place]);
          expect(order.countOf('free', labels, size)).toBe(red(lists.free).length);
          expect(order.countOf('used', undefined, 2)).toBe(Math.min(2, lists.used.length));
          const holders = entries.filter(({ userId }) => userId !== null);
          expect([order.available, order.active]).toEqual([lists.free.length, holders.length]);
          const newest = holders.filter(({ userId }) => userId === 'ada').sort(byFence);
          expect(order.heldBy('ada')).toBe(newest.length);
          expect(order.newestOf('ada', undefined)).toBe(newest.at(-1));
        }
      }),
    );
  });

  it('knows only what it still has', () => {
    const order = new OrderOfUse<null>();
    const [one, other] = ['a', 'b'].map((tokenId) =>
      order.add({ tokenId, name: null, labels: {} }, null, 'free'),
    );
    order.delete(one!);
    expect([order.size, order.available]).toEqual([1, 1]);
    expect(order.get('a')).toBeUndefined();
    expect([...order.all()]).toEqual([other]);
    expect(order.hasToStay({}, 1)).toBe(true);
    other!.leaves = true;
    expect(order.hasToStay({}, 1)).toBe(false);
  });
});

describe('the line', () => {
  const happening = fc.oneof(
    fc.record({ what: fc.constant('join' as const), priority: fc.nat(2), user: fc.constantFrom('a', 'b') }),
    fc.record({ what: fc.constant('leave' as const), who: fc.nat(30) }),
  );

  it('is by priority, and within one by coming, whoever leaves', () => {
    fc.assert(
      fc.property(fc.array(happening, { maxLength: 40 }), (happenings) => {
        const line = new Line();
        let model: { leaseId: string; priority: number; user: string }[] = [];
        for (const [index, step] of happenings.entries()) {
          if (step.what === 'leave') {
            const isThere = model.some(({ leaseId }) => leaseId === `${step.who}`);
            expect(line.leave(`${step.who}`)).toBe(isThere);
            model = model.filter(({ leaseId }) => leaseId !== `${step.who}`);
          } else {
            const { priority, user } = step;
            line.join(waiter(`${index}`, user, priority));
            const after = model.findIndex((other) => other.priority < priority);
            model.splice(after < 0 ? model.length : after, 0, { leaseId: `${index}`, priority, user });
          }
          expect(Array.from(line, ({ leaseIds }) => leaseIds[0])).toEqual(
            model.map(({ leaseId }) => leaseId),
          );
          expect(line.length).toBe(model.length);
          expect(line.countOf('a')).toBe(model.filter(({ user }) => user === 'a').length);
        }
      }),
    );
  });

  it('goes on behind those who leave it while it is gone through', () => {
    const line = new Line();
    for (let index = 0; index < 5; index++) line.join(waiter(`${index}`, 'a', index === 4 ? 1 : 0));
    const seen: string[] = [];
    for (const { leaseIds } of line) {
      seen.push(leaseIds[0]!);
      line.leave(leaseIds[0]!);
    }
    expect(seen).toEqual(['4', '0', '1', '2', '3']);
    expect(line.length).toBe(0);
    line.join(waiter('5', 'a', 0));
    line.clear();
    expect([...line]).toEqual([]);
    expect([line.length, line.countOf('a')]).toEqual([0, 0]);
  });

  function waiter(leaseId: string, userId: string, priority: number): Waiter {
    const asked = { type: 'ALLOCATE', at: 0, ttlMs: 1, metadata: null } as const;
    return { ...asked, userId, leaseIds: [leaseId], wait: { priority } };
  }
});

describe('the calendar of deadlines', () => {
  const happening = fc.oneof(
    fc.record({
      what: fc.constant('set' as const),
      who: fc.nat(size - 1),
      in: fc.integer({ min: -5, max: 40 }),
    }),
    fc.record({ what: fc.constant('clear' as const), who: fc.nat(size - 1) }),
    fc.record({ what: fc.constant('pass' as const), ms: fc.oneof(fc.nat(5), fc.nat(1_000_000)) }),
  );

  it('says what a look at every deadline would say, and says it until it is cleared', () => {
    fc.assert(
      fc.property(fc.array(happening, { maxLength: 60 }), (happenings) => {
        const deadlines = new Deadlines<Bounded & { who: number }>();
        const all = Array.from({ length: size }, (_, who) => ({ who, expiresAt: null as number | null }));
        let now = 0;
        for (const step of happenings) {
          if (step.what === 'set') deadlines.set(all[step.who]!, now + step.in);
          else if (step.what === 'clear') deadlines.clear(all[step.who]!);
          else now += step.ms;
          const expected = all.filter(({ expiresAt }) => expiresAt !== null && expiresAt <= now);
          const due = deadlines.passed(now, size);
          expect(new Set(due)).toEqual(new Set(expected));
          const instants = due.map(({ expiresAt }) => expiresAt!);
          expect(instants).toEqual([...instants].sort((a, b) => a - b));
        }
      }),
    );
  });
});
