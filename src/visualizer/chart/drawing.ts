/** What a chart looks like when it has been laid out: places in pixels from the top left. Plain data, which the page draws as it is. */
import type { Chart } from './chart.ts';

export interface Box {
  x: number;
  y: number;
  width: number;
  height: number;
}

/**
 * How a run of text looks; `order`: the place of a candidate among several, in a ring; `delay`: behind a clock, and with room
 * for what is left of it; `target`: where it leads.
 */
export type RunKind = 'event' | 'delay' | 'guard' | 'actions' | 'order' | 'target' | 'title' | 'entry';

/** Text in one line: what it is, where its base line begins, and what it says. */
export type Run = [kind: RunKind, x: number, y: number, text: string];

/** What is written of one transition: on its arrow, or in the box of its state where it has none. */
export interface Lettering extends Box {
  /** Its place in the chart's list. */
  transition: number;
  runs: Run[];
}

export interface StateBox extends Box {
  /** A state, or the machine itself for what holds in all of them. */
  id: string;
  runs: Run[];
}

/**
 * One arrow for all that leads from a state to the same other one; what begins with a delay has its own. In the narrow
 * drawing each transition has.
 */
export interface Arrow {
  transitions: number[];
  points: [x: number, y: number][];
  /** Behind what is written on it; null where that is in the box it comes from. */
  plate: Box | null;
}

export interface Drawing {
  width: number;
  height: number;
  boxes: StateBox[];
  arrows: Arrow[];
  letterings: Lettering[];
  /** Where the machine begins. */
  beginning: { points: [x: number, y: number][] };
}

export interface DrawnChart extends Chart {
  wide: Drawing;
  narrow: Drawing;
}

export interface DrawnCharts {
  token: DrawnChart;
  pool: DrawnChart;
}
