/** The service as other people's tests have it: in their own process, or started with simulated time. */
import { createLeasehold, type Leasehold, type LeaseholdOptions } from 'leasehold';
import { describe, expect, it, onTestFinished } from 'vitest';
import { createLeasehold as fromSource } from '../src/leasehold.ts';
import { Requests } from '../src/requests.ts';
import { databaseKinds, freshDatabase, freshFolder, type Where } from './support/databases.ts';
import { startService } from './support/process.ts';

const base = '/api/tokens';
const twoMinutes = 120_000;

async function create(options: LeaseholdOptions = {}): Promise<Leasehold> {
  const leasehold = await createLeasehold(options);
  onTestFinished(() => leasehold.close());
  return leasehold;
}

// biome-ignore lint/suspicious/noExplicitAny: answers of every shape
const bodyOf = async (answer: Response): Promise<any> => answer.json();

const post = async ({ fetch }: Pick<Leasehold, 'fetch'>, path: string, json: object) =>
  bodyOf(
    await fetch(path, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(json),
    }),
  );

const databaseOf = ({ databaseUrl, dataDir }: Where): string => databaseUrl ?? dataDir;

describe('the package', () => {
  it('is imported as it is built', () => {
    expect(createLeasehold).not.toBe(fromSource);
    expect(import.meta.resolve('leasehold')).toMatch(/\/dist\/leasehold\.js$/);
  });
});

describe('a service in one’s own process', () => {
  it('serves pools that are declared, over a socket too, and shows what it does', async () => {
    const leasehold = await create({
      ttlMs: 1000,
      pools: { gpu: { whenFull: 'wait', tokens: [{ name: 'a100', labels: { gb: '80' } }] } },
    });
    const grant = await post(leasehold, `/api/pools/gpu/tokens/allocate`, { labels: { gb: '80' } });
    expect(grant).toMatchObject({ name: 'a100', expires_in_ms: 1000 });
    const url = await leasehold.listen();
    expect(await bodyOf(await fetch(`${url}/api/clock`))).toEqual({
      now: new Date(leasehold.clock.now()).toISOString(),
      next_deadline: grant.expires_at,
    });
    const moved = await post({ fetch }, `${url}/api/clock/advance`, { ms: 1000 });
    expect(moved).toMatchObject({ next_deadline: null, facts: 1 });
    expect(await post(leasehold, '/api/clock/advance', { ms: 1 })).toMatchObject({ facts: 0 });
    expect(await (await leasehold.fetch('/metrics')).text()).toContain('leasehold_tokens{pool="gpu"');
  });

  it('lets those who are served on the way act before time goes on', async () => {
    const leasehold = await create({ size: 1, pools: { default: { whenFull: 'wait' } } });
    const since = leasehold.clock.now();
    await post(leasehold, `${base}/allocate`, { user_id: 'ada' });
    const told: [at: number, what: string][] = [];
    const tell = (what: string) => told.push([leasehold.clock.now() - since, what]);
    const bob = post(leasehold, `${base}/allocate`, { user_id: 'bob', wait_ms: 600_000 }).then(
      async (grant) => {
        tell('bob has it');
        await post(leasehold, `${base}/${grant.token_id}/release`, {});
        tell('bob has given it back');
        leasehold.clock.setTimeout(() => tell('and a minute later'), 60_000);
      },
    );
    await leasehold.advance(600_000);
    await bob;
    expect(told).toEqual([
      [twoMinutes, 'bob has it'],
      [twoMinutes, 'bob has given it back'],
      [twoMinutes + 60_000, 'and a minute later'],
    ]);
  });

  it.each([
    [{ size: 0 }, 'size: must be a whole number from 1 to 1000000'],
    [{ ttlMs: 2000, ttlMsMax: 1000 }, 'ttlMs: must not exceed ttlMsMax'],
    [{ clock: 'fast' }, 'clock: must be one of system, simulated'],
    [{ pools: { gpu: { whenFull: 'later' } } }, 'pools.gpu.when_full: must be one of evict, reject, wait'],
    [{ pools: { gpu: { sise: 1 } } }, 'pools.gpu.sise: is not known'],
    [{ sise: 1 }, 'sise: is not known'],
    [{ database: 'postgres://[' }, 'database: must be a postgres:// URL'],
  ])('is refused with %j', async (options, message) => {
    await expect(createLeasehold(options as LeaseholdOptions)).rejects.toThrow(message);
  });

  it('moves no time but its own, and that forwards', async () => {
    const leasehold = await create({ clock: 'system' });
    await expect(leasehold.advance(1000)).rejects.toThrow('CLOCK=simulated');
    for (const ms of [-1, 0.5, Number.NaN])
      await expect(leasehold.advance(ms)).rejects.toThrow('ms: must be');
  });

  it.each(databaseKinds)('goes on where it was left, on %s', async (kind) => {
    const database = databaseOf(await freshDatabase(kind));
    const first = await create({ database, size: 1, ttlMs: 86_400_000 });
    await post(first, `${base}/allocate`, { user_id: 'ada' });
    await first.advance(3_600_000);
    const { token_id } = (await bodyOf(await first.fetch('/api/tokens/active'))).tokens.map(
      ({ id }: { id: string }) => ({ token_id: id }),
    )[0];
    await post(first, `${base}/${token_id}/keep-alive`, {});
    const left = first.clock.now();
    await first.close();
    const second = await create({ database, size: 1 });
    expect(second.clock.now()).toBe(left);
    expect(await second.advance(86_400_000)).toMatchObject({ now: left + 86_400_000, facts: 1 });
  });

  it('does not share a folder, nor stand by', async () => {
    const folder = freshFolder();
    await create({ database: folder });
    await expect(createLeasehold({ database: folder })).rejects.toThrow('another Leasehold process');
    const database = databaseOf(await freshDatabase('postgres'));
    await create({ database });
    await expect(createLeasehold({ database })).rejects.toThrow('another process serves the pools');
  });

  it('does not wait for ever for those who ask again and again', async () => {
    const requests = new Requests(20);
    let isOver = false;
    const asking = (async () => {
      while (!isOver) await requests.during(() => new Promise<void>((resolve) => setImmediate(resolve)));
    })();
    await expect(requests.settled(() => 0)).rejects.toThrow('always been a request under way');
    isOver = true;
    await asking;
    await requests.settled(() => 0);
    expect(requests.settled(() => 0)).toBeNull();
  });

  it.each(['mysql://ada:secret@localhost/x', 'postgre://localhost/x'])(
    'takes no other URL for a folder: %s',
    async (database) => {
      const refused = createLeasehold({ database });
      await expect(refused).rejects.toThrow('database: must be a postgres:// URL');
      await expect(refused).rejects.not.toThrow('secret');
    },
  );
});

describe('a process with CLOCK=simulated', () => {
  it('says so, and lets two minutes pass in a moment', async () => {
    const env = { CLOCK: 'simulated', npm_lifecycle_event: 'start', POOL_SIZE: '2' };
    const service = await startService(await freshDatabase('pglite'), env);
    await service.post(`${base}/allocate`);
    const { body: before } = await service.get('/api/clock');
    const { status, body } = await service.post('/api/clock/advance', { ms: twoMinutes });
    expect(status).toBe(200);
    expect(body).toEqual({ now: before.next_deadline, next_deadline: null, facts: 1 });
    const { body: events } = await service.get<{ events: object[] }>('/api/events');
    expect(events.events[0]).toMatchObject({ type: 'expired', at: body.now, expires_at: body.now });
    expect(service.stdout).toContain('time is simulated, and stands still until it is moved');
    expect(await service.stop()).toEqual({ code: 0, signal: null });
  });
});
