/** The service behind a real socket, and clients that write what no HTTP library would. */
import type { Server } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { onTestFinished } from 'vitest';
import { close, listen } from '../../src/http/server.ts';
import { type Answer, type Api, type ApiOptions, createApi } from './http.ts';

export interface Served {
  api: Api;
  server: Server;
  port: number;
  url: string;
}

export interface ServeOptions extends ApiOptions {
  requestTimeoutMs?: number;
  maxConnections?: number;
}

/** Listens on a free port until the test has ended. */
export async function serveApi(options: ServeOptions = {}): Promise<Served> {
  const { requestTimeoutMs = 10_000, maxConnections = 1000, ...rest } = options;
  const api = await createApi(rest);
  const server = await listen(api.app, { host: '127.0.0.1', port: 0, requestTimeoutMs, maxConnections });
  onTestFinished(() => close(server, 0));
  const { port } = server.address() as AddressInfo;
  return { api, server, port, url: `http://127.0.0.1:${port}` };
}

export class Client {
  readonly socket: Socket;
  #received = '';
  /** Resolves when nothing more will come: the other end has closed, or broken, the connection. */
  readonly closed: Promise<void>;

  constructor(port: number, { allowHalfOpen = false } = {}) {
    this.socket = connect({ port, host: '127.0.0.1', allowHalfOpen });
    this.socket.setEncoding('utf8');
    this.socket.on('data', (text) => {
      this.#received += text;
    });
    // Writing to who has hung up is an error; what was answered before counts.
    this.socket.on('error', () => {});
    this.closed = new Promise((resolve) => this.socket.once('close', () => resolve()));
    onTestFinished(() => {
      this.socket.destroy();
    });
  }

  write(text: string | Buffer): void {
    this.socket.write(text);
  }

  /** The answer on this connection, once it has been closed. */
  async answer(): Promise<Answer> {
    await this.closed;
    const end = this.#received.indexOf('\r\n\r\n');
    if (end < 0) throw new Error(`no answer, but ${JSON.stringify(this.#received)}`);
    const [line, ...lines] = this.#received.slice(0, end).split('\r\n');
    const headers = new Headers(lines.map((each) => each.split(': ', 2) as [string, string]));
    const text = this.#received.slice(end + 4);
    return { status: Number(line!.split(' ')[1]), headers, text, body: JSON.parse(text) };
  }
}

/** Sends one request, as it is written, and awaits its answer. */
export function sendRaw(port: number, ...parts: (string | Buffer)[]): Promise<Answer> {
  const client = new Client(port);
  for (const part of parts) client.write(part);
  return client.answer();
}

/** The lines of a request, with their line ends. */
export const lines = (...each: string[]): string => `${each.join('\r\n')}\r\n\r\n`;
