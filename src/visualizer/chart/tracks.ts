/**
 * The narrow drawing, for a phone: the states one below the other, each with all its transitions in its box, and arrows on
 * tracks beside them. elkjs needs three times the width for any chart with labels on its arrows.
 */
import type { Chart } from './chart.ts';
import type { Arrow, Drawing, Lettering, StateBox } from './drawing.ts';
import { moveRuns } from './lettering.ts';
import { narrow } from './metrics.ts';
import { movedTo, placeOf, round, rounded } from './placing.ts';
import { setBox } from './state-box.ts';

export function tracksOf(chart: Chart): Drawing {
  const { transitions } = chart;
  const sources = new Set(transitions.map(({ source }) => source));
  const ids = [...(sources.has(chart.id) ? [chart.id] : []), ...chart.states.map(({ id }) => id)];
  const sets = ids.map((id) => setBox(chart, id, ofState(chart, id), narrow.box));
  const width = Math.max(...sets.map((set) => set.width));
  const initial = chart.states.find(({ isInitial }) => isInitial)!.id;
  const boxes: StateBox[] = [];
  const letterings: Lettering[] = [];
  let y = narrow.margin;
  for (const set of sets) {
    if (set.id === initial) y += narrow.beginning;
    const at = { x: narrow.margin, y };
    boxes.push({
      id: set.id,
      ...placeOf({ ...at, width, height: set.height }),
      runs: rounded(moveRuns(set.runs, at.x, at.y)),
    });
    letterings.push(...set.letterings.map((each) => movedTo(each, at)));
    y += set.height + narrow.between;
  }
  const first = boxes.find(({ id }) => id === initial)!;
  const { arrows, tracks } = arrowsOf(chart, boxes, letterings);
  return {
    width: Math.ceil(narrow.margin + width + narrow.track * (tracks + 1)),
    height: Math.ceil(y - narrow.between + narrow.margin),
    boxes,
    arrows,
    letterings,
    beginning: {
      points: [
        [first.x + 24, first.y - narrow.beginning],
        [first.x + 24, first.y],
      ],
    },
  };
}

/** Its timer comes first: it is what the state waits for. */
function ofState({ transitions }: Chart, id: string): number[] {
  const own = [...transitions.keys()].filter((n) => transitions[n]!.source === id);
  return [...own.filter((n) => transitions[n]!.isDelay), ...own.filter((n) => !transitions[n]!.isDelay)];
}

interface Track {
  target: string;
  /** Where its arrows begin. */
  ports: { transition: number; y: number }[];
  /** Where they end. */
  end: number;
}

/** All arrows to a state share its track, and tracks that do not meet share a column. */
function arrowsOf(
  { transitions }: Chart,
  boxes: readonly StateBox[],
  letterings: readonly Lettering[],
): { arrows: Arrow[]; tracks: number } {
  const tracks = new Map<string, Track>();
  for (const { transition, runs } of letterings) {
    const told = runs.find(([kind]) => kind === 'target');
    if (told === undefined) continue;
    const target = transitions[transition]!.target!;
    const box = boxes.find(({ id }) => id === target)!;
    const track = tracks.get(target) ?? { target, ports: [], end: round(box.y + narrow.entrance) };
    track.ports.push({ transition, y: round(told[2] - 4) });
    tracks.set(target, track);
  }
  const columns: Track[][] = [];
  for (const track of [...tracks.values()].sort((one, other) => lengthOf(one) - lengthOf(other))) {
    const column = columns.find((column) => column.every((other) => !meet(other, track)));
    if (column) column.push(track);
    else columns.push([track]);
  }
  const edge = boxes[0]!.x + boxes[0]!.width;
  const arrows = columns.flatMap((column, n) =>
    column.flatMap(({ ports, end }) =>
      ports.map(({ transition, y }): Arrow => {
        const x = round(edge + narrow.track * (n + 1) + 4);
        return {
          transitions: [transition],
          points: [
            [edge, y],
            [x, y],
            [x, end],
            [edge, end],
          ],
          plate: null,
        };
      }),
    ),
  );
  return { arrows, tracks: columns.length };
}

const spanOf = ({ ports, end }: Track): [number, number] => {
  const all = [...ports.map(({ y }) => y), end];
  return [Math.min(...all), Math.max(...all)];
};
const lengthOf = (track: Track): number => spanOf(track)[1] - spanOf(track)[0];

function meet(one: Track, other: Track): boolean {
  const [from, to] = spanOf(one);
  const [start, end] = spanOf(other);
  return from <= end + narrow.track && start <= to + narrow.track;
}
