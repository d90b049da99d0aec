/** A chart in words: all that is drawn, for those who cannot see it. */
import type { ChartTransition } from '../../chart/chart.ts';
import type { DrawnChart } from '../../chart/drawing.ts';

export function Spoken({ chart, state }: { chart: DrawnChart; state: string | null }) {
  const { states, transitions } = chart;
  const sources = [...new Set([chart.id, ...states.map(({ id }) => id)])];
  return (
    <div class="unseen">
      <p>The {chart.id} in words: its states, and what happens in each.</p>
      <ul>
        {sources.map((source) => {
          const own = transitions.filter((transition) => transition.source === source);
          if (source === chart.id && own.length === 0) return null;
          return (
            <li key={source}>
              {nameOf(chart, source)}
              {source === state && ', the current state'}
              {own.length > 0 && (
                <ul>
                  {own.map((transition) => (
                    <li key={`${transition.event} ${transition.index}`}>{sentenceOf(transition)}</li>
                  ))}
                </ul>
              )}
            </li>
          );
        })}
      </ul>
    </div>
  );
}

function nameOf({ id, states }: DrawnChart, source: string): string {
  const state = states.find(({ id }) => id === source);
  if (!state) return `In any state of the ${id} that says nothing else`;
  const { isInitial, isFinal, entry } = state;
  return [
    `State ${source}`,
    ...(isInitial ? ['where it begins'] : []),
    ...(isFinal ? ['where it ends'] : []),
    ...(entry.length > 0 ? [`on entering does ${entry.join(', ')}`] : []),
  ].join(', ');
}

function sentenceOf({ event, isDelay, guard, index, actions, target, reenter }: ChartTransition): string {
  return [
    isDelay ? `after ${event}` : event,
    ...(guard !== null ? [`if ${guard}`] : index > 0 ? ['else'] : []),
    ...(actions.length > 0 ? [`does ${actions.join(', ')}`] : []),
    target === null ? 'stays' : `${reenter ? 'enters again' : 'goes to'} ${target}`,
  ].join(', ');
}
