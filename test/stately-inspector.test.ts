/** What Stately's own inspector is shown: actors, events and states, and no lease id. */
import { expect, it } from 'vitest';
import { openInspector } from '../src/inspector.ts';
import { createApi } from './support/http.ts';
import { startInspector } from './support/inspector.ts';

it("shows Stately's inspector the actors, the events and the states of an allocation, and no lease id", async () => {
  const { url, said, text } = await startInspector();
  const api = await createApi({ size: 1, inspect: await openInspector(url) });
  await api.post('/api/pools', { name: 'other', size: 1 });
  const { token_id, lease_id } = await api.allocate({ user_id: 'ada', metadata: { told: 'a secret' } });
  await api.post(`/api/tokens/${token_id}/keep-alive`, { lease_id });
  await api.allocate({ user_id: 'bob' });
  await api.post(`/api/tokens/${token_id}/release`, { user_id: 'bob' });
  const isOver = () => said.some(({ event }) => event?.type === 'MOVED');
  await expect.poll(isOver, { timeout: 10_000 }).toBe(true);
  const actors = said.filter(({ type }) => type === '@xstate.actor');
  expect(actors.map(({ name }) => name)).toEqual(['pool', token_id]);
  const [pool, token] = actors;
  expect(token!.parentId).toBe(pool!.sessionId);
  expect(JSON.parse(token!.definition!)).toMatchObject({
    id: 'token',
    states: { active: {}, withdrawn: {} },
  });
  const events = said.filter(
    ({ type, sessionId }) => type === '@xstate.event' && sessionId === token!.sessionId,
  );
  expect(events.map(({ event }) => event!.type)).toEqual(['ALLOCATE', 'RENEW', 'EVICT', 'RELEASE']);
  const states = said.filter(
    ({ type, sessionId }) => type === '@xstate.snapshot' && sessionId === token!.sessionId,
  );
  expect(states.map(({ snapshot }) => [snapshot.value, snapshot.context.userId])).toEqual([
    ['active', 'ada'],
    ['active', 'ada'],
    ['active', 'bob'],
    ['available', undefined],
  ]);
  const leaseIds = new Set(api.world.facts.flatMap(({ leaseId }) => leaseId ?? []));
  expect(leaseIds.size).toBe(2);
  for (const leaseId of leaseIds) expect(text()).not.toContain(leaseId);
  expect(text()).not.toContain('a secret');
});

it('says what to install where the package is missing', async () => {
  const missing = Object.assign(new Error('Cannot find package'), { code: 'ERR_MODULE_NOT_FOUND' });
  await expect(openInspector('ws://127.0.0.1:1', () => Promise.reject(missing))).rejects.toThrow(
    'STATELY_INSPECTOR needs the package @statelyai/inspect: npm install --no-save @statelyai/inspect',
  );
});
