/** Clients with faults of their own: they lose answers, ask twice, are gone in the middle of a request [I9] [I14] [I17]. */
import { connect } from 'node:net';
import { describe, expect, it } from 'vitest';
import { databaseKinds, freshDatabase } from '../support/databases.ts';
import { atEnd } from '../support/lifetime.ts';
import { judge } from './check.ts';
import { Cluster, type Member } from './cluster.ts';
import * as questions from './questions.ts';
import { readSnapshot } from './read-snapshot.ts';
import { type Question, Recorder } from './recorder.ts';

const size = 4;
const manner = { patienceMs: 10_000, hangsUp: false };

async function begin(kind: (typeof databaseKinds)[number]) {
  const cluster = await Cluster.start(await freshDatabase(kind), 1, { POOL_SIZE: String(size) });
  const [member] = cluster.processes;
  const recorder = new Recorder();
  atEnd(() => recorder.close());
  const ask = async (question: Question, more = {}) =>
    (await recorder.ask(member!, question, { ...manner, ...more }))!;
  /** Until the first of these requests, whose client is gone, has been answered. */
  const insist = async (question: Question) => {
    let call = await ask(question);
    while (call.answer?.error === 'idempotency_key_in_use') call = await ask(question);
    return call;
  };
  const verdict = async () => {
    await cluster.stop();
    const snapshot = await readSnapshot(cluster.where);
    return { snapshot, ...judge({ calls: recorder.calls, snapshot, size }) };
  };
  return { member: member!, ask, insist, verdict };
}

describe.each(databaseKinds)('a client of a service on %s', (kind) => {
  it('that loses answers, asks twice at once, or is gone gets one lease a key, and leaves nothing half done [I9][I14][I17]', async () => {
    const { member, ask, insist, verdict } = await begin(kind);
    for (let round = 0; round < 10; round++) {
      const question = questions.allocate(`lost ${round}`, 60_000, `key.lost.${round}`);
      expect((await ask(question, { hangsUp: true })).answer).toBeNull();
      expect((await insist(question)).answer).toMatchObject({ body: { user_id: `lost ${round}` } });
    }
    for (let round = 0; round < 5; round++) {
      const question = questions.allocate(`twice ${round}`, 60_000, `key.twice.${round}`);
      const answers = await Promise.all(Array.from({ length: 5 }, () => ask(question)));
      const codes = answers.map(({ answer }) => answer!.error ?? answer!.status);
      expect(codes).toContain(200);
      expect(codes.filter((code) => code !== 200 && code !== 'idempotency_key_in_use')).toEqual([]);
    }
    await leaveHalfWay(member);
    expect((await ask(questions.list())).answer!.status).toBe(200);
    const { violations, snapshot } = await verdict();
    expect(violations).toEqual([]);
    const grants = snapshot.log.filter(({ type }) => type === 'activated');
    expect(grants).toHaveLength(15);
  });
});

/** Sends a request but for the end of its body, and is gone. */
async function leaveHalfWay({ url }: Member): Promise<void> {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname);
  const head =
    'POST /api/tokens/allocate HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 20\r\n\r\n';
  await new Promise<void>((resolve) => socket.write(`${head}{"user_id":"`, () => resolve()));
  socket.destroy();
}
