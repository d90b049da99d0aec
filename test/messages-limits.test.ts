/** What looking on costs: nothing while nobody does, little memory while somebody does, and nobody is slowed down by one who is slow. */
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { createApi } from './support/http.ts';
import { Onlooker } from './support/messages.ts';
import { Client, serveApi } from './support/socket.ts';
import { SteppedClock } from './support/world.ts';

/** How many observers are attached to the systems of all actors now, and how often one has been. */
const observers = vi.hoisted(() => ({ now: 0, ever: 0 }));

vi.mock('xstate', async (original) => {
  const xstate = await original<typeof import('xstate')>();
  const createActor = (...args: Parameters<typeof xstate.createActor>) => {
    const actor = xstate.createActor(...args);
    const { inspect } = actor.system;
    actor.system.inspect = (observer) => {
      const { unsubscribe } = inspect(observer);
      observers.now++;
      observers.ever++;
      return {
        unsubscribe() {
          observers.now--;
          unsubscribe();
        },
      };
    };
    return actor;
  };
  return { ...xstate, createActor };
});

beforeEach(() => {
  observers.now = 0;
  observers.ever = 0;
});

describe('looking on at a pool', () => {
  it('attaches nothing to the machines while nobody does, and nothing is left when the last one has gone', async () => {
    const api = await createApi({ size: 2 });
    await api.fill();
    await api.allocate();
    expect(observers).toEqual({ now: 0, ever: 0 });
    const [one, other] = [await Onlooker.at(api), await Onlooker.at(api)];
    expect(observers).toEqual({ now: 1, ever: 1 });
    await api.allocate();
    await one.sees('pool → route: granted');
    expect(one.messages).toEqual(other.messages);
    one.viewer.leave();
    await one.viewer.ended;
    expect(observers.now).toBe(1);
    other.viewer.leave();
    await other.viewer.ended;
    await expect.poll(() => observers.now).toBe(0);
    await api.allocate();
    expect(observers).toEqual({ now: 0, ever: 1 });
  });

  it('is over for who does not read, of which nothing is left either, and others go on [I18]', async () => {
    const patience = new SteppedClock();
    const stream = { timers: patience, patienceMs: 30_000, keepAliveMs: 10 ** 9 };
    const timers = new SteppedClock();
    const { api, port } = await serveApi({ size: 200, timers, stream });
    const deaf = new Client(port);
    deaf.write('GET /api/messages/stream HTTP/1.1\r\nHost: x\r\n\r\n');
    await expect.poll(() => deaf.socket.bytesRead).toBeGreaterThan(0);
    deaf.socket.pause();
    const onlooker = await Onlooker.at(api);
    // More than sockets take: each user is named several times.
    const filler = 'ä'.repeat(200);
    for (let time = 0; time < 60; time++) {
      const hundred = Array.from({ length: 45 }, () => api.world.pool.allocate({ userId: filler }));
      await Promise.all(hundred);
      timers.advance(1000);
      patience.advance(1);
    }
    patience.advance(30_000);
    deaf.socket.resume();
    await deaf.closed;
    await api.world.pool.releaseAll();
    await onlooker.sees('pool → route: done');
    expect(observers.now).toBe(1);
    onlooker.viewer.leave();
    await expect.poll(() => observers.now).toBe(0);
  });

  it('shows the first 200 messages of a step, and says how many more it had', async () => {
    const api = await createApi({ size: 300 });
    await Promise.all(Array.from({ length: 300 }, () => api.world.pool.allocate({})));
    const onlooker = await Onlooker.at(api);
    await api.post('/api/tokens/cleanup');
    await onlooker.sees('pool → route: done');
    const { messages } = onlooker.dropped[0]!;
    const told = onlooker.messages.filter(({ step }) => step === onlooker.messages[0]!.step);
    expect(told).toHaveLength(201);
    expect(told.at(-1)).toMatchObject({ message: 'done', n: 200 + messages + 1 });
    // The command, and for each token what it is told, its fact and its word to the pool.
    expect(messages).toBe(1 + 300 * 3 - 200);
  });

  it('shows 50 steps a second, says how many more there were, and goes on', async () => {
    const timers = new SteppedClock();
    const api = await createApi({ size: 100, timers });
    const onlooker = await Onlooker.at(api);
    await api.fill();
    await onlooker.sees('pool → route: granted');
    expect(observers.now).toBe(0);
    timers.advance(1000);
    expect(observers.now).toBe(1);
    await expect.poll(() => onlooker.dropped).toEqual([{ messages: 0, steps: 50 }]);
    const asked = onlooker.take().filter(({ message, from }) => message === 'ALLOCATE' && from === 'route');
    expect(asked).toHaveLength(50);
    await api.allocate();
    await onlooker.sees('pool → route: granted');
    onlooker.viewer.leave();
    await expect.poll(() => observers.now).toBe(0);
    timers.advance(10_000);
    expect(observers).toEqual({ now: 0, ever: 2 });
  });

  it('keeps a bounded number of messages for one who reads slowly, and says how many that left out', async () => {
    const timers = new SteppedClock();
    const api = await createApi({ size: 100, timers });
    const gone = new AbortController();
    const response = await api.app.request('/api/messages/stream', { signal: gone.signal });
    const reader = response.body!.getReader();
    await reader.read();
    // It has begun, and what it has asked for is one portion.
    const first = reader.read();
    await expect.poll(() => observers.now).toBe(1);
    for (let round = 0; round < 30; round++) {
      await Promise.all(Array.from({ length: 45 }, () => api.world.pool.allocate({})));
      timers.advance(1000);
    }
    await first;
    const { value } = await reader.read();
    const text = new TextDecoder().decode(value);
    expect(text.match(/event: message/g)).toHaveLength(2000);
    expect(text).toMatch(/event: dropped\ndata: {"messages":\d{3,},"steps":0}\n\n$/);
    gone.abort();
    await expect.poll(() => observers.now).toBe(0);
  });
});
