/**
 * Leases and time. By the clients' own monotonic clock, whatever was done to clocks, a lease lasts as long as was promised:
 * it neither ends early [I5] nor is it seen or stays past its deadline [I6]. And how late the log noticed each.
 */

import type { PlacedLook } from './check-order.ts';
import type { LoggedFact, Violation } from './history.ts';
import type { Replay } from './replay.ts';
import { type Change, said } from './witness.ts';

export interface Lateness {
  /** Of leases that ran out while they were served, milliseconds each. */
  served: number[];
  /** Of those that ran out while nobody served. */
  whileDown: number[];
}

export function latenessOf(log: readonly LoggedFact[]): Lateness {
  const of = (reason: string) =>
    log.filter((fact) => fact.reason === reason).map(({ at, expiresAt }) => at - expiresAt!);
  return { served: of('ttl_expired'), whileDown: of('ttl_expired_while_down') };
}

/**
 * `toleranceMs`: by how much the clocks of two tenures may differ. Each begins with the database's clock and is behind by as
 * long as that answer took.
 */
export function checkTime(
  changes: readonly Change[],
  looks: readonly PlacedLook[],
  replay: Replay,
  toleranceMs: number,
): Violation[] {
  const { thereAt, notYetAt } = whenSeen(changes, looks, replay);
  const violations: Violation[] = [];
  const latest = new Map<number, number>();
  for (const { operation, lastSeq } of changes) {
    const lease = replay.leases.get(lastSeq);
    if (operation.kind !== 'allocate' || !lease) continue;
    // Granted at some instant between the question and the answer, and lasting for this long.
    const lengthMs = lease.expiresAt - lease.grant!.at;
    const { ending } = lease;
    const [earliest, last] = [operation.askedAt + lengthMs, operation.answeredAt + lengthMs];
    latest.set(lease.fence, last);
    if (ending?.type === 'expired') {
      const early = earliest - thereAt(ending.seq);
      if (early > toleranceMs) violations.push(`I5: over ${Math.round(early)} ms early: ${said(operation)}`);
    }
    const lateMs = notYetAt(ending?.seq ?? replay.lastSeq + 1) - last;
    if (lateMs > toleranceMs)
      violations.push(`I6: live ${Math.round(lateMs)} ms too long: ${said(operation)}`);
  }
  for (const look of looks) {
    for (const fence of shownBy(look)) {
      const lateMs = look.askedAt - (latest.get(fence) ?? Number.POSITIVE_INFINITY);
      if (lateMs > toleranceMs)
        violations.push(
          `I6: lease ${fence} shown ${Math.round(lateMs)} ms past its deadline, by a ${look.kind}`,
        );
    }
  }
  return violations;
}

/** The leases that are shown as live. */
function shownBy({ kind, answer }: PlacedLook): number[] {
  const one = kind === 'list' || answer.status !== 200 ? null : answer.body.fence;
  const fences = [one as number | null | undefined, ...(answer.shown ?? []).map(([, fence]) => fence)];
  return fences.filter((fence) => fence !== null && fence !== undefined);
}

/** What clients know of the instants of facts. */
function whenSeen(changes: readonly Change[], looks: readonly PlacedLook[], { floor, lastSeq }: Replay) {
  const there = new Float64Array(lastSeq - floor + 2).fill(Number.POSITIVE_INFINITY);
  const notYet = new Float64Array(lastSeq - floor + 2).fill(Number.NEGATIVE_INFINITY);
  const earlier = (seq: number, instant: number) => {
    there[seq - floor] = Math.min(there[seq - floor]!, instant);
  };
  for (const { operation, firstSeq, lastSeq: seq } of changes) {
    earlier(seq, operation.answeredAt);
    notYet[firstSeq - floor] = Math.max(notYet[firstSeq - floor]!, operation.askedAt);
  }
  for (const { place, answeredAt } of looks) earlier(place, answeredAt);
  for (let at = there.length - 2; at >= 0; at--) there[at] = Math.min(there[at]!, there[at + 1]!);
  for (let at = 1; at < notYet.length; at++) notYet[at] = Math.max(notYet[at]!, notYet[at - 1]!);
  return {
    /** The fact was there at this instant, if not before. */
    thereAt: (seq: number) => there[seq - floor]!,
    /** The fact was not there yet at this instant. */
    notYetAt: (seq: number) => notYet[seq - floor]!,
  };
}
