/**
 * Text in known places: every run is of a monospace font, whose letters are 0.6 em wide, so that its width is known where
 * nothing can be measured. The page holds each run to that width.
 */
import type { ChartTransition } from './chart.ts';
import type { Run, RunKind } from './drawing.ts';
import { advanceOf, iconWidth, lineHeight } from './metrics.ts';

/** Text set from an origin of its own. */
export interface TextBlock {
  width: number;
  height: number;
  runs: Run[];
}

export type Piece = [kind: RunKind, text: string];

export const widthOf = ([kind, text]: Piece): number => text.length * advanceOf[kind] + iconWidth(kind);

/** Sets pieces one after another, in lines of at most `widthMax` where none of them is wider; later lines are indented. */
export function flow(pieces: readonly Piece[], widthMax: number, indent = 0): TextBlock {
  const runs: Run[] = [];
  let [x, line, width, isFirst] = [0, 0, 0, true];
  for (const piece of pieces) {
    const [kind, text] = piece;
    const space = isFirst ? 0 : advanceOf.actions;
    const last = runs.at(-1);
    // Behind a delay is room for what is left of it, and nothing else.
    if (!isFirst && (last?.[0] === 'delay' || x + space + widthOf(piece) > widthMax)) {
      line += 1;
      x = indent;
      isFirst = true;
    }
    const start = isFirst ? x : x + space;
    // Actions of one line are one run.
    if (!isFirst && kind === 'actions' && last?.[0] === kind) last[3] += ` ${text}`;
    else runs.push([kind, start, (line + 1) * lineHeight - 4, text]);
    x = start + widthOf(piece);
    width = Math.max(width, x);
    isFirst = false;
  }
  return { width, height: (line + 1) * lineHeight, runs };
}

export const eventPiece = ({ event, isDelay }: ChartTransition): Piece => [
  isDelay ? 'delay' : 'event',
  event,
];

/** What follows the event: which of several it is, its guard and its actions; and where there is no plate, its target. */
export function reactionPieces(
  { index, of, guard, actions, target }: ChartTransition,
  isTold = false,
): Piece[] {
  return [
    ...(of > 1 ? ([['order', String(index + 1)]] as Piece[]) : []),
    ...(guard !== null ? ([['guard', `[${guard}]`]] as Piece[]) : []),
    ...(guard === null && index > 0 ? ([['guard', 'else']] as Piece[]) : []),
    ...actions.map((action, n): Piece => {
      const slash = n === 0 ? '/ ' : '';
      return ['actions', `${slash}${action}${n < actions.length - 1 ? ' ·' : ''}`];
    }),
    ...(isTold && target !== null ? ([['target', `→ ${target}`]] as Piece[]) : []),
  ];
}

export const moveRuns = (runs: readonly Run[], dx: number, dy: number): Run[] =>
  runs.map(([kind, x, y, text]) => [kind, x + dx, y + dy, text]);
