/**
 * One process's way to the shared database: the store that its journal stands on. Holds, loses and takes back the
 * pool as `postgres.ts` does, over connections that break, lose answers or fall silent.
 */
import type { DatabaseListener } from '../../src/journal/database.ts';
import type { Timers } from '../../src/journal/in-time.ts';
import type { Entries, OpenRequest, Store } from '../../src/journal/store.ts';
import type { Proof } from '../../src/lease/command.ts';
import type { FactFilter, OrderedPage, Page } from '../../src/lease/view.ts';
import type { Network } from './network.ts';
import { Pulse } from './pulse.ts';
import { connectionClosed, Line, type Server } from './server.ts';

const lookAgainMs = 250;

export interface MemoryStoreOptions {
  server: Server;
  network: Network;
  /** Of the process. */
  timers: Timers;
  /** The id of the process. */
  holder: string;
  silenceMs: number;
  /** Elapsed time. */
  now(): number;
  listener: DatabaseListener;
}

export class MemoryStore implements Store {
  readonly name = 'a simulated database';
  readonly alone = false;
  readonly #options: MemoryStoreOptions;
  readonly #pulse: Pulse;
  #writer!: Line;
  #reader: Line;
  #held = false;
  /** Counts what became of the writing connection. */
  #session = 0;
  #nextLook: unknown;

  constructor(options: MemoryStoreOptions) {
    this.#options = options;
    const wire = {
      call: <T>(line: Line, work: () => T) => this.#call(line, work),
      connect: () => this.#connect(),
    };
    this.#pulse = new Pulse(wire, options, () => this.#lost());
    this.#reader = this.#connect();
    this.#connectWriter();
  }

  get held(): boolean {
    return this.#held;
  }

  async hold(): Promise<boolean> {
    if (await this.#lock()) return true;
    if (!(await this.#pulse.isHolderSilent())) return false;
    await this.#pulse.endHolder();
    return this.#lock();
  }

  async append(entries: Entries, lastSeq: number): Promise<void> {
    if (!this.#held && !(await this.#lock())) this.#lookAgain();
    const append = () => this.#ground.append(entries, lastSeq);
    await this.#call(this.#writer, () => this.#writing(append), true);
  }

  openPool(request: OpenRequest) {
    // Whoever ends the connection that has the lock ends what is half opened with it.
    const line = this.#writer;
    return this.#call(line, () => {
      // It takes several statements: a connection that is gone by now brings no more of them.
      if (!line.isOpen) throw connectionClosed();
      return this.#writing(() => this.#ground.openPool(request));
    });
  }

  checkSize(size: number): Promise<void> {
    return this.#call(this.#reader, () => this.#ground.checkSize(size));
  }

  digestAt(seq: number): Promise<string | null> {
    return this.#call(this.#reader, () => this.#ground.digestAt(seq));
  }

  hasFactsAfter(seq: number): Promise<boolean> {
    return this.#call(this.#reader, () => this.#ground.hasFactsAfter(seq));
  }

  facts(filter: FactFilter, page: OrderedPage) {
    return this.#call(this.#reader, () => this.#ground.facts(filter, page));
  }

  history(tokenId: string, page: Page) {
    return this.#call(this.#reader, () => this.#ground.history(tokenId, page));
  }

  token(tokenId: string, limit: number) {
    return this.#call(this.#reader, () => this.#ground.token(tokenId, limit));
  }

  ending(tokenId: string, proof: Proof) {
    return this.#call(this.#reader, () => this.#ground.ending(tokenId, proof));
  }

  keyed(key: string, since: number) {
    return this.#call(this.#reader, () => this.#ground.keyed(key, since));
  }

  prune(before: number, most: number) {
    return this.#call(this.#reader, () => this.#ground.prune(before, most));
  }

  pruneKeyed(since: number, keysMax: number, most: number) {
    return this.#call(this.#reader, () => this.#ground.pruneKeyed(since, keysMax, most));
  }

  standing() {
    return this.#call(this.#reader, () => this.#ground.standing());
  }

  portion(afterSeq: number | null, headSeq: number, most: number) {
    return this.#call(this.#reader, () => this.#ground.portion(afterSeq, headSeq, most));
  }

  async reset(): Promise<void> {
    this.#hangUp(this.#writer);
    this.#connectWriter();
    this.#pulse.reconnect();
    await this.resetReaders();
  }

  async resetReaders(): Promise<void> {
    this.#hangUp(this.#reader);
    this.#reader = this.#connect();
  }

  async close(): Promise<void> {
    this.#options.timers.clearTimeout(this.#nextLook);
    this.#pulse.end();
    this.vanish(false);
  }

  /** The process is gone; so is its whole host, if `unheard`, and then the server does not learn of it. */
  vanish(unheard: boolean): void {
    this.#held = false;
    for (const line of [this.#writer, this.#reader]) this.#hangUp(line, unheard);
    this.#pulse.hangUp();
  }

  get #ground() {
    return this.#options.server.ground;
  }

  async #writing<T>(write: () => Promise<T>): Promise<T> {
    const written = await write();
    await this.#options.server.onWritten(this.#options.holder);
    return written;
  }

  async #lock(): Promise<boolean> {
    const writer = this.#writer;
    const session = this.#session;
    const got = await this.#call(writer, () => this.#options.server.tryLock(writer));
    if (!got) return false;
    await this.#pulse.begin();
    // A connection that broke meanwhile has taken the lock with it.
    this.#held = session === this.#session;
    if (!this.#held) this.#pulse.end();
    return this.#held;
  }

  #lost(): void {
    this.#held = false;
    this.#pulse.end();
    this.#options.listener.connectionLost();
  }

  #lookAgain(): void {
    const { timers, listener } = this.#options;
    timers.clearTimeout(this.#nextLook);
    this.#nextLook = timers.setTimeout(() => listener.connectionLost(), lookAgainMs);
  }

  #connectWriter(): void {
    const writer = this.#connect(() => {
      if (writer !== this.#writer) return;
      this.#session++;
      if (this.#held) this.#lost();
    });
    this.#session++;
    this.#held = false;
    this.#pulse.end();
    this.#writer = writer;
  }

  #connect(onClose = () => {}): Line {
    const line = new Line();
    // The process hears of it when it runs.
    line.onCut = () => {
      this.#options.timers.setTimeout(() => {
        line.drop();
        onClose();
      }, 0);
    };
    return line;
  }

  /** The client's end is closed at once; the server learns of it if the news gets through. */
  #hangUp(line: Line, unheard = this.#options.network.weather === 'cut off'): void {
    line.close();
    const { server, network } = this.#options;
    if (!unheard) network.send(network.passage(false).goMs, () => server.hangUp(line));
  }

  #call<T>(line: Line, work: () => Promise<T> | T, isAppend = false): Promise<T> {
    const { server, network, timers } = this.#options;
    return new Promise<T>((resolve, reject) => {
      if (!line.isOpen) return reject(connectionClosed());
      const stillAwaited = line.expect(reject);
      const isConnected = line.departing();
      const { fate, goMs, backMs } = network.passage(isAppend);
      if (line.isStuck) return;
      // Those that read are several.
      line.isStuck = line !== this.#reader && (fate === 'silent' || fate === 'done in silence');
      const answer = (give: () => void): void => {
        timers.setTimeout(() => stillAwaited() && give(), backMs);
      };
      const fail = (error: unknown): void => answer(() => reject(error));
      // What has been sent arrives, even if whoever sent it has hung up since.
      network.send(goMs, () => {
        if (fate === 'silent') return;
        if (fate === 'refused' || !isConnected()) return fail(connectionClosed());
        server.run(line, work).then((value) => {
          if (fate === 'done') answer(() => resolve(value));
          if (fate === 'answer lost') fail(connectionClosed());
        }, fail);
      });
    });
  }
}
