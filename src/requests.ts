/** The requests that are under way in this process, and simulated time, which stands still for them. */
import { type Clock, elapsedMs } from './clock.ts';

/** For so many turns of the event loop nothing is asked, and nothing is going to be. */
const quietTurns = 3;

const nextTurn = () => new Promise<void>((resolve) => setImmediate(resolve));

export class Requests {
  readonly #patienceMs: number;
  #underWay = 0;
  /** A timer has fired that is not the service's own, and nobody knows what it leads to. */
  #hasFired = false;

  /** `patienceMs`: real time. Who asks again and again without a pause would keep simulated time from going on for ever. */
  constructor(patienceMs = 10_000) {
    this.#patienceMs = patienceMs;
  }

  /** The request counts until it is answered. */
  async during<T>(answer: () => Promise<T>): Promise<T> {
    this.#underWay++;
    try {
      return await answer();
    } finally {
      this.#underWay--;
      // Whoever has been answered may go on to ask something else.
      this.#hasFired = true;
    }
  }

  /** The clock, for those who ask when its timers fire. */
  watched(clock: Clock): Pick<Clock, 'now' | 'setTimeout' | 'clearTimeout'> {
    const fired = (run: () => void) => () => {
      this.#hasFired = true;
      run();
    };
    return {
      now: () => clock.now(),
      setTimeout: (run, delayMs) => clock.setTimeout(fired(run), delayMs),
      clearTimeout: (id) => clock.clearTimeout(id),
    };
  }

  /** Resolves when no request is under way but those that wait for time to pass: so many stand in line. null: that is so. */
  settled(inLine: () => number): Promise<void> | null {
    return this.#hasFired || this.#underWay > inLine() ? this.#settle(inLine) : null;
  }

  async #settle(inLine: () => number): Promise<void> {
    const since = elapsedMs();
    for (let turns = 0; turns < quietTurns; turns++) {
      this.#hasFired = false;
      await nextTurn();
      if (this.#hasFired || this.#underWay > inLine()) turns = -1;
      if (elapsedMs() - since > this.#patienceMs)
        throw new Error(
          `simulated time stands still: for ${this.#patienceMs} ms there has always been a request under way (${this.#underWay} now)`,
        );
    }
  }
}
