/** Draws the last hour on canvas: leases above, what happened to them below. Imported only when it is needed, for uPlot comes with it. */
import uPlot from 'uplot';
import { hourAndMinute, number } from '../format.ts';
import { colourOf, onThemeChange } from './canvas-colours.ts';
import { type Columns, minuteAt, scaleOf } from './hour.ts';

const names = [
  'active',
  'active-wash',
  'accent',
  'danger',
  'withdrawn',
  'ink-soft',
  'line',
  'line-strong',
] as const;
type Palette = Record<(typeof names)[number], string>;

/** As wide as the numbers of both plots, so that their minutes are below each other. */
const numbersWidth = 52;
const minutesHeight = 22;
const wholeSteps = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1e3, 2e3, 5e3, 1e4, 2e4, 5e4, 1e5, 2e5, 5e5, 1e6];

export interface HourPlot {
  show(columns: Columns, size: number | null): void;
  destroy(): void;
}

/** Fills both hosts, which have a height of their own. `look`: which minute is pointed at, by its place; null: none. */
export function drawHour(
  hosts: { leases: HTMLElement; facts: HTMLElement },
  look: (place: number | null) => void,
): HourPlot {
  const { leases: above, facts: below } = hosts;
  let palette = paletteOf(above);
  const font = `${getComputedStyle(above).fontSize} ${getComputedStyle(above).fontFamily}`;
  const colour = (name: keyof Palette) => () => palette[name];
  let columns: Columns | null = null;
  let top = 1;
  const axis = { font, stroke: colour('ink-soft'), ticks: { show: false } };
  const grid = { stroke: colour('line'), width: 1 };
  const numbers: uPlot.Axis = {
    ...axis,
    size: numbersWidth,
    incrs: wholeSteps,
    space: 28,
    grid,
    values: (_, splits) => splits.map((value) => number(Math.abs(value))),
  };
  const minutes: uPlot.Axis = {
    ...axis,
    size: minutesHeight,
    grid,
    space: 56,
    incrs: [300, 600, 900, 1_800],
    values: (_, splits) => splits.map((second) => hourAndMinute(second * 1_000)),
  };
  const cursor: uPlot.Cursor = {
    sync: { key: 'hour' },
    drag: { x: false, y: false },
    y: false,
    points: { show: false },
  };
  const x = { time: true, range: (): [number, number] => [columns?.from ?? 0, columns?.to ?? 3_600] };
  const looked = ({ cursor: { left = -1 }, posToVal }: uPlot) =>
    look(left < 0 || columns === null ? null : minuteAt(columns, posToVal(left, 'x')));

  const leases = new uPlot(
    {
      ...sizeOf(above),
      padding: [8, 8, 4, 0],
      legend: { show: false },
      cursor,
      scales: { x, y: { range: () => [0, top] } },
      axes: [{ ...minutes, size: 0, values: () => [] }, numbers],
      series: [
        {},
        {
          paths: uPlot.paths.stepped!({ align: 1 }),
          stroke: colour('active'),
          fill: colour('active-wash'),
          width: 2,
          points: { show: false },
        },
        { stroke: colour('line-strong'), width: 1.5, dash: [5, 4], points: { show: false } },
      ],
      hooks: { setCursor: [looked] },
    },
    [[], [], []],
    above,
  );
  const bars = uPlot.paths.bars!({ size: [0.62, 14], align: 1 });
  const barred = (name: keyof Palette): uPlot.Series => ({
    paths: bars,
    fill: colour(name),
    stroke: colour(name),
    width: 0,
    points: { show: false },
  });
  const facts = new uPlot(
    {
      ...sizeOf(below),
      padding: [10, 8, 0, 0],
      legend: { show: false },
      cursor,
      scales: { x, y: { range: (_, least, most) => [Math.min(least ?? 0, -1), Math.max(most ?? 0, 1)] } },
      axes: [minutes, { ...numbers, space: 22 }],
      // Expiries are behind evictions, and reach as far below them as there are.
      series: [{}, barred('accent'), barred('withdrawn'), barred('danger')],
      hooks: { setCursor: [looked] },
    },
    [[], [], [], []],
    below,
  );

  const plots = [leases, facts] as const;
  const resized = new ResizeObserver(() => {
    leases.setSize(sizeOf(above));
    facts.setSize(sizeOf(below));
  });
  resized.observe(above);
  const forget = onThemeChange(() => {
    palette = paletteOf(above);
    for (const plot of plots) plot.redraw();
  });

  return {
    show(given, size) {
      columns = given;
      const scale = scaleOf(Math.max(0, ...given.active), size);
      top = scale.top;
      // The last minute is as wide as the others.
      const at = [...given.at, given.to];
      // The size of the pool goes all the way, also where nothing was counted.
      const sizes = at.map(() => (scale.showsSize ? size : null));
      leases.setData([
        [given.from, ...at],
        [null, ...given.active, given.active.at(-1) ?? null],
        [scale.showsSize ? size : null, ...sizes],
      ]);
      facts.setData([
        given.at,
        given.activated,
        given.expired.map((expired, place) => -(expired + given.evicted[place]!)),
        given.evicted.map((evicted) => -evicted),
      ]);
    },
    destroy() {
      resized.disconnect();
      forget();
      for (const plot of plots) plot.destroy();
    },
  };
}

const sizeOf = ({ clientWidth, clientHeight }: HTMLElement) => ({ width: clientWidth, height: clientHeight });

const paletteOf = (host: HTMLElement): Palette =>
  Object.fromEntries(names.map((name) => [name, colourOf(host, name)])) as Palette;
