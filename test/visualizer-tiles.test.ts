/** What the page makes of tokens and facts before it draws them: order, time left, places, words, spans. Without a browser. */
import { describe, expect, it } from 'vitest';
import { reasons } from '../src/lease/fact.ts';
import { arranged, nextEvicted, timeLeft } from '../src/visualizer/page/store/arrangement.ts';
import { pictureOf } from '../src/visualizer/page/store/picture.ts';
import { found } from '../src/visualizer/page/store/search.ts';
import { spansOf } from '../src/visualizer/page/store/timeline.ts';
import { factInWords, initials, tokenInWords } from '../src/visualizer/page/store/words.ts';
import { cutToFit } from '../src/visualizer/page/tiles/cut.ts';
import { gridFor, indexAt, indexBy, spotOf } from '../src/visualizer/page/tiles/grid.ts';
import type { WireToken } from '../src/visualizer/page/wire.ts';
import { activated, at, fact, held, iso, options, snapshot, token } from './support/page.ts';

const tokensOf = (...tokens: WireToken[]) => [...pictureOf(snapshot({ tokens })).tokens.values()];
const ids = (tokens: readonly { tokenId: string }[]) => tokens.map(({ tokenId }) => tokenId).join('');

describe('the order of tokens', () => {
  const tokens = tokensOf(
    token('a', { used_seq: 4 }),
    held('b', 9),
    held('c', 5, { used_seq: 12, expires_at: iso(30) }),
    token('d', { used_seq: 2 }),
    held('e', 7),
    token('f', { status: 'resting', rests_until: iso(20) }),
  );

  it('is that of making, of use, or of what ends soonest', () => {
    expect(ids(arranged(tokens, 'making', options))).toBe('abcdef');
    expect(ids(arranged(tokens, 'use', options))).toBe('ebcdaf');
    expect(ids(arranged(tokens, 'use', { ...options, eviction: 'oldest' }))).toBe('cebdaf');
    expect(ids(arranged(tokens, 'time', options))).toBe('fcebad');
  });

  it('says who is evicted next: the least recently used, or the oldest, as the pool has it [I7]', () => {
    expect(nextEvicted(tokens, options, at(100), 2)).toEqual(['e', 'b']);
    expect(nextEvicted(tokens, { ...options, eviction: 'oldest' }, at(100), 3)).toEqual(['c', 'e', 'b']);
    expect(nextEvicted(tokens, { ...options, when_full: 'reject' }, at(100), 3)).toEqual([]);
  });

  it('leaves out of eviction what is withdrawn, and what has not been held for long enough', () => {
    const some = tokensOf(held('a', 2, { withdrawn: true }), held('b', 3), held('c', 8));
    expect(nextEvicted(some, { ...options, min_hold_ms: 4000 }, at(10), 3)).toEqual(['b']);
  });
});

describe('the time left', () => {
  const left = (wire: WireToken, seq: number) => timeLeft(tokensOf(wire)[0]!, options, at(seq));

  it('is a part of the lease, and after it was renewed, of the TTL', () => {
    expect(left(held('a', 10), 40)).toEqual({ remainingMs: 30_000, wholeMs: 60_000 });
    const renewed = held('a', 10, { used_seq: 600, expires_at: iso(720) });
    expect(left(renewed, 630)).toEqual({ remainingMs: 90_000, wholeMs: 120_000 });
  });

  it('is never less than nothing, and there is none for what does not end by itself', () => {
    expect(left(held('a', 10), 500)?.remainingMs).toBe(0);
    expect(left(token('a'), 1)).toBeNull();
    expect(left(token('a', { status: 'withdrawn', withdrawn: true }), 1)).toBeNull();
  });
});

describe('the grid of tiles', () => {
  it.each([
    [100, 834, 590, 'words'],
    [100, 340, 420, 'ring'],
    [10_000, 834, 590, 'bar'],
    [1, 834, 590, 'words'],
  ])('shows all of %i tokens in %i by %i', (count, width, height, look) => {
    const grid = gridFor(count, width, height);
    expect(grid.look).toBe(look);
    expect(grid.wholeHeight).toBeLessThanOrEqual(height);
    const last = spotOf(grid, count - 1);
    expect(last.x + grid.width).toBeLessThanOrEqual(width);
    expect(grid.columns * grid.rows).toBeGreaterThanOrEqual(count);
  });

  it('has more rows than can be seen where even the smallest tiles do not fit', () => {
    expect(gridFor(100_000, 834, 590).wholeHeight).toBeGreaterThan(590);
  });

  it('finds each tile where it is, and none beyond the last', () => {
    const grid = gridFor(101, 834, 590);
    for (const index of [0, 7, 8, 50, 100]) {
      const { x, y } = spotOf(grid, index);
      expect(indexAt(grid, { x: x + 1, y: y + 1 })).toBe(index);
    }
    const { x, y } = spotOf(grid, 101);
    expect(indexAt(grid, { x: x + 1, y: y + 1 })).toBeNull();
    expect(indexAt(grid, { x: -1, y: 5 })).toBeNull();
  });

  it('is gone through by keys, and not left by them', () => {
    const grid = { ...gridFor(100, 834, 590), columns: 8, rows: 13 };
    const by = (index: number, key: string) => indexBy(grid, index, key);
    expect([by(9, 'ArrowUp'), by(9, 'ArrowDown'), by(9, 'ArrowLeft'), by(9, 'End')]).toEqual([1, 17, 8, 99]);
    expect([by(3, 'ArrowUp'), by(99, 'ArrowDown'), by(0, 'ArrowLeft'), by(5, 'PageUp')]).toEqual([
      3, 99, 0, 0,
    ]);
    expect(by(5, 'x')).toBeNull();
  });
});

describe('words', () => {
  it('are there for every reason that a fact can have', () => {
    for (const [type, all] of Object.entries(reasons))
      for (const reason of all) {
        const words = factInWords(fact(1, 'a', type as never, reason, { user_id: 'ada' }));
        expect(words, reason).toMatch(/^[a-z].{9,}/);
      }
  });

  it('call a token as its pool does, and keep a name that is written from right to left to its place', () => {
    const granted = fact(1, 'a', 'activated', 'allocated', { user_id: 'ada' });
    expect(factInWords(granted, () => 'pixel-8')).toBe('ada was granted token pixel-8');
    const other = factInWords({ ...granted, user_id: 'עדה' });
    expect(other).toBe('\u2068עדה\u2069 was granted token a');
  });

  it('say of a token who holds it, for how long, and when it is evicted', () => {
    const [a] = tokensOf(held('a', 10, { name: 'pixel-8', user_id: 'ada' }));
    expect(tokenInWords(a!, at(40), 1)).toBe(
      'Token pixel-8, active, held by ada, 0:30 left, number 1 to be evicted',
    );
  });

  it('are short for a holder on a tile', () => {
    expect(
      ['ada', 'ci-runner-7', 'visitor-12', '337041f0-05ed-4eea-8d1c-54632a55ddfe', '…'].map(initials),
    ).toEqual(['ad', 'cr', 'v12', '33', '?']);
    expect(['r10', 'r19', 'visitor-192', 'user 7', '42', 'ada 2nd'].map(initials)).toEqual([
      ...['r10', 'r19', 'v92', 'u7', '42', 'a2'],
    ]);
  });

  it('never part the halves of a character', () => {
    expect(['𝓐𝓭𝓪', '𝓐𝓭𝓪 𝓑', '😀😀'].map(initials)).toEqual(['𝓐𝓭', '𝓐𝓑', '?']);
    const ruler = { measureText: (text: string) => ({ width: text.length }) };
    for (let room = 6; room < 24; room++)
      expect(cutToFit(ruler, '😀😀😀😀😀😀😀😀😀😀😀12', room)).not.toMatch(/\p{Surrogate}/u);
  });

  it('find tokens by user, id, name and label, whatever the case', () => {
    const tokens = tokensOf(
      held('a1', 1, { user_id: 'Ada' }),
      token('b2', { name: 'Pixel' }),
      token('c3', { labels: { os: 'iOS' } }),
    );
    const [user, id, name, label, none] = ['ADA', 'b2', 'pix', 'ios', 'zz'].map((typed) => [
      ...found(tokens, typed)!,
    ]);
    expect([user, id, name, label, none]).toEqual([['a1'], ['b2'], ['b2'], ['c3'], []]);
    expect(found(tokens, '  ')).toBeNull();
  });
});

describe('the past of a token', () => {
  it('is who held it, from when to when, with renewals, rests and maintenance', () => {
    const spans = spansOf([
      fact(9, 'a', 'restored', 'maintenance_over'),
      activated(1, 'a', 'ada'),
      fact(2, 'a', 'renewed', 'renewed_by_client', { user_id: 'ada' }),
      fact(4, 'a', 'expired', 'ttl_expired', { user_id: 'ada', metadata: { rests_until: iso(6) } }),
      fact(6, 'a', 'rested', 'cool_down_over'),
      fact(7, 'a', 'withdrawn', 'maintenance_begun'),
      activated(10, 'a', 'bob'),
    ]);
    expect(spans.map(({ kind, userId, from, to, renewedAt }) => [kind, userId, from, to, renewedAt])).toEqual(
      [
        ['active', 'ada', at(1), at(4), [at(2)]],
        ['resting', null, at(4), at(6), []],
        ['withdrawn', null, at(7), at(9), []],
        ['active', 'bob', at(10), null, []],
      ],
    );
  });

  it('shows an end whose beginning is no longer known', () => {
    const [span] = spansOf([fact(4, 'a', 'released', 'lru_eviction', { user_id: 'ada' })]);
    expect(span).toMatchObject({ userId: 'ada', from: null, to: at(4), reason: 'lru_eviction' });
  });
});
