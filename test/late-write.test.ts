/** The driver's way of failing that nobody can catch is known by what it throws, and nothing else is. */
import postgres from 'postgres';
import { expect, it, onTestFinished } from 'vitest';
import { isLateWrite } from '../src/journal/late-write.ts';
import { freshPostgres } from './support/databases.ts';

/** What is thrown where nobody can catch it, until the test has ended. */
function uncaught(): unknown[] {
  const thrown: unknown[] = [];
  const others = process.listeners('uncaughtException');
  process.removeAllListeners('uncaughtException');
  process.on('uncaughtException', (error) => thrown.push(error));
  onTestFinished(() => {
    process.removeAllListeners('uncaughtException');
    for (const other of others) process.on('uncaughtException', other);
  });
  return thrown;
}

it('is a write to a connection that the database has just closed', async () => {
  const thrown = uncaught();
  const url = await freshPostgres();
  const [client, other] = [postgres(url, { max: 1 }), postgres(url, { max: 1 })];
  onTestFinished(() => Promise.all([client.end({ timeout: 0 }), other.end({ timeout: 0 })]).then(() => {}));
  const reserved = await client.reserve();
  const [{ pid } = {}] = await reserved`select pg_backend_pid() as pid`;
  await other`select pg_terminate_backend(${pid})`;
  // The driver learns of it in its own time: whatever is asked until then is refused.
  await expect
    .poll(() => {
      reserved`select 1`.catch(() => {});
      return thrown.length;
    })
    .toBeGreaterThan(0);
  expect(thrown.map(isLateWrite)).toEqual(thrown.map(() => true));
});

it.each([
  new TypeError("Cannot read properties of null (reading 'write')"),
  new TypeError("Cannot read properties of undefined (reading 'next')"),
  new Error('write'),
  null,
])('is not %s of ours', (error) => {
  expect(isLateWrite(error)).toBe(false);
});
