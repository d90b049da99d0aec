/** Stands where Stately's inspector listens: takes WebSockets, and keeps what they say. */
import { hash } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { onTestFinished } from 'vitest';

export interface Inspected {
  type: '@xstate.actor' | '@xstate.event' | '@xstate.snapshot';
  sessionId: string;
  name?: string;
  parentId?: string;
  definition?: string;
  event?: { type: string };
  // biome-ignore lint/suspicious/noExplicitAny: tests look into snapshots of every actor
  snapshot?: any;
}

/** Of a frame that is a whole text. */
const wholeText = 0x81;

/** What has come so far, as text and as what it says. */
export async function startInspector(): Promise<{ url: string; said: Inspected[]; text(): string }> {
  const said: Inspected[] = [];
  const texts: string[] = [];
  const sockets: Socket[] = [];
  const server = createServer();
  server.on('upgrade', (request, socket: Socket) => {
    const key = `${request.headers['sec-websocket-key']}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`;
    const accept = hash('sha1', key, 'base64');
    socket.write(
      `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`,
    );
    sockets.push(socket);
    let bytes = Buffer.alloc(0);
    socket.on('data', (more: Buffer) => {
      bytes = Buffer.concat([bytes, more]);
      for (let frame = frameOf(bytes); frame !== null; frame = frameOf(bytes)) {
        bytes = bytes.subarray(frame.length);
        if (frame.opcode !== wholeText) continue;
        texts.push(frame.text);
        said.push(JSON.parse(frame.text));
      }
    });
    socket.on('error', () => {});
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    // Without an error, it is not tried again.
    for (const socket of sockets) socket.end();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  return { url: `ws://127.0.0.1:${port}`, said, text: () => texts.join('\n') };
}

/** The first frame of a client, if all of it is there: masked, as theirs are. */
function frameOf(bytes: Buffer): { opcode: number; text: string; length: number } | null {
  if (bytes.length < 6) return null;
  const short = bytes[1]! & 0x7f;
  const extra = short === 126 ? 2 : short === 127 ? 8 : 0;
  const begin = 2 + extra + 4;
  if (bytes.length < begin) return null;
  const size = extra === 0 ? short : extra === 2 ? bytes.readUInt16BE(2) : Number(bytes.readBigUInt64BE(2));
  if (bytes.length < begin + size) return null;
  const mask = bytes.subarray(begin - 4, begin);
  const text = Buffer.from(bytes.subarray(begin, begin + size).map((byte, index) => byte ^ mask[index % 4]!));
  return { opcode: bytes[0]!, text: text.toString(), length: begin + size };
}
