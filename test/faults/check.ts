/**
 * The verdict on the recorded history of the default pool. Of the invariants I1 to I18, checked here: I1 to I9, I11 to I15
 * and I17. Elsewhere or not:
 * - I10 (waiting) is checked on a pool of its own (`check-line.ts`), and that pools are apart (I19) by `leasehold verify`.
 * - I16 (the stream) has tests of its own (`stream.test.ts`).
 * - I14 is checked for every acknowledged change, and I18 in long runs, by sampling the memory (`memory.ts`).
 */
import { checkKeys } from './check-keys.ts';
import { checkLog } from './check-log.ts';
import { checkOrder } from './check-order.ts';
import { checkTime, type Lateness, latenessOf } from './check-time.ts';
import { type History, operationsOf, type Violation } from './history.ts';
import { Replay } from './replay.ts';
import { witnessOf } from './witness.ts';

export interface Verdict {
  violations: Violation[];
  lateness: Lateness;
}

/** A second: far more than an answer of the database takes, far less than any fault of a clock. */
const clockToleranceMs = 1000;

export function judge({ calls, snapshot, size }: History): Verdict {
  const replay = new Replay(snapshot);
  const operations = operationsOf(calls);
  const { changes, violations } = witnessOf(operations, replay);
  const order = checkOrder(operations, changes, replay);
  return {
    violations: [
      ...checkLog(snapshot, size),
      ...violations,
      ...checkKeys(operations),
      ...order.violations,
      ...checkTime(changes, order.looks, replay, clockToleranceMs),
    ],
    lateness: latenessOf(snapshot.log),
  };
}
