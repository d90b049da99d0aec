/** Connections to Postgres that go silent without a word, as behind a router that has forgotten them. */
import { beforeEach, describe, expect, it } from 'vitest';
import { Cable } from './support/cable.ts';
import { freshPostgres } from './support/databases.ts';
import { type HttpAnswer, type ServiceProcess, startService, until } from './support/process.ts';
import { checkLog, type LeaseSeen, Told } from './support/told.ts';

let cable: Cable;
let service: ServiceProcess;
let told: Told;
let lease: LeaseSeen;

beforeEach(async () => {
  cable = await Cable.lay(await freshPostgres());
  service = await startService({ databaseUrl: cable.url, dataDir: '' }, { COMMIT_TIMEOUT_MS: '1000' });
  told = new Told();
  lease = await allocate('ada');
});

async function allocate(userId: string): Promise<LeaseSeen> {
  const ask = { user_id: userId, ttl_ms: 600_000 };
  const { status, body } = await service.post<LeaseSeen>('/api/tokens/allocate', ask);
  expect(status).toBe(200);
  told.note('activated', body);
  return body;
}

/** Reads on several connections at once, so that there are several to go silent. */
const readManyTimes = () => Promise.all(Array.from({ length: 8 }, () => service.get('/api/events')));

/** Asks until it is answered; nobody is left without an answer meanwhile. */
async function untilAnswered(what: string, ask: () => Promise<HttpAnswer>): Promise<void> {
  await until(`${what} is answered again`, async () => {
    const { status, body } = await ask();
    if (status !== 200) expect({ status, error: body.error }).toEqual({ status: 503, error: 'unavailable' });
    return status === 200;
  });
}

const untilRead = async () => {
  await untilAnswered('one token', () => service.get(`/api/tokens/${lease.token_id}`));
  await untilAnswered('the log', () => service.get('/api/events'));
  // All that there are work again, not only the one that was free.
  expect((await readManyTimes()).map(({ status }) => status)).toEqual(Array(8).fill(200));
};

/** Everything that was acknowledged is there, and what was not is there once at most. */
async function expectNothingLost(): Promise<void> {
  const log = await checkLog(service, told);
  const users = log.filter(({ type }) => type === 'activated').map(({ user_id }) => user_id);
  expect(new Set(users).size).toBe(users.length);
}

describe('connections that go silent', () => {
  it('cost those who read nothing but a refusal, and are replaced without a commit that fails [I14]', async () => {
    await readManyTimes();
    cable.silence();
    await untilRead();
    expect(service.log.map(({ stage }) => stage)).not.toContain('degraded');
    await until('somebody is served again', async () => {
      const { status, body } = await service.post('/api/tokens/allocate');
      if (status === 200) told.note('activated', body as unknown as LeaseSeen);
      return status === 200;
    });
    await expectNothingLost();
  });

  it('cost those who write nothing but a refusal, and what was acknowledged is in the log [I3][I14]', async () => {
    await readManyTimes();
    cable.silence();
    const { status, body } = await service.post('/api/tokens/allocate', { user_id: 'unsure' });
    if (status === 200) told.note('activated', body as unknown as LeaseSeen);
    else expect({ status, error: body.error }).toEqual({ status: 503, error: 'outcome_unknown' });
    await service.ready();
    await allocate('bob');
    await untilRead();
    await expectNothingLost();
  });

  it('can go silent again and again [I3][I14]', async () => {
    for (let round = 0; round < 3; round++) {
      cable.silence();
      await service.post('/api/tokens/allocate', { user_id: `unsure ${round}` });
      await service.ready();
      await allocate(`sure ${round}`);
      await untilRead();
    }
    await expectNothingLost();
  });
});
