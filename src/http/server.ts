/** The socket: listens, sets the limits of a request and a connection, and closes without dropping anyone. */
import { createServer, type Server, STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import { getRequestListener, RequestError } from '@hono/node-server';
import type { Hono } from 'hono';
import { type ProblemCode, problem } from './problem.ts';

export const headerBytesMax = 16 * 1024;

/** How long a client that was refused has for reading the answer. */
const lingerMs = 1000;

export interface ServerOptions {
  host: string;
  port: number;
  maxConnections: number;
  /** How long a request may take to arrive, headers and body. */
  requestTimeoutMs: number;
}

/** The connections of each server: Node counts one that has never asked anything as in use. */
const connections = new WeakMap<Server, Set<Socket>>();

/** Resolves when the port is taken, with the server; rejects with what Node says if it cannot be. */
export function listen(app: Pick<Hono, 'fetch'>, options: ServerOptions): Promise<Server> {
  return new Promise((resolve, reject) => {
    const answer = async (...request: Parameters<typeof app.fetch>): Promise<Response> => {
      const response = await app.fetch(...request);
      // Once closed, each connection ends with its next answer: a busy one would hold up the shut-down.
      if (!server.listening) response.headers.set('connection', 'close');
      return response;
    };
    const server = createServer(
      {
        maxHeaderSize: headerBytesMax,
        requestTimeout: options.requestTimeoutMs,
        headersTimeout: options.requestTimeoutMs,
        connectionsCheckingInterval: Math.min(options.requestTimeoutMs, 1000),
      },
      getRequestListener(answer, {
        hostname: options.host,
        // A URL or a Host that makes no sense never reaches the app.
        errorHandler: (error) => problem(error instanceof RequestError ? 'bad_request' : 'internal_error'),
      }),
    );
    const open = new Set<Socket>();
    connections.set(server, open);
    server.on('connection', (socket) => {
      open.add(socket);
      socket.once('close', () => open.delete(socket));
    });
    server.maxConnections = options.maxConnections;
    server.once('error', reject);
    server.listen(options.port, options.host, () => {
      server.off('error', reject);
      resolve(server);
    });
    server.on('clientError', (error: NodeJS.ErrnoException, socket) => {
      void refuse(socket as Socket, clientErrorCode(error.code));
    });
  });
}

/** Takes no new connection, and resolves when the requests under way are answered, or `timeoutMs` later. */
export function close(server: Server, timeoutMs: number): Promise<void> {
  return new Promise((resolve) => {
    const cut = setTimeout(() => server.closeAllConnections(), timeoutMs);
    server.close(() => {
      clearTimeout(cut);
      resolve();
    });
    // Browsers open connections in advance: none that has not asked anything may hold up the shut-down.
    for (const socket of connections.get(server) ?? []) if (socket.bytesRead === 0) socket.destroy();
  });
}

function clientErrorCode(code: string | undefined): ProblemCode {
  switch (code) {
    case 'HPE_HEADER_OVERFLOW':
      return 'headers_too_large';
    case 'ERR_HTTP_REQUEST_TIMEOUT':
      return 'request_timeout';
    default:
      return 'bad_request';
  }
}

/** Answers what never became a request, in the same form as every other refusal. */
async function refuse(socket: Socket, code: ProblemCode): Promise<void> {
  const answer = problem(code);
  const body = await answer.text();
  if (!socket.writable) return;
  // It counts as a connection until both sides have closed it: who does not is cut off.
  setTimeout(() => socket.destroy(), lingerMs).unref();
  socket.end(
    `HTTP/1.1 ${answer.status} ${STATUS_CODES[answer.status]}\r\nConnection: close\r\n` +
      `Content-Type: application/problem+json\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
  );
}
