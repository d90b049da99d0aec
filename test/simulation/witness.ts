/**
 * Whoever looks on: is told each fact when it is written and each answer when it is given, holds them against the
 * sequential pool, and remembers the first promise that was not kept.
 */
import { start } from '../support/world.ts';
import { Broken } from './broken.ts';
import type { Call } from './calls.ts';
import { say } from './comparing.ts';
import type { LogRow } from './ground.ts';
import { Judge } from './judge.ts';
import type { Plan } from './plan.ts';
import type { SimulatedProcess } from './process.ts';
import { SequentialPool } from './sequential-pool.ts';
import type { Timeline } from './timeline.ts';

export class Witness {
  readonly plan: Plan;
  readonly trace: string[] = [];
  /** Every call there has been, by its number. */
  readonly calls: Call[] = [];
  pool = new SequentialPool([]);
  broken: Broken | null = null;
  readonly #timeline: Timeline;
  #judge: Judge;

  constructor(plan: Plan, timeline: Timeline) {
    this.plan = plan;
    this.#timeline = timeline;
    this.#judge = this.#newJudge();
  }

  note(say: () => string): void {
    if (!this.plan.isTraced) return;
    this.trace.push(`${String(this.#timeline.now - start).padStart(8)}  ${say()}`);
  }

  /** Does what must not fail: what does is the first broken promise, if it is the first. */
  guarded(work: () => void): void {
    try {
      work();
    } catch (error) {
      this.broken ??= error instanceof Broken ? error : new Broken('crash', String((error as Error).stack));
    }
  }

  /** The pool has been opened for the first time. */
  meet(tokenIds: readonly string[]): void {
    this.pool = new SequentialPool(tokenIds);
    this.#judge = this.#newJudge();
  }

  written(rows: readonly LogRow[], writer: SimulatedProcess): void {
    this.guarded(() => {
      for (const row of rows) {
        const { seq, type, reason, tokenId } = row;
        this.note(() => `${writer.name} writes fact ${seq}: ${type} ${reason} ${this.named(tokenId)}`);
        this.pool.tell(row, (at) => writer.noticedAt(at));
        this.#judge.written(row);
      }
    });
  }

  answered(call: Call): void {
    this.guarded(() => this.#judge.answered(call, call.process.time.now()));
  }

  /** At the end, when all calls are over. */
  finish(): void {
    this.guarded(() => this.#judge.explainAll());
  }

  /** With names instead of ids, which are drawn anew each time. */
  named(value: unknown): string {
    let text = say(value) ?? '';
    for (const [index, tokenId] of this.pool.tokenIds.entries()) text = text.replaceAll(tokenId, `T${index}`);
    for (const { leaseId, fence } of this.pool.leases) text = text.replaceAll(leaseId, `L${fence}`);
    return text;
  }

  #newJudge(): Judge {
    return new Judge(this.pool, this.calls, this.plan.proofRequired);
  }
}
