/** The socket: listens, sets the limits of a request and a connection, and closes without dropping anyone. */
import { createServer, type Server } from 'node:http';
import type { Socket } from 'node:net';
import { getRequestListener, RequestError } from '@hono/node-server';
import type { Hono } from 'hono';
import { type ProblemCode, problem } from './problem.ts';

export const headerBytesMax = 16 * 1024;

export interface ServerOptions {
  host: string;
  port: number;
  maxConnections: number;
  /** How long a request may take to arrive, headers and body. */
  requestTimeoutMs: number;
}

/** Resolves when the port is taken, with the server; rejects with what Node says if it cannot be. */
export function listen(app: Hono, options: ServerOptions): Promise<Server> {
  return new Promise((resolve, reject) => {
    const server = createServer(
      {
        maxHeaderSize: headerBytesMax,
        requestTimeout: options.requestTimeoutMs,
        headersTimeout: options.requestTimeoutMs,
        connectionsCheckingInterval: Math.min(options.requestTimeoutMs, 1000),
      },
      getRequestListener(app.fetch, {
        hostname: options.host,
        // A URL or a Host that makes no sense never reaches the app.
        errorHandler: (error) => problem(error instanceof RequestError ? 'bad_request' : 'internal_error'),
      }),
    );
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
  socket.end(
    `HTTP/1.1 ${answer.status} ${answer.statusText || 'Refused'}\r\nConnection: close\r\n` +
      `Content-Type: application/problem+json\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
  );
}
