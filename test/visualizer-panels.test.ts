/** What the panels of the page make of what they are given. */
import { describe, expect, it } from 'vitest';
import { optionDefaults } from '../src/lease/pool-options.ts';
import { heldBoundsMs } from '../src/lease/statistics.ts';
import { duration } from '../src/visualizer/page/format.ts';
import { heldRows, medianHeld } from '../src/visualizer/page/panels/held.ts';
import { columnsOf, gapInWords, hourInWords, minuteAt, scaleOf } from '../src/visualizer/page/panels/hour.ts';
import { optionRows } from '../src/visualizer/page/panels/option-rows.ts';
import { RateMeter } from '../src/visualizer/page/panels/rate-meter.ts';
import type { Bucket, Statistics, WireOptions } from '../src/visualizer/page/panels/shapes.ts';
import { labelCounts, longestHeld, tokenMeant } from '../src/visualizer/page/panels/tokens-read.ts';
import { token } from './support/page.ts';

const start = Date.parse('2026-11-21T14:00:00Z');
const iso = (ms: number): string => new Date(ms).toISOString();

const fact = (type: string, reason: string, at: number) => ({ type, reason, at: iso(at) });

describe('the meter of rates', () => {
  it('counts allocations, evictions of either kind and expiries, and nothing else', () => {
    const meter = new RateMeter(start);
    const now = start + 120_000;
    for (const reason of ['lru_eviction', 'oldest_eviction', 'released_by_client', 'cleanup'])
      meter.add(fact('released', reason, now - 5_000));
    for (let n = 0; n < 30; n++) meter.add(fact('activated', 'allocated', now - n * 1_000));
    meter.add(fact('expired', 'ttl_expired', now));
    meter.add(fact('opened', 'pool_opened', now));
    const { perSecond, overMs } = meter.read(now);
    expect(overMs).toBe(60_000);
    expect(perSecond).toEqual({ activated: 0.5, evicted: 2 / 60, expired: 1 / 60 });
  });

  it('forgets what is older than a minute, also after a leap of hours', () => {
    const meter = new RateMeter(start);
    meter.add(fact('activated', 'allocated', start));
    expect(meter.read(start + 59_000).seconds.activated[0]).toBe(1);
    expect(meter.read(start + 60_000).perSecond.activated).toBe(0);
    meter.add(fact('activated', 'allocated', start + 7_200_000));
    expect(meter.read(start + 7_200_000).seconds.activated.at(-1)).toBe(1);
    // Two hours late, in the place of the same second of the minute.
    meter.add(fact('activated', 'allocated', start));
    expect(meter.read(start + 7_200_000).perSecond.activated).toBe(1 / 60);
  });

  it('divides by the time it has listened where that is less than a minute', () => {
    const meter = new RateMeter(start);
    for (let n = 0; n < 10; n++) meter.add(fact('activated', 'allocated', start + 2_000));
    expect(meter.read(start + 5_000)).toMatchObject({ overMs: 5_000, perSecond: { activated: 2 } });
    expect(meter.read(start).overMs).toBe(1_000);
  });
});

describe('the last hour', () => {
  const bucket = (minute: number, part: Partial<Bucket> = {}): Bucket => ({
    at: iso(start + minute * 60_000),
    active: 0,
    activated: 0,
    evicted: 0,
    released: 0,
    expired: 0,
    ...part,
  });
  const hour = (part: Partial<Statistics> = {}): Statistics => ({
    from: iso(start),
    to: iso(start + 3_600_000),
    complete: true,
    buckets: Array.from({ length: 60 }, (_, minute) => bucket(minute)),
    held: [],
    ...part,
  });

  it('is told in a sentence, with its peak and when that was', () => {
    const buckets = [
      bucket(0),
      bucket(1, { active: 7, activated: 8, evicted: 1 }),
      bucket(2, { active: 3, expired: 4 }),
    ];
    expect(hourInWords(hour({ buckets }), 10, 'UTC')).toBe(
      '3 of 10 leased at 15:00, 7 at most (14:01). 8 allocations, 1 eviction, 4 expiries.',
    );
    expect(hourInWords(hour(), 10, 'UTC')).toBe('Nothing was leased.');
    expect(hourInWords(hour({ buckets: [] }), null, 'UTC')).toBe('Nothing was leased.');
  });

  it('says from when on it was counted where that is not all of it', () => {
    const cut = hour({ complete: false, from: iso(start + 90_000) });
    expect(gapInWords(cut, 'UTC')).toContain('begins at 14:01');
    expect(gapInWords(hour())).toBeNull();
  });

  it('is drawn from the beginning of each minute, and knows which one is pointed at', () => {
    const columns = columnsOf(hour({ buckets: [bucket(59), bucket(60, { active: 4 })] }));
    const end = start / 1_000 + 3_600;
    expect(columns).toMatchObject({ from: end - 3_600, to: end, at: [end - 120, end - 60], active: [0, 4] });
    expect([end - 121, end - 120, end - 61, end - 1, end].map((second) => minuteAt(columns, second))).toEqual(
      [null, 0, 0, 1, null],
    );
  });

  it('is drawn up to the size of the pool, but in a large one with few leases up to those', () => {
    expect(scaleOf(3, 100)).toEqual({ top: 106, showsSize: true });
    expect(scaleOf(8, 100_000)).toEqual({ top: 10, showsSize: false });
    expect(scaleOf(50_000, 100_000).showsSize).toBe(true);
    // Shrunk meanwhile: what was leased then is still within.
    expect(scaleOf(90, 10).top).toBeGreaterThan(90);
    expect(scaleOf(0, null)).toEqual({ top: 1, showsSize: false });
  });
});

describe('how long leases were held', () => {
  const held = (...leases: number[]) =>
    [1_000, 10_000, 120_000, null].map((up_to_ms, place) => ({ up_to_ms, leases: leases[place] ?? 0 }));

  it('are told apart by bounds that people have in mind', () => {
    expect(heldBoundsMs.map((ms) => duration(ms)).join(' · ')).toBe(
      '1 s · 10 s · 30 s · 1 min · 2 min · 5 min · 10 min · 30 min · 1 h · 3 h · 1 d',
    );
  });

  it('estimates the median within the bounds it falls between', () => {
    expect(medianHeld(held(0, 4))).toEqual({ overMs: 1_000, upToMs: 10_000 });
    expect(medianHeld(held(2, 0, 2))).toEqual({ overMs: 0, upToMs: 1_000 });
    expect(medianHeld(held(1, 0, 0, 5))).toEqual({ overMs: 120_000, upToMs: null });
    expect(medianHeld(held())).toBeNull();
    expect(medianHeld([])).toBeNull();
  });

  it('labels each bar by its bound, the last one as longer, and measures them by the longest', () => {
    const rows = heldRows(held(1, 4, 0, 1));
    expect(rows.map(({ label }) => label)).toEqual(['≤ 1 s', '≤ 10 s', '≤ 2 min', '> 2 min']);
    expect(rows.map(({ share }) => share)).toEqual([0.25, 1, 0, 0.25]);
    expect(rows.map(({ hasMedian }) => hasMedian)).toEqual([false, true, false, false]);
  });
});

describe('what is read off the tokens', () => {
  const heldBy = (user_id: string, since: number, fence: number) =>
    token(user_id, { status: 'active', user_id, activated_at: iso(start + since), fence });

  it('is the three leases held longest, the lower fence first where they began together', () => {
    const tokens = [
      heldBy('a', 40, 9),
      heldBy('b', 10, 5),
      token('x'),
      heldBy('c', 10, 4),
      heldBy('d', 20, 7),
      heldBy('e', 30, 8),
    ];
    expect(longestHeld(tokens).map(({ userId }) => userId)).toEqual(['c', 'b', 'd']);
    expect(longestHeld(tokens, 10)).toHaveLength(5);
    expect(longestHeld([])).toEqual([]);
  });

  it('is how many of each label are free, held or out of use', () => {
    const labels = { os: 'ios' };
    const tokens = [
      token('1', { labels }),
      token('2', { labels, status: 'active' }),
      token('3', { labels, status: 'resting' }),
      token('4', { labels: { os: 'android', site: 'lab' } }),
    ];
    expect(labelCounts(tokens)).toEqual([
      { label: 'os', value: 'android', free: 1, held: 0, other: 0 },
      { label: 'os', value: 'ios', free: 1, held: 1, other: 1 },
      { label: 'site', value: 'lab', free: 1, held: 0, other: 0 },
    ]);
  });

  it('is the token somebody means: by id, by name, or by how no other id begins', () => {
    const tokens = [token('aa11'), token('aa22', { name: 'pixel' }), token('bb33')];
    expect(tokenMeant(tokens, ' pixel ')?.token_id).toBe('aa22');
    expect(tokenMeant(tokens, 'BB')?.token_id).toBe('bb33');
    expect(tokenMeant(tokens, 'aa')).toBeNull();
    expect(tokenMeant(tokens, ' ')).toBeNull();
  });
});

describe('the options of a pool', () => {
  const wire = (part: Partial<WireOptions> = {}): WireOptions => {
    const { declaration: _, ...rest } = optionDefaults;
    const all = { ...rest, size: 100, ttlMs: 120_000, ttlMsMax: 2_592_000_000 };
    const snake = (name: string) => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
    const entries = Object.entries(all).map(([name, value]) => [snake(name), value]);
    return { ...(Object.fromEntries(entries) as WireOptions), ...part };
  };
  const rowOf = (name: string, options: WireOptions) => optionRows(options).find((row) => row.name === name);

  it('are all there, with units', () => {
    expect(
      optionRows(wire())
        .map(({ name }) => name)
        .sort(),
    ).toEqual(Object.keys(wire()).sort());
    expect(rowOf('ttl_ms', wire())).toMatchObject({ value: '2 min', otherwise: null });
    expect(rowOf('ttl_ms_max', wire())?.value).toBe('30 d');
    expect(rowOf('queue_max', wire())?.value).toBe('10,000');
    expect(rowOf('max_per_user', wire())?.value).toBe('any number');
  });

  it('say what they would be by default where they are something else', () => {
    expect(optionRows(wire()).filter(({ otherwise }) => otherwise !== null)).toEqual([]);
    const chosen = wire({ wait_ms: 90_000, when_full: 'wait', tokens: [{ name: 'a', labels: {} }] });
    expect(rowOf('wait_ms', chosen)).toMatchObject({ value: '1 min 30 s', otherwise: '30 s' });
    expect(rowOf('when_full', chosen)).toMatchObject({ value: 'wait', otherwise: 'evict' });
    expect(rowOf('tokens', chosen)).toMatchObject({ value: '1 token, one by one', otherwise: 'all alike' });
  });
});
