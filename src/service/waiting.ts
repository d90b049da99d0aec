/**
 * Those who wait for a token of a pool, each behind a connection of their own. Who is next is for the pool to say; here
 * they are told, or give up when their time is over or they have gone away.
 */
import type { Clock } from '../clock.ts';
import type { Answer } from '../pool/pool.ts';

/** How waiting ended: with the pool's answer, at the deadline, or by going away. */
export type Waited = { end: 'answered'; answer: Answer } | { end: 'expired' | 'gone' };

/** How many may wait in all lines of the process together, or watch: each holds a connection, and holders need some to come back by. */
export class Seats {
  readonly #most: number;
  taken = 0;

  constructor(most: number) {
    this.#most = most;
  }

  get areTaken(): boolean {
    return this.taken >= this.#most;
  }
}

export class Line {
  readonly #seats: Seats;
  readonly #waiting = new Map<string, (waited: Waited) => void>();
  /** Of those who were served in the breath in which they joined: time had come on, and a token had come free. */
  readonly #atOnce = new Map<string, Answer>();
  /** When they give up, by the lease that they would get. */
  readonly #until = new Map<string, number>();

  constructor(seats: Seats) {
    this.#seats = seats;
  }

  /** Nobody more can wait, here or elsewhere. */
  get isClosed(): boolean {
    return this.#seats.areTaken;
  }

  /** Tells the one who waits for the lease: in the breath in which the facts are appended. */
  served(leaseId: string, answer: Answer): void {
    const tell = this.#waiting.get(leaseId);
    if (tell) tell({ end: 'answered', answer });
    else this.#atOnce.set(leaseId, answer);
  }

  /** What one who has just joined was answered already, if they were. */
  answeredAtOnce(leaseId: string): Answer | undefined {
    const answer = this.#atOnce.get(leaseId);
    this.#atOnce.delete(leaseId);
    return answer;
  }

  /** When the one who waits for the lease gives up. */
  until(leaseId: string): number | undefined {
    return this.#until.get(leaseId);
  }

  /** When the first of them gives up; Infinity where nobody waits. */
  get next(): number {
    let next = Number.POSITIVE_INFINITY;
    for (const until of this.#until.values()) next = Math.min(next, until);
    return next;
  }

  /** `ended` is called at once when it has ended; the promise is for whoever has the time. */
  wait(
    leaseId: string,
    waitMs: number,
    clock: Clock,
    gone: AbortSignal | undefined,
    ended: (waited: Waited) => void,
  ): Promise<Waited> {
    return new Promise((resolve) => {
      let timer: unknown;
      const leave = () => end({ end: 'gone' });
      const end = (waited: Waited) => {
        if (!this.#waiting.delete(leaseId)) return;
        this.#until.delete(leaseId);
        this.#seats.taken--;
        clock.clearTimeout(timer);
        gone?.removeEventListener('abort', leave);
        ended(waited);
        resolve(waited);
      };
      this.#waiting.set(leaseId, end);
      this.#seats.taken++;
      this.#until.set(leaseId, clock.now() + waitMs);
      timer = clock.setTimeout(() => end({ end: 'expired' }), waitMs);
      gone?.addEventListener('abort', leave);
      if (gone?.aborted) leave();
    });
  }
}
