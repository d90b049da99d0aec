/** What the pool said, as an answer: given when each of its facts is durable, or when it is known that there are none. */
import type { Fact } from '../lease/fact.ts';
import { cameOf, type MachineRefusalCode, type Outcome, type Refusal, refused } from '../lease/refusal.ts';
import type { Answer } from '../pool/pool.ts';
import type { Durable } from './durable.ts';
import type { Keep } from './exactly-once.ts';

export class Replies {
  readonly #durable: Durable;

  constructor(durable: Durable) {
    this.#durable = durable;
  }

  async reply<T>(answer: Answer, show: (facts: Fact[]) => T, keep: Keep<T>): Promise<Outcome<T>> {
    const { facts, refusal, step } = answer;
    if (facts.length === 0) {
      if (refusal !== null) return cameOf(step, await this.refusal(refusal));
      // Nothing of its own would be refused by the log if this process were history.
      return cameOf(step, (await this.#durable.unconfirmed()) ?? { ok: show(facts) });
    }
    const shown = show(facts);
    keep(shown);
    return cameOf(step, (await this.#durable.unsettled()) ?? { ok: shown });
  }

  async refusal(code: MachineRefusalCode): Promise<{ refused: Refusal }> {
    if (code === 'unavailable') return this.#durable.unavailable();
    return (await this.#durable.unconfirmed()) ?? refused({ code });
  }
}
