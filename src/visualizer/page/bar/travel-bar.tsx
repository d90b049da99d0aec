/** Time travel: a slider over all facts of the log, steps, play, and back to now. */
import { useSignal } from '@preact/signals';
import { dateAndTime, number } from '../format.ts';
import { Copy } from '../shell/copy.tsx';
import { nameOf } from '../store/names.ts';
import { addressNow, connection, headSeq, isPast, oldestSeq, travelledTo } from '../store/store.ts';
import {
  backToNow,
  pastFact,
  play,
  playing,
  stepBy,
  travelNote,
  travelProblem,
  travelTo,
  travelToInstant,
} from '../store/travel.ts';
import { factInWords, isHalfway } from '../store/words.ts';

export function TravelBar() {
  const oldest = oldestSeq.value ?? 0;
  const head = headSeq.value ?? 0;
  const at = travelledTo.value ?? head;
  const isEmpty = head <= oldest;
  return (
    <section class={`travel${isPast.value ? ' travel-past' : ''}`} aria-label="Time travel">
      <PastBanner />
      {/* biome-ignore lint/a11y/useSemanticElements: a fieldset looks and reads like a form */}
      <div class="travel-steps" role="group" aria-label="Steps">
        <button
          type="button"
          disabled={isEmpty || at <= oldest}
          aria-label="One fact back"
          onClick={() => stepBy(-1)}
        >
          ‹
        </button>
        <button
          type="button"
          disabled={isEmpty}
          aria-pressed={playing.value}
          aria-label={playing.value ? 'Pause' : 'Play'}
          onClick={() => void play()}
        >
          {playing.value ? '❚❚' : '▶'}
        </button>
        <button
          type="button"
          disabled={isEmpty || !isPast.value || at >= head}
          aria-label="One fact forward"
          onClick={() => stepBy(1)}
        >
          ›
        </button>
      </div>
      <div class="travel-slide">
        <input
          type="range"
          aria-label="Fact of the log"
          aria-valuetext={isPast.value ? `after fact ${at}` : 'now'}
          min={oldest}
          max={head}
          step={1}
          value={at}
          disabled={isEmpty}
          onInput={(event) => travelTo(event.currentTarget.valueAsNumber)}
        />
        <p class="travel-said">
          {isPast.value
            ? 'After fact'
            : connection.value.kind === 'live'
              ? 'Live at fact'
              : 'Last heard of at fact'}{' '}
          {number(at)} of {number(oldest)} to {number(head)}
          {!isPast.value && travelProblem.value !== null && <span class="bad"> {travelProblem.value}</span>}
        </p>
      </div>
      <ToInstant />
      <Copy label="Copy link" text={() => location.origin + addressNow()} />
      <button
        type="button"
        class={isPast.value ? 'primary' : ''}
        disabled={!isPast.value}
        onClick={backToNow}
      >
        Back to now
      </button>
    </section>
  );
}

/** That what is seen is over has to be seen at a glance. */
function PastBanner() {
  if (!isPast.value) return null;
  return (
    <p class="past-banner" role="status" aria-label="The moment that is shown">
      <strong>This is the past.</strong> {travelNote.value} <Then />
    </p>
  );
}

function Then() {
  const fact = pastFact.value;
  const seq = travelledTo.value!;
  if (travelProblem.value !== null) return <span class="bad">{travelProblem.value}</span>;
  if (fact === null || fact.seq !== seq) return <span>Fact {number(seq)}…</span>;
  return (
    <span>
      Fact {number(seq)} of {dateAndTime(fact.at)}: <strong>{fact.type}</strong>, {fact.reason}:{' '}
      {factInWords(fact, nameOf)}.
      {isHalfway(fact) && (
        <strong> Halfway through an eviction: this fact and the next one are one commit.</strong>
      )}
    </span>
  );
}

function ToInstant() {
  const local = useSignal('');
  const go = (event: Event) => {
    event.preventDefault();
    if (local.value !== '') void travelToInstant(new Date(local.value).toISOString());
  };
  return (
    <form class="travel-instant" onSubmit={go}>
      <input
        type="datetime-local"
        step={1}
        aria-label="Instant"
        max="9999-12-31T23:59:59"
        value={local.value}
        onInput={(event) => {
          local.value = event.currentTarget.value;
        }}
      />
      <button type="submit">Go</button>
    </form>
  );
}
