/**
 * One process's way to the shared database: the store that its journal stands on. Holds, loses and takes back the
 * pools as `postgres.ts` does, over connections that break, lose answers or fall silent.
 */
import type { DatabaseListener } from '../../src/journal/database.ts';
import type { Timers } from '../../src/journal/in-time.ts';
import type { Entries, NewToken, OpenRequest, Store } from '../../src/journal/store.ts';
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

  /** Simulated steps take no time. */
  async renew(): Promise<void> {}

  async append(entries: Entries, opening: number): Promise<void> {
    if (!this.#held && !(await this.#lock())) this.#lookAgain();
    const append = async () => {
      await this.#ground.append(entries, opening);
      await this.#told(entries.facts, entries.tokens);
    };
    await this.#call(this.#writer, append, true);
  }

  openPools(request: OpenRequest) {
    // Whoever ends the connection that has the lock ends what is half opened with it.
    const line = this.#writer;
    return this.#call(line, async () => {
      // It takes several statements: a connection that is gone by now brings no more of them.
      if (!line.isOpen) throw connectionClosed();
      const opening = await this.#ground.openPools(request);
      const made = opening.pools.flatMap(({ pool, tokens }) => tokens.map((token) => ({ ...token, pool })));
      await this.#told(opening.pools, made);
      return opening;
    });
  }

  tokenCount(): Promise<number> {
    return this.#call(this.#reader, () => this.#ground.tokenCount());
  }

  known() {
    return this.#call(this.#reader, () => this.#ground.known());
  }

  digestAt(pool: string, seq: number): Promise<string | null> {
    return this.#call(this.#reader, () => this.#ground.digestAt(pool, seq));
  }

  facts(pool: string, filter: FactFilter, page: OrderedPage) {
    return this.#call(this.#reader, () => this.#ground.facts(pool, filter, page));
  }

  history(pool: string, tokenId: string, page: Page) {
    return this.#call(this.#reader, () => this.#ground.history(pool, tokenId, page));
  }

  token(pool: string, tokenId: string, limit: number) {
    return this.#call(this.#reader, () => this.#ground.token(pool, tokenId, limit));
  }

  ending(pool: string, tokenId: string, proof: Proof) {
    return this.#call(this.#reader, () => this.#ground.ending(pool, tokenId, proof));
  }

  lease(pool: string | null, leaseId: string) {
    return this.#call(this.#reader, () => this.#ground.lease(pool, leaseId));
  }

  keyed(pool: string, key: string, since: number) {
    return this.#call(this.#reader, () => this.#ground.keyed(pool, key, since));
  }

  due(before: number) {
    return this.#call(this.#reader, () => this.#ground.due(before));
  }

  prune(pool: string, before: number, most: number) {
    return this.#call(this.#reader, () => this.#ground.prune(pool, before, most));
  }

  pruneKeyed(since: number, keysMax: number, most: number) {
    return this.#call(this.#reader, () => this.#ground.pruneKeyed(since, keysMax, most));
  }

  standing(pool: string) {
    return this.#call(this.#reader, () => this.#ground.standing(pool));
  }

  portion(pool: string, afterSeq: number | null, headSeq: number, most: number) {
    return this.#call(this.#reader, () => this.#ground.portion(pool, afterSeq, headSeq, most));
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

  /** Whoever looks on is told which pools have been written, and which tokens made. */
  #told(written: readonly { pool: string }[], made: readonly NewToken[]): Promise<void> {
    const pools = [...new Set(written.map(({ pool }) => pool))];
    return this.#options.server.onWritten(this.#options.holder, pools, made);
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
