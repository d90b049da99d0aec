/** The parts of a chart as SVG: its states, its arrows, and what is written. */
import type { ChartTransition } from '../../chart/chart.ts';
import type { Arrow, Box, DrawnChart, Lettering, Run, StateBox } from '../../chart/drawing.ts';
import { advanceOf, clockWidth, ringWidth, sizeOf } from '../../chart/metrics.ts';
import { countdown } from '../format.ts';
import { headOf, strokeOf } from './strokes.ts';
import type { Taken, Timer } from './taken.ts';

const around = ({ x, y, width, height }: Box, by: number) => ({
  x: x - by,
  y: y - by,
  width: width + 2 * by,
  height: height + 2 * by,
});

export function DrawnState({
  chart,
  box,
  isCurrent,
}: {
  chart: DrawnChart;
  box: StateBox;
  isCurrent: boolean;
}) {
  const state = chart.states.find(({ id }) => id === box.id);
  const told = state ? { 'data-state': box.id } : { 'data-root': box.id };
  return (
    <g class={`chart-state${isCurrent ? ' is-current' : ''}`} {...told}>
      {isCurrent && <rect class="glow" {...around(box, 3)} rx="12" />}
      <rect class="frame" {...around(box, 0)} rx="9" />
      {state?.isFinal && <rect class="frame inner" {...around(box, -3)} rx="7" />}
      {isCurrent && <circle class="lamp" cx={box.x + box.width - 17} cy={box.y + 18} r="5" />}
      <Runs runs={box.runs} />
    </g>
  );
}

/** The dot at which the machine begins, and its arrow. */
export function Beginning({ points }: { points: Arrow['points'] }) {
  return (
    <g class="chart-arrow">
      <circle class="beginning" cx={points[0]![0]} cy={points[0]![1]} r="5" />
      <path class="stroke" d={strokeOf(points)} />
      <path class="head" d={headOf(points)} />
    </g>
  );
}

export function DrawnArrow({
  arrow: { points },
  timer,
  taken,
}: {
  arrow: Arrow;
  timer: Timer | null;
  taken: Taken | null;
}) {
  const path = strokeOf(points);
  const passed = timer && 1 - share(timer);
  return (
    <g class={`chart-arrow${taken ? ' is-taken' : ''}${timer ? ' is-timed' : ''}`}>
      <path class="stroke" d={path} />
      {passed !== null && passed > 0 && (
        <path class="filling" d={path} pathLength={1} stroke-dasharray={`${passed} 2`} />
      )}
      <path class="head" d={headOf(points)} />
      {taken && <path class="runner" key={taken.key} d={path} pathLength={1} />}
    </g>
  );
}

export const DrawnPlate = ({ plate }: { plate: Box }) => <rect class="chart-plate" {...plate} rx="5" />;

export function DrawnLettering({
  lettering,
  transition: { source, event, index },
  timer,
  isTaken,
}: {
  lettering: Lettering;
  transition: ChartTransition;
  timer: Timer | null;
  isTaken: boolean;
}) {
  const { runs } = lettering;
  return (
    <g
      class={`chart-lettering${isTaken ? ' is-taken' : ''}${timer ? ' is-timed' : ''}`}
      data-transition={`${source} ${event} ${index}`}
    >
      <rect class="mark" {...around(lettering, 2)} rx="4" />
      <Runs runs={runs} timer={timer} />
    </g>
  );
}

/** Each is held to the width that the layout has given it, whatever the font. */
function Runs({ runs, timer = null }: { runs: Run[]; timer?: Timer | null }) {
  return runs.map(([kind, x, y, text]) => {
    const start =
      x + (kind === 'delay' ? clockWidth : kind === 'order' ? (ringWidth - advanceOf.order) / 2 : 0);
    return (
      <>
        {kind === 'delay' && <Clock x={x} y={y} timer={timer} />}
        {kind === 'order' && <Ring x={x} y={y} letters={text.length} />}
        <text
          class={kind}
          x={start}
          y={kind === 'order' ? y - 1 : y}
          font-size={sizeOf[kind]}
          textLength={text.length * advanceOf[kind]}
          lengthAdjust="spacingAndGlyphs"
        >
          {text}
        </text>
        {kind === 'delay' && timer && (
          <text
            class="countdown"
            x={start + (text.length + 0.8) * advanceOf.delay}
            y={y}
            font-size={sizeOf.delay}
          >
            {countdown(timer.remainingMs)}
          </text>
        )}
      </>
    );
  });
}

const Ring = ({ x, y, letters }: { x: number; y: number; letters: number }) => (
  <rect
    class="ring"
    x={x}
    y={y - 10.5}
    width={ringWidth + (letters - 1) * advanceOf.order}
    height="13"
    rx="6.5"
  />
);

/** With what is left of a running timer around it. */
function Clock({ x, y, timer }: { x: number; y: number; timer: Timer | null }) {
  const [cx, cy] = [x + 7, y - 4];
  return (
    <g class="clock">
      <circle class="dial" cx={cx} cy={cy} r="6" />
      {timer && (
        <circle
          class="left"
          cx={cx}
          cy={cy}
          r="6"
          pathLength={1}
          stroke-dasharray={`${share(timer)} 2`}
          transform={`rotate(-90 ${cx} ${cy})`}
        />
      )}
      <path class="hands" d={`M${cx} ${cy - 3.5}V${cy}H${cx + 2.5}`} />
    </g>
  );
}

/** What is left of a timer, from 0 to 1. */
const share = ({ remainingMs, wholeMs }: Timer): number =>
  wholeMs > 0 ? Math.min(1, Math.max(0, remainingMs / wholeMs)) : 0;
