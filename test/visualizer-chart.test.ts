/** The charts of the page say what the machines say: no more, no less, and so that it can be read. */
import { describe, expect, it } from 'vitest';
import type { AnyStateMachine } from 'xstate';
import { poolMachine } from '../src/pool/pool-machine.ts';
import { tokenMachine } from '../src/token/token-machine.ts';
import { drawCharts } from '../src/visualizer/chart/draw.ts';
import type { Arrow, Box, Drawing, DrawnChart, Run, RunKind } from '../src/visualizer/chart/drawing.ts';
import { sizeOf } from '../src/visualizer/chart/metrics.ts';

interface Candidate {
  target?: string;
  reenter?: boolean;
  guard?: Named;
  actions?: Named | Named[];
}
type Named = string | { type: string; params?: unknown };
type Written = string | Candidate | readonly Candidate[];
interface WrittenState {
  on?: Record<string, Written>;
  always?: Written;
  after?: Record<string, Written>;
  entry?: Named | Named[];
  type?: string;
}

const list = <T>(one: T | readonly T[] | undefined): readonly T[] =>
  one === undefined ? [] : Array.isArray(one) ? (one as T[]) : [one as T];

/** With its code, where it is always the same. */
function nameOf(named: Named): string {
  if (typeof named === 'string') return named;
  const code = typeof named.params === 'object' ? (named.params as { code?: string }).code : undefined;
  return named.type + (code ? `(${code})` : '');
}

/** What is written in the source of a machine, line by line: read from its config, and not as the chart is. */
function written(machine: AnyStateMachine): { states: string[]; transitions: string[] } {
  const { id, states, ...root } = machine.config as WrittenState & { id: string; states: object };
  const all = { [id]: root, ...(states as Record<string, WrittenState>) };
  const transitions = Object.entries(all).flatMap(([source, { on = {}, always, after = {} }]) =>
    [
      ...Object.entries(on),
      ...Object.entries(after).map(([delay, to]) => [`after ${delay}`, to] as const),
      ['always', always ?? []] as const,
    ].flatMap(([event, candidates]) =>
      list(candidates as Candidate | string).map((one, index) => {
        const { target, reenter, guard, actions } =
          typeof one === 'string' ? ({ target: one } as Candidate) : one;
        return [
          source,
          event,
          index,
          guard ? nameOf(guard) : '-',
          list(actions).map(nameOf).join(' ') || '-',
          target?.replace('.', '') ?? 'stays',
          reenter === true ? 'again' : '',
        ].join(' | ');
      }),
    ),
  );
  const named = Object.entries(states as Record<string, WrittenState>).map(
    ([name, { type, entry }]) => `${name} ${type ?? ''} ${list(entry).map(nameOf).join(' ')}`,
  );
  return { states: named.sort(), transitions: transitions.sort() };
}

/** The same of a chart. */
function told({ states, transitions }: DrawnChart): ReturnType<typeof written> {
  return {
    states: states
      .map(({ id, isFinal, entry }) => `${id} ${isFinal ? 'final' : ''} ${entry.join(' ')}`)
      .sort(),
    transitions: transitions
      .map(({ source, event, isDelay, index, guard, actions, target, reenter }) =>
        [
          source,
          isDelay ? `after ${event}` : event,
          index,
          guard ?? '-',
          actions.join(' ') || '-',
          target ?? 'stays',
          reenter ? 'again' : '',
        ].join(' | '),
      )
      .sort(),
  };
}

const overlap = (one: Box, other: Box): boolean =>
  one.x < other.x + other.width - 0.2 &&
  other.x < one.x + one.width - 0.2 &&
  one.y < other.y + other.height - 0.2 &&
  other.y < one.y + one.height - 0.2;

const isWithin = (inner: Box, outer: Box): boolean =>
  inner.x >= outer.x - 0.2 &&
  inner.y >= outer.y - 0.2 &&
  inner.x + inner.width <= outer.x + outer.width + 0.2 &&
  inner.y + inner.height <= outer.y + outer.height + 0.2;

/** Before the letters, and around them: a clock and room for what is left, or a ring. */
const beside = (kind: RunKind): number => (kind === 'delay' ? 18 + 7 * 7.2 : kind === 'order' ? 8 : 0);

/** Where its letters are, of 0.6 em each, with what hangs below the line. */
const placeOf = ([kind, x, y, text]: Run): Box => ({
  x,
  y: y - 11,
  width: text.length * 0.6 * sizeOf[kind] + beside(kind),
  height: 15,
});

const runsOf = ({ boxes, letterings }: Drawing): Run[] =>
  [...boxes, ...letterings].flatMap(({ runs }) => runs);

const overlapping = <T>(all: readonly T[], place: (one: T) => Box): [T, T][] =>
  all.flatMap((one, n) =>
    all
      .slice(n + 1)
      .filter((other) => overlap(place(one), place(other)))
      .map((other): [T, T] => [one, other]),
  );

/** The stretches of an arrow, as boxes of no width. */
const stretchesOf = ({ points }: Arrow): Box[] =>
  points.slice(1).map(([x, y], n) => {
    const [fromX, fromY] = points[n]!;
    const [left, top] = [Math.min(x, fromX), Math.min(y, fromY)];
    return { x: left, y: top, width: Math.abs(x - fromX) + 0.4, height: Math.abs(y - fromY) + 0.4 };
  });

/** On the edge of a box, and not in a corner. */
function isOnEdge([x, y]: [number, number], box: Box): boolean {
  const isOnSide = Math.min(Math.abs(x - box.x), Math.abs(x - box.x - box.width)) < 0.3;
  const isOnLevel = Math.min(Math.abs(y - box.y), Math.abs(y - box.y - box.height)) < 0.3;
  const isBeside = x > box.x + 2 && x < box.x + box.width - 2;
  const isAlong = y > box.y + 2 && y < box.y + box.height - 2;
  return (isOnSide && isAlong) || (isOnLevel && isBeside);
}

const charts = await drawCharts();
const machines = {
  token: tokenMachine as unknown as AnyStateMachine,
  pool: poolMachine as unknown as AnyStateMachine,
};

describe.each(['token', 'pool'] as const)('the chart of the %s machine', (name) => {
  const chart = charts[name];

  it('has the states and the transitions that are written in the machine, and no others', () => {
    expect(told(chart)).toEqual(written(machines[name]));
    expect(chart.transitions.length).toBeGreaterThan(40);
    const initial = chart.states.filter(({ isInitial }) => isInitial).map(({ id }) => id);
    expect(initial).toEqual([machines[name].config.initial]);
  });

  describe.each(['wide', 'narrow'] as const)('%s', (form) => {
    const drawing = chart[form];
    const { boxes, arrows, letterings } = drawing;
    const boxOf = (id: string): Box => boxes.find((box) => box.id === id)!;
    const plates = arrows.flatMap(({ plate }) => plate ?? []);

    it('draws each state once, and the machine itself where something holds in all of them', () => {
      const root = chart.transitions.some(({ source }) => source === name) ? [name] : [];
      const states = chart.states.map(({ id }) => id);
      expect(boxes.map(({ id }) => id).sort()).toEqual([...root, ...states].sort());
    });

    it('writes each transition once, with its guard and its actions', () => {
      expect(letterings.map(({ transition }) => transition).sort((a, b) => a - b)).toEqual([
        ...chart.transitions.keys(),
      ]);
      for (const { transition, runs } of letterings) {
        const { event, index, of, guard, actions } = chart.transitions[transition]!;
        const text = runs.map(([, , , text]) => text).join(' ');
        // Below one another, its event is said of the first candidate.
        const [kind, , , first] = runs[0]!;
        if (kind === 'order') expect(index).toBeGreaterThan(0);
        else expect(first).toBe(event);
        if (of > 1) expect(text).toContain(String(index + 1));
        if (guard !== null) expect(text).toContain(`[${guard}]`);
        // Events that do the same share what they do, which stands behind the last of them.
        if (of > 1 || guard !== null) expect(text).toContain(actions.join(' · '));
      }
      const whole = runsOf(drawing).map(([, , , text]) => text);
      for (const { event } of chart.transitions) expect(whole).toContain(event);
    });

    it('leads each arrow from the edge of its state to the edge of its target', () => {
      const drawn = arrows.flatMap(({ transitions }) => transitions).sort((a, b) => a - b);
      const leading = [...chart.transitions.keys()].filter((n) => chart.transitions[n]!.target !== null);
      expect(drawn).toEqual(leading);
      for (const { transitions, points } of arrows)
        for (const n of transitions) {
          const { source, target } = chart.transitions[n]!;
          expect(isOnEdge(points[0]!, boxOf(source)), `${source} → ${target}`).toBe(true);
          expect(isOnEdge(points.at(-1)!, boxOf(target!)), `${source} → ${target}`).toBe(true);
        }
      const initial = chart.states.find(({ isInitial }) => isInitial)!.id;
      expect(isOnEdge(drawing.beginning.points.at(-1)!, boxOf(initial))).toBe(true);
    });

    it('overlaps no label, no box and no plate, and leaves nothing outside', () => {
      expect(overlapping(runsOf(drawing), placeOf)).toEqual([]);
      expect(overlapping([...boxes, ...plates], (box) => box)).toEqual([]);
      const all = { x: 0, y: 0, width: drawing.width, height: drawing.height };
      const frames: Box[] = [...boxes, ...plates];
      for (const frame of frames) expect(isWithin(frame, all)).toBe(true);
      for (const run of runsOf(drawing))
        expect(
          frames.some((frame) => isWithin(placeOf(run), frame)),
          run[3],
        ).toBe(true);
    });

    it('leads no arrow through a state, or through what is written on another', () => {
      for (const arrow of arrows)
        for (const stretch of stretchesOf(arrow)) {
          const inTheWay = [...boxes, ...plates].filter(
            (box) => box !== arrow.plate && overlap(stretch, shrunk(box)),
          );
          expect(inTheWay).toEqual([]);
        }
    });
  });

  it('is narrow enough for a phone', () => {
    expect(chart.narrow.width).toBeLessThanOrEqual(360);
  });
});

const shrunk = ({ x, y, width, height }: Box): Box => ({
  x: x + 1,
  y: y + 1,
  width: width - 2,
  height: height - 2,
});
