/**
 * Users of pools beside the default one, each of whom asks once: some stand in line for a token, some are clients with
 * tokens that come and go. What they were told is held against the logs of these pools.
 */
import { pause } from '../support/process.ts';
import type { Departure } from './check-line.ts';
import { type Call, settles } from './history.ts';
import * as questions from './questions.ts';
import type { Random } from './random.ts';
import { type Question, Recorder } from './recorder.ts';
import type { Directory } from './user.ts';

export const linePool = 'line';
export const clientPool = 'clients';

type PoolName = typeof linePool | typeof clientPool;

/** Three tokens, which rest after a lease that was not released; a fourth in line is refused. */
export const poolsFile = JSON.stringify({
  pools: { [linePool]: { size: 3, when_full: 'wait', cool_down_ms: 20, queue_max: 4, ttl_ms_max: 5000 } },
});

export class LineUsers {
  readonly recorders = { [linePool]: new Recorder(), [clientPool]: new Recorder() };
  /** Who hung up while they stood in line, and when. */
  readonly departures: Departure[] = [];
  readonly #random: Random;
  readonly #directory: Directory;
  readonly #pauseMs: number;
  readonly #busy: Promise<void>[];
  #count = 0;
  #serving = 0;
  #going = true;

  constructor(random: Random, directory: Directory, pauseMs: number) {
    this.#random = random;
    this.#directory = directory;
    this.#pauseMs = pauseMs;
    this.#busy = [...Array.from({ length: 6 }, () => this.#stand()), this.#beClient(), this.#beClient()];
  }

  async rest(): Promise<void> {
    this.#going = false;
    await Promise.all(this.#busy);
    for (const recorder of Object.values(this.recorders)) recorder.close();
  }

  async #stand(): Promise<void> {
    while (this.#going) {
      const userId = `waiter-${++this.#count}`;
      const key = this.#random.happens(0.4) ? userId : null;
      const ttlMs = this.#random.between(50, 800);
      const waitMs = this.#random.between(100, 3000);
      const patienceMs = key === null && this.#random.happens(0.2) ? 100 : 5000;
      const question = questions.inPool(linePool, questions.allocate(userId, ttlMs, key), {
        wait_ms: waitMs,
      });
      const lease = await this.#insist(linePool, question, patienceMs);
      if (lease === null || this.#random.happens(0.4)) continue;
      const held = {
        tokenId: String(lease.token_id),
        leaseId: String(lease.lease_id),
        userId,
        fence: Number(lease.fence),
      };
      await this.#ask(linePool, questions.inPool(linePool, questions.release(held, 'lease', null)), 5000);
    }
  }

  async #beClient(): Promise<void> {
    while (this.#going) {
      const userId = `client-${++this.#count}`;
      await this.#ask(clientPool, questions.generate(), 1000);
      const assigned = await this.#insist(
        clientPool,
        questions.assign(userId, this.#random.happens(0.5) ? userId : null),
        1000,
      );
      if (assigned === null) continue;
      const token = String(assigned.token);
      for (const what of ['keep-alive', 'unblock-token', 'delete-token'])
        if (this.#random.happens(0.6))
          await this.#ask(clientPool, questions.toClientToken(what, token), 1000);
    }
  }

  /** What was answered with success; asks again where there is a key and no answer. */
  async #insist(
    pool: PoolName,
    question: Question,
    patienceMs: number,
  ): Promise<Record<string, unknown> | null> {
    for (let triesLeft = 30; triesLeft > 0; triesLeft -= this.#going ? 1 : 3) {
      const call = await this.#ask(pool, question, patienceMs);
      if (call?.answer && call.answer.status < 300) return call.answer.body;
      if (question.key === null || (call && settles(call))) return null;
    }
    return null;
  }

  /** Asks whoever served last, or the next one if it does not. */
  async #ask(pool: PoolName, question: Question, patienceMs: number): Promise<Call | null> {
    await pause(this.#random.next() * 2 * this.#pauseMs);
    const { processes } = this.#directory;
    const chosen = this.#serving;
    const process = processes[chosen % processes.length]!;
    const call = await this.recorders[pool].ask(process, question, { patienceMs, hangsUp: false });
    const served = call?.answer != null && call.answer.error !== 'unavailable';
    if (!served && chosen === this.#serving) this.#serving++;
    if (call && call.answer === null && question.key === null && question.userId !== null)
      this.departures.push({ userId: question.userId, at: performance.now() });
    return call;
  }
}
