/** Draws the last hour on canvas: leases above, what happened to them below. Imported only when it is needed, for uPlot comes with it. */
import uPlot from 'uplot';
import { colourOf, onThemeChange } from '../canvas-colours.ts';
import { hourAndMinute, number } from '../format.ts';
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
type Name = (typeof names)[number];

/** As wide as the numbers of both plots, so that their minutes are below each other. */
const numbersWidth = 52;
const minutesHeight = 22;
const wholeSteps = [1, 10, 100, 1e3, 1e4, 1e5, 1e6].flatMap((power) => [power, 2 * power, 5 * power]);

export interface HourPlot {
  show(columns: Columns, size: number | null): void;
  destroy(): void;
}

/** What both plots go by: uPlot asks for it each time it draws. */
interface View {
  columns: Columns | null;
  /** Up to where leases are drawn. */
  top: number;
  font: string;
  palette: Record<Name, string>;
  /** Tells which minute is pointed at. */
  look: (plot: uPlot) => void;
}

/** Fills both hosts, which have a height of their own. `look`: which minute is pointed at, by its place; null: none. */
export function drawHour(
  hosts: { leases: HTMLElement; facts: HTMLElement },
  look: (place: number | null) => void,
): HourPlot {
  const { fontSize, fontFamily } = getComputedStyle(hosts.leases);
  const view: View = {
    columns: null,
    top: 1,
    font: `${fontSize} ${fontFamily}`,
    palette: paletteOf(hosts.leases),
    look: ({ cursor: { left = -1 }, posToVal }) =>
      look(left < 0 || view.columns === null ? null : minuteAt(view.columns, posToVal(left, 'x'))),
  };
  const leases = new uPlot({ ...sizeOf(hosts.leases), ...leasesOptions(view) }, [[], [], []], hosts.leases);
  const facts = new uPlot({ ...sizeOf(hosts.facts), ...factsOptions(view) }, [[], [], [], []], hosts.facts);
  const resized = new ResizeObserver(() => {
    leases.setSize(sizeOf(hosts.leases));
    facts.setSize(sizeOf(hosts.facts));
  });
  resized.observe(hosts.leases);
  const forget = onThemeChange(() => {
    view.palette = paletteOf(hosts.leases);
    for (const plot of [leases, facts]) plot.redraw();
  });
  return {
    show(columns, size) {
      const { top, showsSize } = scaleOf(Math.max(0, ...columns.active), size);
      Object.assign(view, { columns, top });
      leases.setData(leasesData(columns, showsSize ? size : null));
      facts.setData(factsData(columns));
    },
    destroy() {
      resized.disconnect();
      forget();
      for (const plot of [leases, facts]) plot.destroy();
    },
  };
}

/** The last minute is as wide as the others, and the size of the pool goes all the way. */
function leasesData({ from, to, at, active }: Columns, size: number | null): uPlot.AlignedData {
  const seconds = [from, ...at, to];
  return [seconds, [null, ...active, active.at(-1) ?? null], seconds.map(() => size)];
}

/** What begins is above, what ends is below. Expiries are behind evictions, and reach as far below them as there are. */
const factsData = ({ at, activated, evicted, expired }: Columns): uPlot.AlignedData => [
  at,
  activated,
  expired.map((count, place) => -(count + evicted[place]!)),
  evicted.map((count) => -count),
];

const leasesOptions = (view: View) => ({
  ...shared(view),
  padding: [8, 20, 4, 0] satisfies uPlot.Padding,
  scales: { x: xOf(view), y: { range: (): uPlot.Range.MinMax => [0, view.top] } },
  axes: [{ ...minutesOf(view), size: 0, values: () => [] }, numbersOf(view, 28)],
  series: [
    {},
    {
      paths: uPlot.paths.stepped!({ align: 1 }),
      stroke: () => view.palette.active,
      fill: () => view.palette['active-wash'],
      width: 2,
      points: { show: false },
    },
    { stroke: () => view.palette['line-strong'], width: 1.5, dash: [5, 4], points: { show: false } },
  ],
});

function factsOptions(view: View) {
  const paths = uPlot.paths.bars!({ size: [0.62, 14], align: 1 });
  const barred = (name: Name): uPlot.Series => ({
    paths,
    fill: () => view.palette[name],
    stroke: () => view.palette[name],
    width: 0,
    points: { show: false },
  });
  const range = (_: uPlot, least: number | null, most: number | null): uPlot.Range.MinMax => [
    Math.min(least ?? 0, -1),
    Math.max(most ?? 0, 1),
  ];
  return {
    ...shared(view),
    padding: [10, 20, 0, 0] satisfies uPlot.Padding,
    scales: { x: xOf(view), y: { range } },
    axes: [minutesOf(view), numbersOf(view, 22)],
    series: [{}, barred('accent'), barred('withdrawn'), barred('danger')],
  };
}

const shared = ({ look }: View) => ({
  legend: { show: false },
  cursor: { sync: { key: 'hour' }, drag: { x: false, y: false }, y: false, points: { show: false } },
  hooks: { setCursor: [look] },
});

const xOf = (view: View): uPlot.Scale => ({
  time: true,
  range: () => [view.columns?.from ?? 0, view.columns?.to ?? 3_600],
});

const axisOf = (view: View): uPlot.Axis => ({
  font: view.font,
  stroke: () => view.palette['ink-soft'],
  ticks: { show: false },
  grid: { stroke: () => view.palette.line, width: 1 },
});

/** `space`: between two of them at least. */
const numbersOf = (view: View, space: number): uPlot.Axis => ({
  ...axisOf(view),
  size: numbersWidth,
  incrs: wholeSteps,
  space,
  values: (_, splits) => splits.map((value) => number(Math.abs(value))),
});

const minutesOf = (view: View): uPlot.Axis => ({
  ...axisOf(view),
  size: minutesHeight,
  space: 56,
  incrs: [300, 600, 900, 1_800],
  values: (_, splits) => splits.map((second) => hourAndMinute(second * 1_000)),
});

const sizeOf = ({ clientWidth, clientHeight }: HTMLElement) => ({ width: clientWidth, height: clientHeight });

const paletteOf = (host: HTMLElement) =>
  Object.fromEntries(names.map((name) => [name, colourOf(host, name)])) as Record<Name, string>;
