/** What passes between the parts of the service: the last steps to choose from, and the chosen one as a sequence. */
import { useMemo, useState } from 'preact/hooks';
import { counted, timeOfDay } from '../format.ts';
import { withCommits } from './commits.ts';
import { Panel } from './panel.tsx';
import { Sequence } from './sequence.tsx';
import type { Dropped, Step } from './step-buffer.ts';
import { type NameOf, newestTelling, titleOf } from './step-words.ts';

interface Props {
  /** Newest first. */
  steps: readonly Step[];
  /** What is missing, as there was too much. */
  dropped: Dropped;
  /** Whether whatever passes from now on is heard here. */
  isListening: boolean;
  nameOf: NameOf;
  onClear: () => void;
  /** Where another tab of the browser listens to them: to do it here again. */
  onTakeBack: (() => void) | null;
}

export function Messages({ steps, dropped, isListening, nameOf, onClear, onTakeBack }: Props) {
  /** What there was when it was halted. */
  const [halted, setHalted] = useState<readonly Step[] | null>(null);
  /** null: the newest, whichever it is. It stays when it has gone from the list. */
  const [chosen, setChosen] = useState<Step | null>(null);
  const shown = useMemo(() => withCommits(halted ?? steps), [halted, steps]);
  const step = shown.find(({ number }) => number === chosen?.number) ?? chosen ?? newestTelling(shown);
  const missed = halted === null ? 0 : (steps[0]?.number ?? 0) - (halted[0]?.number ?? 0);
  const missing = [
    ...(dropped.steps > 0 ? [counted(dropped.steps, 'step')] : []),
    ...(dropped.messages > 0 ? [counted(dropped.messages, 'message')] : []),
  ].join(' and ');
  const clear = () => {
    setHalted(null);
    setChosen(null);
    onClear();
  };
  return (
    <Panel
      name="messages"
      title="Messages"
      actions={
        <div class="panel-actions">
          <button type="button" disabled={chosen === null} onClick={() => setChosen(null)}>
            Newest
          </button>
          <button
            type="button"
            aria-pressed={halted !== null}
            onClick={() => setHalted(halted === null ? steps : null)}
          >
            {halted === null ? 'Pause' : 'Resume'}
          </button>
          <button type="button" disabled={steps.length === 0} onClick={clear}>
            Clear
          </button>
        </div>
      }
    >
      <p class="panel-says">
        {halted === null
          ? inWords(shown.length, isListening, onTakeBack !== null)
          : haltedInWords(Math.max(0, missed))}
      </p>
      {onTakeBack && (
        <p class="panel-warns">
          Another tab of this browser listens to them, and one can.{' '}
          <button type="button" onClick={onTakeBack}>
            Listen here
          </button>
        </p>
      )}
      {missing !== '' && <p class="panel-warns">{missing} left out: there were too many at once.</p>}
      {step !== undefined && (
        <div class="messages">
          <StepList steps={shown} chosen={step.number} onChoose={setChosen} />
          {/* Whoever looks closer does not want it replaced by the next one. */}
          <Sequence key={step.number} step={step} nameOf={nameOf} onLook={() => setChosen(step)} />
        </div>
      )}
    </Panel>
  );
}

const haltedInWords = (missed: number): string =>
  missed === 0 ? 'Paused.' : `Paused: ${counted(missed, 'step')} since.`;

function inWords(steps: number, isListening: boolean, isElsewhere: boolean): string {
  if (steps > 0) return 'One step is all that comes of one command or one timer.';
  if (isElsewhere) return 'Nothing has passed since you look on.';
  return isListening
    ? 'Nothing has passed since you look on: what is done above is told here.'
    : 'Beginning to look on…';
}

interface ListProps {
  steps: readonly Step[];
  chosen: number;
  onChoose: (step: Step) => void;
}

function StepList({ steps, chosen, onChoose }: ListProps) {
  return (
    <ol class="steps" aria-label="Steps, newest first">
      {steps.map((step) => (
        <li key={step.number}>
          <button
            type="button"
            class={step.messages[0]?.from === 'journal' ? 'commit' : undefined}
            aria-current={step.number === chosen ? 'true' : undefined}
            onClick={() => onChoose(step)}
          >
            <time dateTime={step.at}>{timeOfDay(step.at)}</time>
            <span class="step-title">{titleOf(step)}</span>
          </button>
        </li>
      ))}
    </ol>
  );
}
