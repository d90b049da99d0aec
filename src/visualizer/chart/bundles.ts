/** Which transitions share an arrow in the wide drawing, and the plate on which they are written. */
import type { Chart } from './chart.ts';
import type { Lettering } from './drawing.ts';
import { eventPiece, flow, moveRuns, reactionPieces } from './lettering.ts';
import { plateGap, platePadding } from './metrics.ts';

/** All from a state to the same other one; but a delay, and what does the same as it, has an arrow of its own. */
export function bundlesOf({ transitions }: Chart): number[][] {
  const bundles = new Map<string, number[]>();
  for (const [n, { source, target, actions, isDelay }] of transitions.entries()) {
    if (target === null) continue;
    const isLikeDelay = transitions.some(
      (other) =>
        other.isDelay &&
        other.source === source &&
        other.target === target &&
        other.actions.join() === actions.join(),
    );
    const key = `${source} ${target} ${isLikeDelay}`;
    const bundle = bundles.get(key) ?? [];
    bundles.set(key, isDelay ? [n, ...bundle] : [...bundle, n]);
  }
  return [...bundles.values()];
}

/** Text on an arrow, set from an origin of its own. */
export interface Plate {
  width: number;
  height: number;
  letterings: Lettering[];
}

export function setPlate({ transitions }: Chart, bundle: readonly number[], widthMax: number): Plate {
  let [width, y] = [0, platePadding];
  const letterings = bundle.map((n): Lettering => {
    const transition = transitions[n]!;
    const block = flow([eventPiece(transition), ...reactionPieces(transition)], widthMax, 12);
    const top = y;
    y += block.height + plateGap;
    width = Math.max(width, block.width);
    return {
      transition: n,
      x: platePadding,
      y: top,
      width: block.width,
      height: block.height,
      runs: moveRuns(block.runs, platePadding, top),
    };
  });
  return { width: width + 2 * platePadding, height: y - plateGap + platePadding, letterings };
}
