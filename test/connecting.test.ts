/** What a new connection sends, seen on the wire. */
import { createServer, connect as dial, type Socket } from 'node:net';
import { expect, inject, it, onTestFinished } from 'vitest';
import { connect } from '../src/journal/connecting.ts';

/** Passes on what comes, and notes what the client says. */
async function wiretap(target: URL): Promise<{ port: number; said: () => string }> {
  let said = '';
  const sockets: Socket[] = [];
  const tap = createServer((client) => {
    const server = dial(Number(target.port), target.hostname);
    sockets.push(client, server);
    client.on('data', (bytes) => {
      said += bytes.toString('latin1');
    });
    client.pipe(server).pipe(client);
    for (const end of [client, server]) end.on('error', () => {});
  });
  await new Promise<void>((resolve) => tap.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    tap.close();
  });
  return { port: (tap.address() as { port: number }).port, said: () => said };
}

it('asks nothing of its own before the first question: a failure of that would be nobody’s to hear', async () => {
  const server = inject('postgresUrl');
  const { port, said } = await wiretap(new URL(server));
  const url = new URL(server);
  url.hostname = '127.0.0.1';
  url.port = String(port);
  const client = connect(url.href, { max: 1 });
  expect(await client`select 17 as number`).toEqual([{ number: 17 }]);
  await client.end();
  expect(said()).toContain('select 17 as number');
  expect(said()).not.toContain('pg_type');
});
