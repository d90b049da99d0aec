/** Whether the process that holds the pool is heard of: what `heartbeat.ts` does with SQL, without. */
import { inTime, type Timers } from '../../src/journal/in-time.ts';
import type { Line, Server } from './server.ts';

const beats = 4;
const unrenewedMs = 300;

interface Wire {
  connect(): Line;
  call<T>(line: Line, work: () => T): Promise<T>;
}

interface PulseOptions {
  server: Server;
  timers: Timers;
  holder: string;
  silenceMs: number;
  now(): number;
}

export class Pulse {
  readonly #wire: Wire;
  readonly #options: PulseOptions;
  readonly #displaced: () => void;
  #line: Line;
  #next: unknown;
  #seen = { promise: '', since: 0 };

  constructor(wire: Wire, options: PulseOptions, displaced: () => void) {
    this.#wire = wire;
    this.#options = options;
    this.#displaced = displaced;
    this.#line = wire.connect();
  }

  async begin(): Promise<void> {
    const { server, holder } = this.#options;
    await this.#wire.call(this.#line, () => {
      server.tenure = { holder, aliveUntil: this.#aliveUntil };
    });
    this.#beatLater();
  }

  end(): void {
    this.#options.timers.clearTimeout(this.#next);
    this.#next = undefined;
  }

  reconnect(): void {
    this.#line.close();
    this.#line = this.#wire.connect();
  }

  hangUp(): void {
    this.#line.close();
  }

  async isHolderSilent(): Promise<boolean> {
    const { server, silenceMs } = this.#options;
    const { promise, isBroken } = await this.#wire.call(this.#line, () => ({
      promise: server.tenure ? `${server.tenure.holder} ${server.tenure.aliveUntil}` : 'none',
      isBroken: server.tenure !== null && server.tenure.aliveUntil < server.now(),
    }));
    const now = this.#options.now();
    if (promise !== this.#seen.promise) this.#seen = { promise, since: now };
    const unrenewed = now - this.#seen.since;
    return (isBroken && unrenewed >= unrenewedMs) || unrenewed >= 2 * silenceMs;
  }

  async endHolder(): Promise<void> {
    this.#seen = { promise: '', since: 0 };
    await this.#wire.call(this.#line, () => this.#options.server.endHolder());
  }

  get #aliveUntil(): number {
    return this.#options.server.now() + this.#options.silenceMs;
  }

  #beatLater(): void {
    const { timers, silenceMs } = this.#options;
    this.end();
    this.#next = timers.setTimeout(() => this.#beat(), silenceMs / beats);
  }

  async #beat(): Promise<void> {
    const mine = this.#next;
    const { timers, silenceMs } = this.#options;
    try {
      const renewed = await inTime(
        timers,
        silenceMs,
        this.#wire.call(this.#line, () => this.#renew()),
      );
      if (this.#next !== mine) return;
      if (renewed) this.#beatLater();
      else this.#displaced();
    } catch {
      if (this.#next !== mine) return;
      this.reconnect();
      this.#beatLater();
    }
  }

  #renew(): boolean {
    const { tenure } = this.#options.server;
    if (tenure?.holder !== this.#options.holder) return false;
    tenure.aliveUntil = this.#aliveUntil;
    return true;
  }
}
