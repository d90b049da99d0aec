/** What the page knows of a pool, and how: the picture that it carries on, its connection, its address, the past. Without a browser. */
import { describe, expect, it } from 'vitest';
import {
  backOffMs,
  type Connection,
  next,
  type Seen,
  stageOf,
  wordsOf,
} from '../src/visualizer/page/store/connection.ts';
import { Past } from '../src/visualizer/page/store/past.ts';
import { carryOn, pictureOf } from '../src/visualizer/page/store/picture.ts';
import { notBefore, nowBy } from '../src/visualizer/page/store/service-time.ts';
import { addressOf, whereIn } from '../src/visualizer/page/store/where.ts';
import { activated, at, fact, iso, snapshot, token } from './support/page.ts';

describe('the picture of a pool', () => {
  it('is carried on by the facts that follow, and passes over those that it shows already', () => {
    const picture = pictureOf(snapshot({ seq: 7, tokens: [token('a'), token('b')] }));
    expect(carryOn(picture, activated(7, 'a', 'old'))).toBe(true);
    expect(picture.tokens.get('a')!.lease).toBeNull();
    expect(carryOn(picture, activated(8, 'a', 'ada'))).toBe(true);
    expect(picture).toMatchObject({ seq: 8, at: at(8) });
    expect(picture.tokens.get('a')!.lease).toMatchObject({ userId: 'ada', fence: 8 });
    expect(carryOn(picture, fact(9, 'a', 'released', 'released_by_client', { user_id: 'ada' }))).toBe(true);
    expect(picture.tokens.get('a')!.lease).toBeNull();
  });

  it('has another object for a token that changed, and the same for all others, in the same order', () => {
    const picture = pictureOf(snapshot({ seq: 7, tokens: [token('a'), token('b'), token('c')] }));
    const before = new Map(picture.tokens);
    carryOn(picture, activated(8, 'b', 'ada'));
    expect([...picture.tokens.keys()]).toEqual(['a', 'b', 'c']);
    expect([...picture.tokens].map(([id, now]) => now === before.get(id))).toEqual([true, false, true]);
  });

  it('is to be asked for anew where a fact is missing, and stays as it was', () => {
    const picture = pictureOf(snapshot({ seq: 7, tokens: [token('a')] }));
    expect(carryOn(picture, activated(9, 'a', 'ada'))).toBe(false);
    expect(picture.seq).toBe(7);
    expect(picture.tokens.get('a')!.lease).toBeNull();
  });

  it('is to be asked for anew where a fact names a token that it does not have', () => {
    const picture = pictureOf(snapshot({ seq: 7, tokens: [token('a')] }));
    expect(carryOn(picture, activated(8, 'z', 'ada'))).toBe(false);
  });
});

describe('the connection', () => {
  const after = (seen: Seen[], from: Connection = { kind: 'connecting' }) => seen.reduce(next, from);
  const silence: Seen = { seen: 'silence' };
  const streaming: Seen = { seen: 'streaming' };

  it('is live while facts stream, is lost at first, gone after a while, and recovers', () => {
    expect(after([streaming]).kind).toBe('live');
    expect(after([streaming, { seen: 'cut' }]).kind).toBe('reconnecting');
    expect(after([streaming, { seen: 'cut' }, silence, silence, silence]).kind).toBe('gone');
    expect(after([streaming, silence, silence, silence, silence, streaming]).kind).toBe('live');
  });

  it('says the stage that a refusal names, and that it serves again', () => {
    const refusal: Seen = { seen: 'refusal', status: 503, error: 'unavailable', title: '', stage: 'standby' };
    expect(wordsOf(after([refusal])).label).toBe('Standby');
    expect(stageOf(after([refusal]))).toBe('standby');
    expect(stageOf(after([streaming, { seen: 'stage', stage: 'degraded' }]))).toBe('degraded');
    expect(
      stageOf(after([streaming, { seen: 'stage', stage: 'degraded' }, { seen: 'stage', stage: 'serving' }])),
    ).toBe('serving');
  });

  it('is not taken for live because something else answers', () => {
    expect(after([streaming, { seen: 'cut' }, { seen: 'stage', stage: 'serving' }]).kind).toBe(
      'reconnecting',
    );
  });

  it('tells a pool that there is not from a service that does not answer', () => {
    const missing: Seen = { seen: 'refusal', status: 404, error: 'pool_not_found', title: '' };
    expect(after([missing]).kind).toBe('no_pool');
    expect(after([{ seen: 'refusal', status: 500, error: 'internal_error', title: '' }]).kind).toBe(
      'reconnecting',
    );
  });

  it('is tried again ever more rarely, and every ten seconds at least', () => {
    const waits = [0, 1, 2, 3, 4, 5, 60].map(backOffMs);
    expect(waits).toEqual([500, 1000, 2000, 4000, 8000, 10_000, 10_000]);
  });
});

describe("the service's time", () => {
  it('goes on by the time of the browser, and stands where it is simulated', () => {
    expect(nowBy({ now: 5000, heardMs: 100, clock: 'system' }, 350)).toBe(5250);
    expect(nowBy({ now: 5000, heardMs: 100, clock: 'simulated' }, 350)).toBe(5000);
  });

  it('is never behind a fact', () => {
    const time = { now: 5000, heardMs: 100, clock: 'simulated' as const };
    expect(nowBy(notBefore(time, 6000, 200), 900)).toBe(6000);
    expect(notBefore(time, 4000, 200)).toBe(time);
  });
});

describe('the address of the page', () => {
  it('says pool, moment and token, and is read as it was written', () => {
    const where = { pool: 'gpu & co', seq: 812, token: 'a1' };
    expect(whereIn(new URL(addressOf(where), 'http://x').search)).toEqual(where);
    const now = { pool: 'default', seq: null, token: null };
    expect(addressOf(now)).toBe('/visualizer?pool=default');
    expect(whereIn('')).toEqual(now);
  });

  it.each(['-1', '1.5', 'x', '9'.repeat(20)])('takes no moment from seq=%s', (seq) => {
    expect(whereIn(`?seq=${seq}`).seq).toBeNull();
  });
});

describe('the past', () => {
  it('shows the moment that was asked for last, however the answers come', async () => {
    const answers = new Map<number, (seen: string) => void>();
    const past = new Past<string>((seq) => new Promise((resolve) => answers.set(seq, resolve)));
    const [first, second] = [past.at(1), past.at(2)];
    answers.get(2)!('two');
    answers.get(1)!('one');
    expect([await first, await second]).toEqual([null, 'two']);
  });

  it('looks up once what it has at hand, and keeps the moments looked at last', async () => {
    const asked: number[] = [];
    const past = new Past<string>(async (seq) => {
      asked.push(seq);
      return iso(seq);
    });
    for (let seq = 1; seq <= 50; seq++) await past.at(seq);
    await past.at(50);
    expect(asked.filter((seq) => seq === 50)).toEqual([50]);
    expect([past.kept(1), past.kept(50)]).toEqual([undefined, iso(50)]);
  });
});
