/** The database server that all simulated processes share: its rows, its own clock, its connections and their lock. */
import type { NewToken } from '../../src/journal/store.ts';
import type { Ground } from './ground.ts';
import { awaiting } from './settled.ts';
import type { Timeline } from './timeline.ts';

/**
 * A client's connection, and the ones it makes anew when the server has ended it. What is asked on it fails when it
 * breaks, from whichever end.
 */
export class Line {
  /** Until the client is done with it. */
  isOpen = true;
  /** The network has swallowed something: what is sent after it waits behind it. */
  isStuck = false;
  /** Which connection this is to the server, and to the client, who hears later that one has ended. */
  session = 0;
  #heard = 0;
  /** The client is to hear that the server has ended it. */
  onCut: () => void = () => {};
  readonly #waiting = new Set<(error: Error) => void>();

  /** What says whether that which is sent now still arrives on the connection that it was sent on. */
  departing(): () => boolean {
    const session = this.#heard;
    return () => session === this.session;
  }

  /** `reject` is called if it breaks first. Gives what says that the answer is there. */
  expect(reject: (error: Error) => void): () => boolean {
    this.#waiting.add(reject);
    return () => this.#waiting.delete(reject);
  }

  /** The client knows that the connection has ended; the next thing it asks makes a new one. */
  drop(): void {
    this.#heard = this.session;
    this.isStuck = false;
    for (const reject of this.#waiting) reject(connectionClosed());
    this.#waiting.clear();
  }

  close(): void {
    this.isOpen = false;
    this.drop();
  }
}

export const connectionClosed = (): Error =>
  Object.assign(new Error('the connection is closed'), { code: 'CONNECTION_CLOSED' });

export class Server {
  readonly ground: Ground;
  readonly #timeline: Timeline;
  /** By how much its clock is wrong. */
  clockOffMs = 0;
  /** It takes no call and has no connection until then. */
  downUntil = Number.NEGATIVE_INFINITY;
  /** The connection that holds the pool. */
  #holder: Line | null = null;
  tenure: { holder: string; aliveUntil: number } | null = null;
  readonly #lines = new Set<Line>();
  /** Whoever looks on is told of each write, at its instant: who wrote, to which pools, and the tokens that were made. */
  onWritten: (holder: string, pools: readonly string[], made: readonly NewToken[]) => Promise<void> =
    async () => {};

  constructor(timeline: Timeline, makeGround: (now: () => number) => Ground) {
    this.#timeline = timeline;
    this.ground = makeGround(() => this.now());
  }

  now(): number {
    return this.#timeline.now + this.clockOffMs;
  }

  get isDown(): boolean {
    return this.#timeline.now < this.downUntil;
  }

  /** Carries out what has arrived on `line`. */
  async run<T>(line: Line, work: () => Promise<T> | T): Promise<T> {
    if (this.isDown) throw connectionClosed();
    this.#lines.add(line);
    return awaiting(Promise.resolve(work()));
  }

  tryLock(line: Line): boolean {
    if (!line.isOpen) return false;
    this.#holder ??= line;
    return this.#holder === line;
  }

  /** The client has hung up, and the server has heard of it. */
  hangUp(line: Line): void {
    line.session++;
    this.#lines.delete(line);
    if (this.#holder === line) this.#holder = null;
  }

  endHolder(): void {
    if (this.#holder) this.#cut(this.#holder);
  }

  /** Stops, and starts again after `forMs`: everybody has to connect anew. */
  restart(forMs: number): void {
    this.downUntil = this.#timeline.now + forMs;
    for (const line of [...this.#lines]) this.#cut(line);
  }

  #cut(line: Line): void {
    this.hangUp(line);
    line.onCut();
  }
}
