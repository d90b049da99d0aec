/**
 * A machine as it is drawn, and what it is doing: the state that it is in glows, the transition just taken is followed along
 * its arrow, and a running timer fills its own. Owns no data; what it shows is in its properties.
 */
import type { Arrow, DrawnChart } from '../../chart/drawing.ts';
import { Beginning, DrawnArrow, DrawnLettering, DrawnPlate, DrawnState } from './drawn.tsx';
import { useForAMoment } from './moment.ts';
import { Spoken } from './spoken.tsx';
import { type Taken, type Timer, transitionTaken } from './taken.ts';
import { useView } from './viewing.ts';

interface MachineChartProps {
  chart: DrawnChart;
  /** The state that the machine is in; null: it is not known, or the machine is no more. */
  state: string | null;
  taken: Taken | null;
  /** Of the state that it is in; null: no timer runs. */
  timer: Timer | null;
}

export function MachineChart({ chart, state, taken, timer }: MachineChartProps) {
  const shown = useForAMoment(taken);
  const view = useView(chart);
  const { drawing, form } = view;
  const { transitions } = chart;
  const marked = transitionTaken(chart, shown);
  const running =
    timer && transitions.findIndex((each) => each.source === state && each.event === timer.delay);
  const timerOf = (n: number) => (n === running ? timer : null);
  return (
    <figure class="chart" data-machine={chart.id} data-form={form}>
      <div class="chart-tools">
        <button type="button" onClick={view.smaller} disabled={!view.canShrink} aria-label="Smaller">
          −
        </button>
        <button type="button" onClick={view.fit} aria-label="Fit the whole chart">
          Fit
        </button>
        <button type="button" onClick={view.larger} disabled={!view.canGrow} aria-label="Larger">
          +
        </button>
      </div>
      <section
        class={`chart-view${view.canShrink ? ' is-zoomed' : ''}`}
        ref={view.element}
        // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls has to be reached by the keyboard
        tabIndex={0}
        aria-label={`Chart of the ${chart.id}`}
        {...view.drag}
      >
        <svg
          role="img"
          aria-label={`State chart of the ${chart.id}${state === null ? '' : `, in ${state}`}`}
          viewBox={`0 0 ${drawing.width} ${drawing.height}`}
          width={drawing.width * view.scale}
          height={drawing.height * view.scale}
        >
          {drawing.boxes.map((box) => (
            <DrawnState key={box.id} chart={chart} box={box} isCurrent={box.id === state} />
          ))}
          <Beginning points={drawing.beginning.points} />
          {inOrder(drawing.arrows, running, marked).map((arrow) => (
            <DrawnArrow
              key={`${form} ${arrow.transitions.join()}`}
              arrow={arrow}
              timer={running !== null && arrow.transitions.includes(running) ? timer : null}
              taken={marked !== null && arrow.transitions.includes(marked) ? shown : null}
            />
          ))}
          {drawing.arrows.map(
            ({ plate, transitions }) => plate && <DrawnPlate key={transitions[0]} plate={plate} />,
          )}
          {drawing.letterings.map((lettering) => (
            <DrawnLettering
              key={lettering.transition}
              lettering={lettering}
              transition={transitions[lettering.transition]!}
              timer={timerOf(lettering.transition)}
              isTaken={lettering.transition === marked}
            />
          ))}
        </svg>
      </section>
      <Spoken chart={chart} state={state} />
    </figure>
  );
}

/** What is told of now lies above what it shares a track with. */
function inOrder(arrows: Arrow[], running: number | null, marked: number | null): Arrow[] {
  const rank = ({ transitions }: Arrow) =>
    transitions.includes(marked ?? -1) ? 2 : transitions.includes(running ?? -1) ? 1 : 0;
  return arrows.toSorted((one, other) => rank(one) - rank(other));
}
