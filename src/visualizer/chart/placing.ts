/** Brings what has been set from an origin of its own to its place, in tenths of a pixel. */
import type { Box, Lettering } from './drawing.ts';
import { moveRuns } from './lettering.ts';

type At = { x?: number; y?: number; width?: number; height?: number };

export const round = (value: number): number => Math.round(value * 10) / 10;
export const rounded = (runs: Lettering['runs']): Lettering['runs'] =>
  runs.map(([kind, x, y, text]) => [kind, round(x), round(y), text]);

export const placeOf = ({ x, y, width, height }: At): Box => ({
  x: round(x!),
  y: round(y!),
  width: round(width!),
  height: round(height!),
});

export const movedTo = (lettering: Lettering, { x, y }: At): Lettering => ({
  transition: lettering.transition,
  ...placeOf({ ...lettering, x: lettering.x + x!, y: lettering.y + y! }),
  runs: rounded(moveRuns(lettering.runs, x!, y!)),
});
