/**
 * Whoever looks on: is told each fact when it is written and each answer when it is given, holds them against the
 * sequential pools, and remembers the first promise that was not kept.
 */
import type { NewToken } from '../../src/journal/store.ts';
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
  broken: Broken | null = null;
  readonly #timeline: Timeline;
  readonly #pools = new Map<string, { pool: SequentialPool; judge: Judge }>();

  constructor(plan: Plan, timeline: Timeline) {
    this.plan = plan;
    this.#timeline = timeline;
  }

  /** Those that there is anything of, by name. */
  get pools(): SequentialPool[] {
    return Array.from(this.#pools.values(), ({ pool }) => pool).filter(({ seq }) => seq > 0);
  }

  pool(name: string): SequentialPool {
    return this.#of(name).pool;
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

  /** Facts of one pool, and the tokens that were made with them. */
  written(name: string, rows: readonly LogRow[], made: readonly NewToken[], writer: SimulatedProcess): void {
    const { pool, judge } = this.#of(name);
    this.guarded(() => {
      for (const row of rows) {
        const { seq, type, reason, tokenId } = row;
        pool.tell(row, made, judge.askOf(row), (at) => writer.noticedAt(at));
        this.note(
          () => `${writer.name} writes fact ${seq} of ${name}: ${type} ${reason} ${this.named(tokenId)}`,
        );
        judge.written(row);
      }
    });
  }

  answered(call: Call): void {
    this.guarded(() => this.#of(call.request.pool).judge.answered(call, call.process.time.now()));
  }

  /** At the end, when all calls are over. */
  finish(): void {
    this.guarded(() => {
      for (const { judge } of this.#pools.values()) judge.explainAll();
    });
  }

  /** With names instead of ids, which are drawn anew each time. */
  named(value: unknown): string {
    let text = say(value) ?? '';
    for (const { name, tokenIds, leases } of this.pools) {
      const initial = name === 'default' ? '' : name;
      for (const [index, tokenId] of tokenIds.entries())
        text = text.replaceAll(tokenId, `${initial}T${index}`);
      for (const { leaseId, fence } of leases) text = text.replaceAll(leaseId, `${initial}L${fence}`);
    }
    return text;
  }

  #of(name: string): { pool: SequentialPool; judge: Judge } {
    const known = this.#pools.get(name);
    if (known) return known;
    const pool = new SequentialPool(name);
    const made = { pool, judge: new Judge(pool, this.calls, this.plan.proofRequired) };
    this.#pools.set(name, made);
    return made;
  }
}
