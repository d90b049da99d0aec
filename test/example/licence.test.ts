/**
 * How to test software that holds leases: a program that needs one of two licences while it runs. Two minutes pass in a
 * moment, and it does not notice. Imported as by anybody else, from the package as it is built.
 */
import { createLeasehold, type Leasehold } from 'leasehold';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';

/** What the program lives in: in production the `fetch` and the timers that there are, in a test those of the service. */
interface Surroundings {
  fetch: Leasehold['fetch'];
  clock: Pick<Leasehold['clock'], 'setTimeout' | 'clearTimeout'>;
}

interface Answer {
  status: number;
  // biome-ignore lint/suspicious/noExplicitAny: answers of every shape
  body: any;
}

async function post({ fetch }: Surroundings, path: string, json: object): Promise<Answer> {
  const headers = { 'content-type': 'application/json' };
  const answer = await fetch(path, { method: 'POST', headers, body: JSON.stringify(json) });
  return { status: answer.status, body: await answer.json() };
}

const tokens = '/api/pools/licences/tokens';

/** The software under test: holds a licence, and keeps it alive until it is given back. */
class Licence {
  isHeld = true;
  readonly id: string;
  readonly #proof: string;
  readonly #surroundings: Surroundings;
  #timer: unknown;

  /** Rejects when none can be had. */
  static async take(user: string, surroundings: Surroundings): Promise<Licence> {
    const { status, body } = await post(surroundings, `${tokens}/allocate`, { user_id: user });
    if (status !== 200) throw new Error(`no licence: ${body.error}`);
    const licence = new Licence(body.token_id, body.lease_id, surroundings);
    licence.#renewIn(body.renew_after_ms);
    return licence;
  }

  private constructor(id: string, proof: string, surroundings: Surroundings) {
    this.id = id;
    this.#proof = proof;
    this.#surroundings = surroundings;
  }

  async giveBack(): Promise<void> {
    this.#surroundings.clock.clearTimeout(this.#timer);
    this.isHeld = false;
    await this.#ask('release');
  }

  #renewIn(ms: number): void {
    this.#timer = this.#surroundings.clock.setTimeout(async () => {
      const { status, body } = await this.#ask('keep-alive');
      if (status === 200) this.#renewIn(body.renew_after_ms);
      else this.isHeld = false;
    }, ms);
  }

  #ask(what: 'keep-alive' | 'release') {
    return post(this.#surroundings, `${tokens}/${this.id}/${what}`, { lease_id: this.#proof });
  }
}

describe('the licence of a program', () => {
  let leasehold: Leasehold;
  beforeAll(async () => {
    const licences = { size: 2, whenFull: 'reject', ttlMs: 30_000 } as const;
    leasehold = await createLeasehold({ pools: { licences } });
  });
  afterAll(() => leasehold.close());
  // What the programs of one test still hold is nothing to the next: they are told so when they renew it.
  const cleanUp = () => leasehold.fetch(`${tokens}/cleanup`, { method: 'POST' });
  afterEach(async () => void (await cleanUp()));

  it('is kept alive for as long as the program runs', async () => {
    const licence = await Licence.take('ada', leasehold);
    const since = leasehold.clock.now();
    await leasehold.advance(120_000);
    expect(licence.isHeld).toBe(true);
    const renewals = '/api/pools/licences/events?type=renewed&user_id=ada&order=asc';
    const { events } = (await (await leasehold.fetch(renewals)).json()) as { events: { at: string }[] };
    // Whenever half of its thirty seconds are over.
    const seconds = events.map(({ at }) => (Date.parse(at) - since) / 1000);
    expect(seconds).toEqual([15, 30, 45, 60, 75, 90, 105, 120]);
  });

  it('can be had by others when a program has crashed', async () => {
    const bob = await Licence.take('bob', leasehold);
    // It renews nothing any more: its timers are gone with it.
    await Licence.take('eve', { ...leasehold, clock: { setTimeout() {}, clearTimeout() {} } });
    await leasehold.advance(29_999);
    await expect(Licence.take('cyd', leasehold)).rejects.toThrow('no licence: pool_full');
    await leasehold.advance(1);
    expect((await Licence.take('cyd', leasehold)).isHeld).toBe(true);
    expect(bob.isHeld).toBe(true);
  });

  it('is gone when an administrator takes it away, and the program knows', async () => {
    const licence = await Licence.take('dan', leasehold);
    await cleanUp();
    await leasehold.advance(15_000);
    expect(licence.isHeld).toBe(false);
  });

  it('is free for the next one as soon as it is given back', async () => {
    const [fay] = [await Licence.take('fay', leasehold), await Licence.take('gus', leasehold)];
    await fay.giveBack();
    expect((await Licence.take('hal', leasehold)).id).toBe(fay.id);
  });
});
