/**
 * Whether clients could tell the service from one that does one thing after the other [I15]. The log is the witness of the
 * order of changes: it must respect the order in which they were asked and answered. Reads and refusals are not in it, so a
 * place is searched for each: between its question and its answer, where the pool is as it says, and not before the place
 * of anything that was answered before it was asked.
 *
 * The witness suffices: in whatever order a history is linearizable, the changes in it have an order, and the one that
 * the service promises is that of their facts. `search.ts` looks at short histories without believing the log.
 */

import { Bounds } from './bounds.ts';
import type { Operation, Violation } from './history.ts';
import { firstPlace, type Look, looksOf } from './places.ts';
import type { Replay } from './replay.ts';
import { type Change, said } from './witness.ts';

export interface PlacedLook extends Look {
  /** The first fact after which the pool was as it was shown. */
  place: number;
}

export function checkOrder(
  operations: readonly Operation[],
  changes: readonly Change[],
  replay: Replay,
): { violations: Violation[]; looks: PlacedLook[] } {
  const violations = outOfOrder(changes);
  const bounds = new Bounds(changes, replay);
  const looks: PlacedLook[] = [];
  const looking = operations.flatMap((operation) => looksOf(operation).map((look) => ({ look, operation })));
  for (const { look, operation } of looking.sort((a, b) => a.look.answeredAt - b.look.answeredAt)) {
    const low = bounds.lowest(look.askedAt);
    const high = bounds.highest(look.answeredAt);
    // The first place is the best: it forbids the least to those who come after.
    const place = firstPlace(look, replay, low, high);
    if (place === null)
      violations.push(`I15: at no place from ${low} to ${high}: ${toldWhat(operation, look)}`);
    else {
      bounds.note(look.answeredAt, place);
      looks.push({ ...look, place });
    }
  }
  return { violations, looks };
}

/** A change that was answered before another was asked comes before it in the log. */
function outOfOrder(changes: readonly Change[]): Violation[] {
  const violations: Violation[] = [];
  let latest = changes[0];
  for (const change of changes) {
    const { operation, lastSeq } = change;
    if (operation.answeredAt < latest!.operation.askedAt) {
      const later = `${said(latest!.operation)} and has seq ${latest!.lastSeq}`;
      violations.push(`I15: ${said(operation)} and has seq ${lastSeq}, before this was asked: ${later}`);
    }
    if (operation.askedAt > latest!.operation.askedAt) latest = change;
  }
  return violations;
}

function toldWhat(operation: Operation, { tokenId, answer }: Look): string {
  const shown = JSON.stringify(answer.shown ?? answer.body).slice(0, 800);
  return `${said(operation)} about ${tokenId ?? 'the pool'}: ${shown}`;
}
