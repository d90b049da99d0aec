/** Hands each fact of a pool to its host, and tells whom it concerns: the caller whose command is under way, or one who waits in line. */
import type { Clock } from '../clock.ts';
import type { Fact } from '../lease/fact.ts';
import type { Saying } from '../token/saying.ts';
import type { TokenContext } from '../token/token.ts';
import type { FactCounter } from './fact-counter.ts';
import type { Inspection } from './inspection.ts';
import { type Answer, answerOf, type PoolHost } from './pool-host.ts';

export class Recorder {
  readonly #clock: Clock;
  readonly #counter: FactCounter;
  readonly #host: PoolHost;
  readonly #inspection: Inspection;
  /** Collects what the command under way leads to. */
  #answer: Answer | null = null;
  #last: Fact | null = null;

  constructor(clock: Clock, counter: FactCounter, host: PoolHost, inspection: Inspection) {
    this.#clock = clock;
    this.#counter = counter;
    this.#host = host;
    this.#inspection = inspection;
  }

  /** What `run` leads to. */
  answer(run: (answer: Answer) => void): Answer {
    const answer = answerOf();
    this.#answer = answer;
    try {
      run(answer);
    } finally {
      this.#answer = null;
    }
    answer.step = this.#inspection.step;
    return answer;
  }

  /** Adds to what the command under way is answered. */
  add(part: Partial<Answer>): void {
    if (this.#answer) Object.assign(this.#answer, part);
  }

  record(context: TokenContext, saying: Saying): void {
    const fact = this.#counter.next(context, saying, saying.at ?? this.#clock.now());
    const facts = fact.reason === 'allocated_after_eviction' ? [this.#last!, fact] : [fact];
    this.#last = fact;
    this.#host.record(fact);
    if (this.#answer) this.#answer.facts.push(fact);
    // Nobody asks for it now: it is for somebody in line.
    else if (fact.type === 'activated')
      this.#host.served(fact.lease.leaseId, answerOf({ facts, step: this.#inspection.step }));
  }
}
