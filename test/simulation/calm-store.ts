/** The simulated database where nothing is simulated: each call is answered at the next turn of the event loop. */
import { newId } from '../../src/random.ts';
import { start } from '../support/world.ts';
import { MemoryDatabase } from './memory-database.ts';
import { MemoryStore } from './memory-store.ts';
import { Network } from './network.ts';
import { Random } from './random.ts';
import { Server } from './server.ts';
import { ProcessTime, Timeline } from './timeline.ts';

export interface Shared {
  timeline: Timeline;
  server: Server;
}

export function sharedMemory(): Shared {
  const timeline = new Timeline(start);
  return { timeline, server: new Server(timeline, (now) => new MemoryDatabase(now)) };
}

export function calmStore({ timeline, server }: Shared): MemoryStore {
  const random = new Random(1);
  const network = new Network(timeline, () => random);
  network.send = (_, arrive) => setImmediate(arrive);
  const time = new ProcessTime(timeline);
  const timers = {
    setTimeout: (run: () => void, ms: number) => (ms < 50 ? setImmediate(run) : time.setTimeout(run, ms)),
    clearTimeout: () => {},
  };
  return new MemoryStore({
    server,
    network,
    timers,
    holder: newId(),
    silenceMs: 1000,
    now: () => timeline.now,
    listener: { connectionLost() {} },
  });
}
