/**
 * Follows one pool: a snapshot, and then the facts after it as they are committed. Goes on by itself after whatever
 * happens: where facts are missing between it takes another snapshot, and where nothing answers it tries again.
 */
import type { WireFact, WireSnapshot } from '../wire.ts';
import { backOffMs, type Seen } from './connection.ts';
import { type Answer, ask, poolPath } from './requests.ts';

export interface Follower {
  /** From here on everything is as this says. */
  began(snapshot: WireSnapshot): void;
  /** Facts in order; false: they do not follow on what is known, and the pool is to be asked for anew. */
  happened(facts: WireFact[]): boolean;
  saw(seen: Seen): void;
}

/** Facts that come within this time are shown together: nobody sees the difference, and drawing costs the same. */
const togetherMs = 60;

export class Live {
  readonly #pool: string;
  readonly #to: Follower;
  readonly #over = new AbortController();
  #stream: EventSource | null = null;
  #heard: WireFact[] = [];
  #together: ReturnType<typeof setTimeout> | undefined;
  #retry: ReturnType<typeof setTimeout> | undefined;
  #tries = 0;
  /** A snapshot is on its way: what is heard meanwhile waits for it. */
  #asking = false;
  #isResting = false;

  constructor(pool: string, to: Follower) {
    this.#pool = pool;
    this.#to = to;
    void this.renew();
  }

  /** Takes another snapshot; the stream, if there is one, goes on from where it is. */
  async renew(): Promise<void> {
    if (this.#asking || this.#isResting || this.#over.signal.aborted) return;
    this.#asking = true;
    clearTimeout(this.#retry);
    const answer = await ask<WireSnapshot>(poolPath(this.#pool, '/snapshot'), this.#over.signal);
    this.#asking = false;
    if (this.#isResting || this.#over.signal.aborted) return;
    if (!('ok' in answer)) return this.#failed(answer);
    this.#tries = 0;
    this.#to.began(answer.ok);
    if (this.#stream === null) this.#follow(answer.ok.seq);
    else this.#deliver();
  }

  end(): void {
    this.#over.abort();
    clearTimeout(this.#retry);
    clearTimeout(this.#together);
    this.#stream?.close();
  }

  /** Lets go of the connection. */
  rest(): void {
    this.#isResting = true;
    this.#stop();
  }

  wake(): void {
    if (!this.#isResting) return;
    this.#isResting = false;
    void this.renew();
  }

  #follow(seq: number): void {
    const stream = new EventSource(poolPath(this.#pool, `/events/stream?cursor=${seq}`));
    this.#stream = stream;
    stream.onopen = () => this.#to.saw({ seen: 'streaming' });
    stream.onmessage = ({ data }) => {
      this.#heard.push(JSON.parse(data));
      this.#together ??= setTimeout(() => this.#deliver(), togetherMs);
    };
    stream.addEventListener('gap', () => void this.renew());
    stream.onerror = () => {
      this.#to.saw({ seen: 'cut' });
      // Otherwise the browser tries again by itself, and goes on from the last fact it had.
      if (stream.readyState !== EventSource.CLOSED) return;
      this.#stop();
      void this.renew();
    };
  }

  #deliver(): void {
    clearTimeout(this.#together);
    this.#together = undefined;
    if (this.#asking) return;
    const facts = this.#heard;
    this.#heard = [];
    if (facts.length > 0 && !this.#to.happened(facts)) void this.renew();
  }

  #stop(): void {
    this.#stream?.close();
    this.#stream = null;
    this.#heard = [];
  }

  #failed(answer: Exclude<Answer<WireSnapshot>, { ok: WireSnapshot }>): void {
    this.#stop();
    this.#to.saw('problem' in answer ? { seen: 'refusal', ...answer.problem } : { seen: 'silence' });
    this.#retry = setTimeout(() => void this.renew(), backOffMs(this.#tries++));
  }
}
