/** Moving the simulated clock of the service, where it has one. */
import { countdown, dateAndTime } from '../format.ts';
import { advance, advanceToDeadline, clockProblem, nextDeadline, pace } from '../store/simulated.ts';
import { clockKind, latest, liveNow } from '../store/store.ts';
import { tick } from '../store/ticking.ts';

export function ClockBar() {
  if (clockKind.value !== 'simulated') return null;
  tick.value;
  latest.value;
  const next = nextDeadline.value;
  return (
    <section class="clock-bar" aria-label="Simulated clock">
      <p>
        <span class="soft">Simulated clock</span> <time class="mono">{dateAndTime(liveNow())}</time>
        <span class="soft">
          {next === null ? 'nothing ends by itself' : `next deadline in ${countdown(next - liveNow())}`}
        </span>
      </p>
      {/* biome-ignore lint/a11y/useSemanticElements: a fieldset looks and reads like a form */}
      <div class="clock-acts" role="group" aria-label="Move the clock">
        <button type="button" onClick={() => void advance(1000)}>
          +1 s
        </button>
        <button type="button" onClick={() => void advance(60_000)}>
          +1 min
        </button>
        <button type="button" disabled={next === null} onClick={() => void advanceToDeadline()}>
          To the next deadline
        </button>
        <Pace of={1} />
        <Pace of={60} />
        <button
          type="button"
          disabled={pace.value === 0}
          onClick={() => {
            pace.value = 0;
          }}
        >
          Stand still
        </button>
      </div>
      <p class="said bad" role="status" aria-label="Refusal of the clock">
        {clockProblem.value}
      </p>
    </section>
  );
}

const Pace = ({ of }: { of: 1 | 60 }) => (
  <button
    type="button"
    aria-pressed={pace.value === of}
    onClick={() => {
      pace.value = of;
    }}
  >
    Play ×{of}
  </button>
);
