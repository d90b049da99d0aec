/** One step as a sequence diagram, and the same as an ordered list with all that its messages say. */
import { useState } from 'preact/hooks';
import { counted } from '../format.ts';
import { Scrolls } from './panel.tsx';
import type { Message } from './shapes.ts';
import type { Step } from './step-buffer.ts';
import {
  type Arrow,
  detailsOf,
  isFact,
  type Lifeline,
  type NameOf,
  sequenceOf,
  shortName,
  titleOf,
  wayOf,
} from './step-words.ts';

interface SequenceProps {
  step: Step;
  nameOf: NameOf;
  /** Called when one of its messages is chosen. */
  onLook: () => void;
}

export function Sequence({ step, nameOf, onLook }: SequenceProps) {
  const [chosen, setChosen] = useState<number | null>(null);
  const { lifelines, arrows } = sequenceOf(step.messages, nameOf);
  const choose = (n: number) => {
    setChosen(n);
    onLook();
  };
  return (
    <div class="step">
      <h3>
        Step {step.number}: <span class="step-title">{titleOf(step)}</span>
      </h3>
      <Scrolls of="sequence-frame" name="Sequence diagram">
        <Diagram lifelines={lifelines} arrows={arrows} nameOf={nameOf} chosen={chosen} onChoose={choose} />
      </Scrolls>
      <ol class="told" aria-label="The same in words">
        {step.messages.map((message) => (
          <Told
            key={message.n}
            message={message}
            nameOf={nameOf}
            isChosen={message.n === chosen}
            onChoose={choose}
          />
        ))}
      </ol>
      {step.more > 0 && <p class="panel-none">and {counted(step.more, 'more message')}</p>}
    </div>
  );
}

interface DiagramProps {
  nameOf: NameOf;
  lifelines: readonly Lifeline[];
  arrows: readonly Arrow[];
  chosen: number | null;
  onChoose: (n: number) => void;
}

/** Each lifeline is in the middle of two columns, so that arrows begin and end at lines of the grid. */
function Diagram({ lifelines, arrows, nameOf, chosen, onChoose }: DiagramProps) {
  const columns = `repeat(${lifelines.length * 2}, minmax(0, 1fr))`;
  const used = new Set(arrows.flatMap(({ from, to }) => [from, to]));
  return (
    <div class="sequence" style={{ gridTemplateColumns: columns, '--lifelines': lifelines.length }}>
      {lifelines.map(({ party, name }, place) => {
        const idle = used.has(place) ? '' : ' idle';
        return [
          <span
            key={`name ${name}`}
            class={`lifeline-name of-${party}${idle}`}
            style={{ gridColumn: `${place * 2 + 1} / span 2` }}
          >
            {name}
          </span>,
          <span
            key={`line ${name}`}
            class={`lifeline of-${party}${idle}`}
            style={{ gridColumn: `${place * 2 + 2}`, gridRow: `2 / span ${arrows.length + 1}` }}
          />,
        ];
      })}
      {arrows.map((arrow, place) => (
        <ArrowOf
          key={arrow.message.n}
          arrow={arrow}
          nameOf={nameOf}
          row={place + 2}
          isChosen={arrow.message.n === chosen}
          onChoose={onChoose}
        />
      ))}
    </div>
  );
}

interface ArrowProps {
  nameOf: NameOf;
  arrow: Arrow;
  row: number;
  isChosen: boolean;
  onChoose: (n: number) => void;
}

function ArrowOf({ arrow: { message, from, to }, nameOf, row, isChosen, onChoose }: ArrowProps) {
  const [left, right] = from < to ? [from, to] : [to, from];
  const way = from === to ? 'self' : from < to ? 'rightward' : 'leftward';
  const kind = isFact(message)
    ? 'fact'
    : message.detail !== null && 'refusal' in message.detail
      ? 'refusal'
      : 'command';
  const choose = () => onChoose(message.n);
  return (
    <button
      type="button"
      class={`arrow ${way} ${kind}`}
      style={{ gridRow: `${row}`, gridColumn: `${left * 2 + 2} / ${Math.max(right * 2 + 2, left * 2 + 3)}` }}
      aria-pressed={isChosen}
      aria-label={`${row - 1}. ${shortName(message)}, ${wayOf(message, nameOf)}`}
      onClick={choose}
      onFocus={choose}
    >
      <span class="arrow-name">{shortName(message)}</span>
    </button>
  );
}

/** In words, and with its details where it is chosen. */
function Told({
  message,
  nameOf,
  isChosen,
  onChoose,
}: {
  message: Message;
  nameOf: NameOf;
  isChosen: boolean;
  onChoose: (n: number) => void;
}) {
  const details = detailsOf(message);
  return (
    <li class={isChosen ? 'told-chosen' : undefined}>
      <button type="button" class="told-line" aria-expanded={isChosen} onClick={() => onChoose(message.n)}>
        <span class="told-way">{wayOf(message, nameOf)}</span> <b>{message.message}</b>
        {message.user_id !== null && <bdi class="told-user"> {message.user_id}</bdi>}
      </button>
      {isChosen && details.length > 0 && (
        <dl class="details">
          {details.map(([name, text]) => (
            <div key={name}>
              <dt>{name}</dt>
              <dd>{text}</dd>
            </div>
          ))}
        </dl>
      )}
    </li>
  );
}
