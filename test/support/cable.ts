/**
 * The wire between a process and its Postgres server, which a test can cut: to the server, and to every other
 * process, whoever is at the other end has died. Or it goes silent, and neither end is told anything.
 */
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { atEnd } from './lifetime.ts';

/** One connection by way of the cable: nothing passes once it is silent, not even that an end has closed. */
interface Strand {
  silent: boolean;
}

export class Cable {
  /** The same database, by way of this cable. */
  readonly url: string;
  readonly #target: { host: string; port: number };
  readonly #port: number;
  #server: Server | null;
  readonly #ends = new Map<Socket, Strand>();
  #deaf = false;
  #silent = false;
  #delayMs = 0;
  /** The next words from the process that hold this text are the last to pass. */
  #fatal: { text: string; happened: () => void } | null = null;

  static async lay(url: string): Promise<Cable> {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return new Cable(url, server);
  }

  constructor(url: string, server: Server) {
    const { hostname, port } = new URL(url);
    this.#target = { host: hostname, port: Number(port || 5432) };
    this.#port = (server.address() as AddressInfo).port;
    this.#server = server.on('connection', (end: Socket) => this.#join(end));
    const through = new URL(url);
    through.host = `127.0.0.1:${this.#port}`;
    this.url = through.href;
    atEnd(() => this.#break());
  }

  /** How many ends of connections it has, alive or silent. */
  get connections(): number {
    return this.#ends.size;
  }

  /** Breaks every connection, and lets none be made until it is mended: at the test's end, if not before. */
  cut(): void {
    this.#break();
    // Before the services of the test are closed, which write what is left to write.
    atEnd(() => this.mend());
  }

  async mend(): Promise<void> {
    if (this.#server) return;
    this.#server = createServer((end) => this.#join(end));
    await new Promise<void>((resolve) => this.#server!.listen(this.#port, '127.0.0.1', resolve));
  }

  /** From now on the server hears every word, and none of its answers arrives. */
  loseAnswers(): void {
    this.#deaf = true;
  }

  /** The connections that there are bring nothing more, either way, and do not end. New ones work. */
  silence(): void {
    for (const strand of this.#ends.values()) strand.silent = true;
  }

  /** The same, and new ones are taken and bring nothing either, until it is cut. */
  silenceAll(): void {
    this.silence();
    this.#silent = true;
  }

  /** Breaks the connections that there are. New ones work. */
  cutOnce(): void {
    for (const end of this.#ends.keys()) end.destroy();
  }

  /** From now on all that passes takes so much longer, each way. */
  delay(ms: number): void {
    this.#delayMs = ms;
  }

  /**
   * Breaks a connection when the server has heard `text` on it and answers: what was asked is done, and who asked never
   * learns of it. Resolves when that has happened.
   */
  cutAtAnswerTo(text: string): Promise<void> {
    return new Promise((happened) => {
      this.#fatal = { text, happened };
    });
  }

  #break(): void {
    this.#server?.close();
    this.#server = null;
    this.cutOnce();
    this.#deaf = false;
    this.#silent = false;
  }

  #join(end: Socket): void {
    const server = connect(this.#target);
    const strand: Strand = { silent: this.#silent };
    const toServer = this.#passage(server);
    const toProcess = this.#passage(end);
    let isLastWord: (() => void) | null = null;
    end.on('data', (bytes) => {
      if (strand.silent) return;
      if (this.#fatal && bytes.includes(this.#fatal.text)) {
        isLastWord = this.#fatal.happened;
        this.#fatal = null;
      }
      toServer(bytes);
    });
    server.on('data', (bytes) => {
      if (isLastWord) {
        end.destroy();
        isLastWord();
      } else if (!strand.silent && !this.#deaf) toProcess(bytes);
    });
    for (const [here, there] of [
      [end, server],
      [server, end],
    ] as const) {
      this.#ends.set(here, strand);
      here.on('error', () => here.destroy());
      here.on('close', () => {
        this.#ends.delete(here);
        if (!strand.silent) there.destroy();
      });
    }
  }

  /** Passes bytes on, in their order, as late as they are to be. */
  #passage(to: Socket): (bytes: Buffer) => void {
    let underWay = 0;
    let last = Promise.resolve();
    return (bytes) => {
      if (this.#delayMs === 0 && underWay === 0) return void to.write(bytes);
      underWay++;
      const due = performance.now() + this.#delayMs;
      last = last.then(async () => {
        await new Promise((resolve) => setTimeout(resolve, due - performance.now()));
        underWay--;
        if (!to.destroyed) to.write(bytes);
      });
    };
  }
}
