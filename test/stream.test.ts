/** The live stream: every committed fact once, in order, none that is not committed, whoever reads how fast [I16]. */
import { sql } from 'drizzle-orm';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { close } from '../src/http/server.ts';
import { eventStream } from '../src/http/stream.ts';
import type { PoolJournal } from '../src/journal/pool-journal.ts';
import type { Durable } from '../src/service/durable.ts';
import { Feed } from '../src/service/feed.ts';
import { Following } from '../src/service/following.ts';
import { Seats } from '../src/service/waiting.ts';
import { databaseKinds, holdCommits } from './support/databases.ts';
import { type Api, createApi } from './support/http.ts';
import { openDatabase } from './support/journal.ts';
import { Client, serveApi } from './support/socket.ts';
import { Viewer } from './support/stream.ts';
import { SteppedClock } from './support/world.ts';

const stream = '/api/events/stream';

/** So many facts, two for each time. */
async function comeAndGo(api: Api, times: number): Promise<void> {
  for (let time = 0; time < times; time++) {
    const { token_id } = await api.allocate({ user_id: `user ${time % 3}` });
    await api.post(`/api/tokens/${token_id}/release`);
  }
}

/** One who watches and reads nothing of it, and by now has more to read than sockets take. */
async function deafClient(api: Api, port: number): Promise<Client> {
  const deaf = new Client(port);
  deaf.write('GET /api/events/stream HTTP/1.1\r\nHost: x\r\n\r\n');
  await expect.poll(() => deaf.socket.bytesRead).toBeGreaterThan(0);
  deaf.socket.pause();
  // Metadata makes facts large.
  const filler = 'x'.repeat(4000);
  for (let time = 0; time < 18; time++) {
    const hundred = Array.from({ length: 100 }, () => api.world.pool.allocate({ metadata: { filler } }));
    await Promise.all(hundred);
  }
  return deaf;
}

const upTo = (last: number, first = 1) =>
  Array.from({ length: last - first + 1 }, (_, index) => first + index);

describe.each(databaseKinds)('the stream of a pool on %s', (kind) => {
  it('brings every fact once and in order, as it stands in the log [I16]', async () => {
    const api = await createApi({ kind, size: 2 });
    const viewer = await Viewer.watch(api, stream);
    await comeAndGo(api, 3);
    await viewer.sees(6);
    expect(viewer.seqs).toEqual(upTo(7, 2));
    const { body } = await api.get('/api/events?order=asc&cursor=1');
    expect(viewer.events.map(({ data }) => data)).toEqual(body.events);
    expect(JSON.stringify(viewer.events)).not.toContain('lease_id');
  });

  it('goes on after the last one seen, without gap or duplicate, while facts keep coming [I16]', async () => {
    const api = await createApi({ kind, size: 4 });
    const seen: number[] = [1];
    let isOver = false;
    const busy = Promise.all([comeAndGo(api, 40), comeAndGo(api, 40)]).then(() => {
      isOver = true;
    });
    while (!isOver || seen.length < 161) {
      const viewer = await Viewer.watch(api, stream, { 'last-event-id': String(seen.at(-1)) });
      await viewer.sees(1);
      viewer.leave();
      await viewer.ended;
      seen.push(...(viewer.seqs as number[]));
    }
    await busy;
    expect(seen).toEqual(upTo(161));
  });

  it('begins at the beginning where that is asked for, from the log and beyond what is kept in memory', async () => {
    const api = await createApi({ kind, size: 2 });
    await comeAndGo(api, 520);
    const viewer = await Viewer.watch(api, `${stream}?cursor=0`);
    await viewer.sees(1041);
    await comeAndGo(api, 1);
    await viewer.sees(1043);
    expect(viewer.seqs).toEqual(upTo(1043));
  });
});

describe('the stream of a pool', () => {
  it('shows nothing before it is committed [I16]', async () => {
    const api = await createApi({ size: 2 });
    const viewer = await Viewer.watch(api, stream);
    const letCommit = await holdCommits(api.world.where.databaseUrl!);
    const granted = api.allocate();
    await expect.poll(() => api.world.pool.counts.active).toBe(1);
    expect(viewer.events).toEqual([]);
    await letCommit();
    await granted;
    await viewer.sees(1);
    expect(viewer.seqs).toEqual([2]);
  });

  it.each([
    ['user_id=user%201', ({ user_id }: { user_id: string }) => user_id === 'user 1'],
    ['type=released', ({ type }: { type: string }) => type === 'released'],
    [
      'type=activated&user_id=user%202',
      ({ type, user_id }: { type: string; user_id: string }) => type === 'activated' && user_id === 'user 2',
    ],
  ])('brings those alone that are asked for: %s', async (query, fits) => {
    const api = await createApi({ size: 2 });
    await comeAndGo(api, 5);
    const viewer = await Viewer.watch(api, `${stream}?cursor=0&${query}`);
    await comeAndGo(api, 6);
    const { body } = await api.get('/api/events?order=asc');
    const expected = body.events.filter(fits);
    await viewer.sees(expected.length);
    expect(viewer.events.map(({ data }) => data)).toEqual(expected);
  });

  it('is of one token, or of one pool', async () => {
    const api = await createApi({ size: 2 });
    const { token_id } = await api.allocate();
    await api.post('/api/pools', { name: 'gpu', size: 1 });
    const [one, other] = [
      await Viewer.watch(api, `${stream}?token_id=${token_id}`),
      await Viewer.watch(api, '/api/pools/gpu/events/stream?cursor=0'),
    ];
    await api.allocate();
    await api.post('/api/pools/gpu/tokens/allocate', {});
    await api.post(`/api/tokens/${token_id}/release`);
    await one.sees(1);
    await other.sees(2);
    expect(one.events.map(({ data }) => data.type)).toEqual(['released']);
    expect(other.events.map(({ data }) => data.type)).toEqual(['opened', 'activated']);
    await api.send('DELETE', '/api/pools/gpu');
    await other.ended;
    expect(other.events.map(({ data }) => data.type).slice(2)).toEqual(['released', 'closed']);
  });

  it('says which facts are no longer kept', async () => {
    const api = await createApi({ size: 2 });
    await comeAndGo(api, 3);
    const database = await openDatabase(api.world.where);
    await database.db.execute(sql`delete from token_events where seq between 2 and 4`);
    await database.close();
    const viewer = await Viewer.watch(api, stream, { 'last-event-id': '1' });
    await viewer.sees(4);
    expect(viewer.events[0]).toEqual({ id: null, event: 'gap', data: { after: 1, next: 5 } });
    expect(viewer.seqs).toEqual([null, 5, 6, 7]);
  });

  it('does not say so of facts that it tells, pruned while it read them', async () => {
    const facts = [2, 3, 4, 5].map((seq) => ({ seq }));
    const asked = [facts, facts.slice(2, 3)];
    const journal = { facts: async () => asked.shift() } as unknown as PoolJournal;
    const durable = {
      unconfirmed: async () => null,
      ask: async (ask: () => Promise<unknown>) => ({ ok: await ask() }),
    } as unknown as Durable;
    const gone = new AbortController();
    const followed = await new Following(journal, durable, new Feed(5)).follow({}, 1, gone.signal);
    if ('refused' in followed) throw new Error(followed.refused.code);
    expect((await followed.ok.next()).value).toEqual(facts.map((fact) => ({ fact })));
    gone.abort();
  });

  it('refuses to go on after a fact that there is not yet', async () => {
    const api = await createApi({ size: 2 });
    await api.refused('cursor_ahead', 'GET', stream, { headers: { 'last-event-id': '99' } });
    for (const seen of ['two', '-1', '1.5', '1e3', '9'.repeat(16)])
      await api.refused('invalid_event_id', 'GET', stream, { headers: { 'last-event-id': seen } });
    const { body } = await api.refused('cursor_ahead', 'GET', `${stream}?cursor=2`);
    expect(body.head_seq).toBe(1);
    await api.refused('invalid_request', 'GET', `${stream}?cursor=-1`);
    await api.refused('invalid_request', 'GET', `${stream}?token_id=x`);
    await api.refused('pool_not_found', 'GET', '/api/pools/none/events/stream');
  });

  it('ends when the service stops, and when another process has the pools', async () => {
    const api = await createApi({ size: 2 });
    const viewer = await Viewer.watch(api, stream);
    const database = await openDatabase(api.world.where);
    await database.db.execute(sql`update openings set number = number + 1`);
    await database.close();
    await api.world.pool.allocate({});
    await viewer.ended;
    expect(viewer.events).toEqual([]);
    const other = await createApi({ size: 2 });
    const watching = await Viewer.watch(other, stream);
    other.world.service.stopServing();
    await watching.ended;
  });

  it('is for so many at a time, and takes another when one of them has gone', async () => {
    const seats = new Seats(2);
    const api = await createApi({ size: 2, stream: { seats } });
    const first = await Viewer.watch(api, stream);
    const second = await Viewer.watch(api, '/api/messages/stream');
    await expect.poll(() => seats.taken).toBe(2);
    for (const path of [stream, '/api/messages/stream', '/api/pools/default/events/stream'])
      expect((await api.refused('too_many_viewers', 'GET', path)).headers.get('retry-after')).toBe('1');
    second.leave();
    await expect.poll(() => seats.taken).toBe(1);
    await Viewer.watch(api, stream);
    first.leave();
    await expect.poll(() => seats.taken).toBe(1);
  });

  it('is kept alive where nothing happens', async () => {
    const clock = new SteppedClock();
    const api = await createApi({
      size: 2,
      stream: { timers: clock, seats: new Seats(1), keepAliveMs: 15_000 },
    });
    const viewer = await Viewer.watch(api, stream);
    for (let count = 1; count < 4; count++) {
      await expect
        .poll(() => {
          clock.advance(15_000);
          return viewer.comments;
        })
        .toBeGreaterThanOrEqual(count);
    }
  });

  it('lets go of what it is made from when it is cut off between two portions [I18]', async () => {
    const clock = new SteppedClock();
    let isOpen = true;
    async function* portions() {
      try {
        while (isOpen) yield ['said'];
      } finally {
        isOpen = false;
      }
    }
    let isCut = false;
    const times = { timers: clock, seats: new Seats(1), keepAliveMs: 10 ** 9, patienceMs: 1000 };
    const watcher = {
      end: new AbortController(),
      cut() {
        isCut = true;
        return true;
      },
      over: new AbortController().signal,
    };
    const reader = eventStream(portions(), (said) => said, times, watcher).getReader();
    await reader.read();
    await reader.read();
    clock.advance(1000);
    expect(isCut).toBe(true);
    await expect.poll(() => isOpen).toBe(false);
  });

  it('fails for who reads too slowly in this very process, where there is no connection to break', async () => {
    const clock = new SteppedClock();
    const api = await createApi({ stream: { timers: clock, patienceMs: 30_000, keepAliveMs: 10 ** 9 } });
    const reader = (await api.app.request(`${stream}?cursor=0`)).body!.getReader();
    await reader.read();
    await reader.read();
    clock.advance(30_000);
    await expect(reader.read()).rejects.toThrow('cut off');
  });

  it('ends with its connection, and is kept back by no proxy', async () => {
    const { api, server, url } = await serveApi({ size: 2 });
    const paths = [stream, '/api/messages/stream'];
    const answers = await Promise.all(paths.map((path) => fetch(`${url}${path}`)));
    for (const { headers } of answers) {
      expect(headers.get('connection')).toBe('close');
      expect(headers.get('x-accel-buffering')).toBe('no');
      expect(headers.get('cache-control')).toBe('no-store');
    }
    const texts = answers.map((answer) => answer.text());
    api.world.service.stopServing();
    // Without that, Node waits for the next question of each connection, or five seconds.
    let isClosed = false;
    const closed = close(server, 60_000).then(() => {
      isClosed = true;
    });
    await Promise.all(texts);
    await expect.poll(() => isClosed).toBe(true);
    await closed;
  });

  it('keeps nothing of a question for its headers alone', async () => {
    const added = vi.spyOn(AbortSignal.prototype, 'addEventListener');
    onTestFinished(() => added.mockRestore());
    const api = await createApi();
    for (const path of [stream, '/api/messages/stream']) {
      const { status, body } = await api.app.request(path, { method: 'HEAD' });
      expect([status, body]).toEqual([200, null]);
    }
    expect(added).not.toHaveBeenCalled();
  });

  it('holds up a shut-down for no longer than a second where nobody reads it', async () => {
    const clock = new SteppedClock();
    const times = { timers: clock, patienceMs: 30_000, keepAliveMs: 10 ** 9 };
    const { api, port, server } = await serveApi({ size: 2, stream: times });
    const deaf = await deafClient(api, port);
    api.world.service.stopServing();
    const closed = close(server, 60_000);
    clock.advance(1000);
    deaf.socket.resume();
    await closed;
  });

  it('is cut off for who does not read it, and for nobody else [I18]', async () => {
    const clock = new SteppedClock();
    const { api, port } = await serveApi({
      size: 2,
      stream: { timers: clock, patienceMs: 30_000, keepAliveMs: 10 ** 9 },
    });
    const viewer = await Viewer.watch(api, stream);
    const deaf = await deafClient(api, port);
    clock.advance(30_000);
    deaf.socket.resume();
    await deaf.closed;
    await comeAndGo(api, 1);
    await expect.poll(() => viewer.events.at(-1)?.data.type).toBe('released');
    expect(viewer.seqs).toEqual(upTo(viewer.seqs.at(-1)!, 2));
  });
});
