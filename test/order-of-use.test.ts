import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Bounded, Deadlines } from '../src/pool/deadlines.ts';
import { OrderOfUse } from '../src/pool/order-of-use.ts';

const size = 5;

describe('the order of use', () => {
  it('is what two plain arrays would say, whatever happens', () => {
    const steps = fc.array(fc.record({ index: fc.nat(size - 1), use: fc.boolean() }), { maxLength: 60 });
    fc.assert(
      fc.property(steps, (happenings) => {
        const order = new OrderOfUse<null>();
        const entries = Array.from({ length: size }, (_, index) => order.add(String(index), null, false));
        const model = { free: entries.map(({ tokenId }) => tokenId), used: [] as string[] };
        for (const { index, use } of happenings) {
          const entry = entries[index]!;
          model.free = model.free.filter((id) => id !== entry.tokenId);
          model.used = model.used.filter((id) => id !== entry.tokenId);
          if (use) {
            order.use(entry);
            model.used.push(entry.tokenId);
          } else {
            order.free(entry);
            model.free.push(entry.tokenId);
          }
          expect(order.longestFree?.tokenId).toBe(model.free[0]);
          expect(order.leastRecentlyUsed?.tokenId).toBe(model.used[0]);
          expect(order.mostRecentlyUsed?.tokenId).toBe(model.used.at(-1));
          expect(Array.from(order.inUse(size), ({ tokenId }) => tokenId)).toEqual(model.used);
          expect([order.available, order.active]).toEqual([model.free.length, model.used.length]);
        }
      }),
    );
  });
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
