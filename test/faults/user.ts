/**
 * A client as they are: allocates, renews, looks, releases, comes back with leases that are over, loses answers, asks twice.
 * What it asks about one lease it asks one after the other, and of a lease whose state it lost sight of it lets go.
 */
import { randomUUID } from 'node:crypto';
import { pause } from '../support/process.ts';
import type { LeaseSeen } from '../support/told.ts';
import { type Call, outcomeOf, settles } from './history.ts';
import type { Held } from './questions.ts';
import * as questions from './questions.ts';
import type { Random } from './random.ts';
import type { Asking, Question, Recorder } from './recorder.ts';

/** Where the service is to be found. */
export interface Directory {
  readonly processes: readonly Asking[];
}

export interface UserOptions {
  name: string;
  random: Random;
  recorder: Recorder;
  directory: Directory;
  /** Between two questions, on average. */
  pauseMs: number;
  /** Whether it loses answers and asks twice, or only does what it must. */
  isGentle: boolean;
}

const oldLeasesMax = 5;

export class User {
  readonly #options: UserOptions;
  readonly #random: Random;
  /** Leases that are over, as far as it knows. */
  #old: Held[] = [];
  /** Who served last. */
  #serving = 0;
  #count = 0;
  #going = true;

  constructor(options: UserOptions) {
    this.#options = options;
    this.#random = options.random;
  }

  /** Ends what is under way and begins nothing more. */
  stop(): void {
    this.#going = false;
  }

  /** Keeps using tokens until it is told to stop. */
  async use(): Promise<void> {
    while (this.#going) {
      const lease = await this.#allocate();
      if (lease) await this.#hold(lease);
      if (this.#random.happens(0.3)) await this.#look(lease?.tokenId);
      if (this.#random.happens(0.2)) await this.#comeBack();
    }
  }

  /** Ends all leases now and then, and each time insists on an answer. */
  async cleanUp(everyMs: number): Promise<void> {
    for (let waitedMs = 0; this.#going; waitedMs += 50) {
      await pause(50);
      if (waitedMs < everyMs) continue;
      waitedMs = 0;
      await this.#insist(questions.releaseAll(this.#key()));
    }
  }

  #key(): string {
    return `${this.#options.name}.key${++this.#count}`;
  }

  #keyMaybe(): string | null {
    return this.#random.happens(0.6) ? this.#key() : null;
  }

  async #allocate(): Promise<Held | null> {
    const ttlMs = this.#random.happens(0.5)
      ? this.#random.between(100, 1500)
      : this.#random.between(20_000, 120_000);
    const userId = `${this.#options.name}.${++this.#count}`;
    const call = await this.#want(questions.allocate(userId, ttlMs, this.#keyMaybe()));
    if (call?.answer?.status !== 200) return null;
    const { token_id, lease_id, fence } = call.answer.body as unknown as LeaseSeen;
    return { tokenId: token_id, leaseId: lease_id, userId, fence };
  }

  async #hold(lease: Held): Promise<void> {
    const renewals = this.#random.between(0, 3);
    for (let renewal = 0; renewal < renewals && this.#going; renewal++) {
      const ttlMs = this.#random.between(100, 30_000);
      const call = await this.#want(questions.renew(lease, this.#proof(), ttlMs, this.#keyMaybe()));
      if (!call || outcomeOf(call.answer) === 'unknown') return;
      if (call.answer!.status === 410) return this.#remember(lease);
    }
    if (this.#random.happens(0.5)) return this.#remember(lease);
    const call = await this.#want(questions.release(lease, this.#proof(), this.#keyMaybe()));
    if (call && outcomeOf(call.answer) !== 'unknown') this.#remember(lease);
  }

  #proof(): 'lease' | 'user' {
    return this.#random.happens(0.8) ? 'lease' : 'user';
  }

  #remember(lease: Held): void {
    this.#old = [lease, ...this.#old].slice(0, oldLeasesMax);
  }

  async #look(tokenId: string | undefined): Promise<void> {
    const chance = this.#random.next();
    if (chance < 0.4 && tokenId !== undefined) await this.#ask(questions.token(tokenId));
    else await this.#ask(chance < 0.8 ? questions.list() : questions.events());
  }

  /** With a lease that is over, or never was, or a token that is not there: nothing may come of it [I4]. */
  async #comeBack(): Promise<void> {
    const index = this.#random.between(0, oldLeasesMax - 1);
    const lease = this.#old[index];
    if (!lease) return;
    const isRenewal = this.#random.happens(0.5);
    const key = this.#keyMaybe();
    const question = isRenewal
      ? questions.renew(lease, this.#proof(), 500, key)
      : questions.release(lease, this.#proof(), key);
    const chance = this.#random.next();
    if (chance < 0.2) {
      const proven = isRenewal
        ? questions.renew(lease, 'lease', 500, key)
        : questions.release(lease, 'lease', key);
      await this.#want(questions.withBogusLease(proven, randomUUID()));
    } else if (chance < 0.3) await this.#ask(questions.token(randomUUID()));
    else {
      const call = await this.#want(question);
      // It was not over after all, and nobody knows what it is now.
      if (!call || outcomeOf(call.answer) === 'unknown') this.#old.splice(index, 1);
    }
  }

  /** Asks once, or with a key until there is an answer; the last call made. */
  async #want(question: Question): Promise<Call | null> {
    return question.key === null ? this.#ask(question) : this.#insist(question);
  }

  async #insist(question: Question): Promise<Call | null> {
    const { isGentle } = this.#options;
    let last: Call | null = null;
    // Who is told to stop tries for a while yet: what became of it is worth knowing.
    for (let triesLeft = 40; triesLeft > 0; triesLeft -= this.#going ? 0 : 1) {
      if (!isGentle && this.#random.happens(0.1)) {
        const twice = await Promise.all([this.#ask(question), this.#ask(question)]);
        last = twice.find((call) => call && settles(call)) ?? twice[0];
      } else last = await this.#ask(question, !isGentle && this.#random.happens(0.1));
      if (!last || !settles(last)) continue;
      const isRepeated = !isGentle && this.#random.happens(0.1);
      if (isRepeated) await this.#ask(question);
      if (!isGentle && this.#random.happens(0.05) && question.kind === 'allocate') {
        const other = questions.allocate(`${question.userId}.other`, question.ttlMs! + 1, question.key);
        await this.#ask(other);
      }
      return last;
    }
    return last;
  }

  /** Asks whoever served last, or now and then somebody else. */
  async #ask(question: Question, hangsUp = false): Promise<Call | null> {
    const { recorder, directory, pauseMs } = this.#options;
    await pause(this.#random.next() * 2 * pauseMs);
    const { processes } = directory;
    const chosen = this.#random.happens(0.1) ? this.#random.between(0, processes.length - 1) : this.#serving;
    const patienceMs = this.#random.happens(0.2) ? 8000 : 1000;
    const call = await recorder.ask(processes[chosen % processes.length]!, question, { patienceMs, hangsUp });
    const served = call?.answer != null && call.answer.error !== 'unavailable';
    if (served) this.#serving = chosen;
    else if (chosen === this.#serving && !hangsUp) {
      this.#serving = (chosen + 1) % processes.length;
      await pause(20);
    }
    return call;
  }
}
