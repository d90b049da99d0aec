/** What stands in the box of a state: its name, what it does on entering, and the transitions that stay in it, by event. */
import type { Chart } from './chart.ts';
import type { Lettering, Run } from './drawing.ts';
import { eventPiece, flow, moveRuns, type Piece, reactionPieces, widthOf } from './lettering.ts';
import { boxPadding, entryWidth, groupGap, lineHeight, sizeOf, titleHeight } from './metrics.ts';

/** A box set from an origin of its own. */
export interface SetBox {
  id: string;
  width: number;
  height: number;
  runs: Run[];
  letterings: Lettering[];
}

/** Transitions that are told together: of one event, or of several that do the same. */
type Group = number[];

/** How boxes are set: `columns` of rows side by side, each of at most `widthMax`; or all below one another. */
export interface BoxStyle {
  columns: number;
  widthMax: number;
  isStacked: boolean;
}

/** `shown`: which transitions stand in it. */
export function setBox(chart: Chart, id: string, shown: Group, style: BoxStyle): SetBox {
  const { columns, widthMax } = style;
  const state = chart.states.find((state) => state.id === id);
  const title: Piece = ['title', state ? id : `in any state of the ${id}`];
  const runs: Run[] = [['title', boxPadding, boxPadding + sizeOf.title - 3, title[1]]];
  let width = widthOf(title);
  let top = boxPadding + titleHeight;
  if (state && state.entry.length > 0) {
    const entry = flow(
      state.entry.map((action, n): Piece => ['entry', n === 0 ? `entry / ${action}` : `· ${action}`]),
      Math.min(widthMax, entryWidth),
      12,
    );
    runs.push(...moveRuns(entry.runs, boxPadding, top - 4));
    width = Math.max(width, entry.width);
    top += entry.height;
  }
  const eventWidth = style.isStacked ? 0 : eventColumn(chart, shown);
  const groups = groupsOf(chart, shown).map((group) => {
    if (isJoined(chart, group)) return setJoined(chart, group, widthMax);
    return style.isStacked ? setStacked(chart, group, widthMax) : setRows(chart, group, eventWidth, widthMax);
  });
  const letterings: Lettering[] = [];
  let [x, bottom] = [boxPadding, top];
  for (const column of inColumns(groups, columns)) {
    let y = top;
    for (const group of column) {
      letterings.push(...group.letterings.map((each) => moved(each, x, y)));
      y += group.height + groupGap;
    }
    const columnWidth = Math.max(...column.map((group) => group.width));
    width = Math.max(width, x - boxPadding + columnWidth);
    x += columnWidth + 2 * boxPadding;
    bottom = Math.max(bottom, y - groupGap);
  }
  const height = groups.length > 0 ? bottom + boxPadding : top + boxPadding - 6;
  return { id, width: width + 2 * boxPadding, height, runs, letterings };
}

interface SetGroup {
  width: number;
  height: number;
  letterings: Lettering[];
}

const moved = (lettering: Lettering, dx: number, dy: number): Lettering => ({
  ...lettering,
  x: lettering.x + dx,
  y: lettering.y + dy,
  runs: moveRuns(lettering.runs, dx, dy),
});

/** By event, in the order of the machine; those that do the same whatever happens come together. */
function groupsOf({ transitions }: Chart, shown: Group): Group[] {
  const groups = new Map<string, Group>();
  for (const each of shown) {
    const { event, of, guard, target, actions } = transitions[each]!;
    const key = of === 1 && guard === null && target === null ? `/${actions.join()}` : event;
    groups.set(key, [...(groups.get(key) ?? []), each]);
  }
  return [...groups.values()];
}

/** How wide the column of the events has to be. */
function eventColumn(chart: Chart, shown: Group): number {
  const singles = groupsOf(chart, shown).filter((group) => !isJoined(chart, group));
  return Math.max(0, ...singles.map(([first]) => widthOf(eventPiece(chart.transitions[first!]!)))) + 8;
}

const isJoined = ({ transitions }: Chart, group: Group): boolean =>
  new Set(group.map((each) => transitions[each]!.event)).size > 1;

/** The event, and beside it one below the other what may come of it. */
function setRows({ transitions }: Chart, group: Group, column: number, widthMax: number): SetGroup {
  let [width, y] = [0, 0];
  const letterings = group.map((each, n): Lettering => {
    const transition = transitions[each]!;
    const event = n === 0 ? flow([eventPiece(transition)], widthMax).runs : [];
    const reaction = flow(reactionPieces(transition), widthMax - column, 12);
    const top = y;
    y += reaction.height;
    width = Math.max(width, column + reaction.width);
    const x = n === 0 ? 0 : column;
    return {
      transition: each,
      x,
      y: top,
      width: column + reaction.width - x,
      height: reaction.height,
      runs: [...moveRuns(event, 0, top), ...moveRuns(reaction.runs, column, top)],
    };
  });
  return { width, height: y, letterings };
}

/** The event, and below it what may come of it. */
function setStacked({ transitions }: Chart, group: Group, widthMax: number): SetGroup {
  let [width, y] = [0, 0];
  const letterings = group.map((each, n): Lettering => {
    const transition = transitions[each]!;
    const event = n === 0 ? flow([eventPiece(transition)], widthMax) : null;
    const isAlone = group.length === 1;
    const reaction = reactionPieces(transition, true);
    const block = isAlone
      ? flow([eventPiece(transition), ...reaction], widthMax, 12)
      : flow(reaction, widthMax - 12, 12);
    const top = y;
    const below = isAlone || event === null ? 0 : event.height;
    y += below + block.height;
    width = Math.max(width, block.width + (isAlone ? 0 : 12), event?.width ?? 0);
    return {
      transition: each,
      x: 0,
      y: top,
      width: Math.max(block.width + (isAlone ? 0 : 12), event?.width ?? 0),
      height: y - top,
      runs: [
        ...(isAlone ? [] : moveRuns(event?.runs ?? [], 0, top)),
        ...moveRuns(block.runs, isAlone ? 0 : 12, top + below),
      ],
    };
  });
  return { width, height: y, letterings };
}

/** The events one after another, and behind the last of them what they all do. */
function setJoined({ transitions }: Chart, group: Group, widthMax: number): SetGroup {
  const names = group.map((each) => eventPiece(transitions[each]!));
  const { runs, width, height } = flow([...names, ...reactionPieces(transitions[group[0]!]!)], widthMax, 12);
  const letterings = group.map((transition, n): Lettering => {
    const own = n < group.length - 1 ? [runs[n]!] : runs.slice(n);
    // The last one may go on in the next line: its box is that of its name, what they all do has none of its own.
    const [kind, x, y, text] = own[0]!;
    return {
      transition,
      x,
      y: y + 4 - lineHeight,
      width: widthOf([kind, text]),
      height: lineHeight,
      runs: own,
    };
  });
  return { width, height, letterings };
}

/** As equally high as may be, in their order. */
function inColumns(groups: SetGroup[], columns: number): SetGroup[][] {
  const total = groups.reduce((sum, { height }) => sum + height + groupGap, 0);
  const result: SetGroup[][] = [];
  let sum = 0;
  for (const group of groups) {
    const column = Math.min(columns - 1, Math.floor(((sum + group.height / 2) / total) * columns));
    const place = Math.min(column, result.length);
    result[place] = [...(result[place] ?? []), group];
    sum += group.height + groupGap;
  }
  return result;
}
