/** What has just happened in a chart, and what is going to: which of its transitions was taken, and which timer runs. */
import type { Chart } from '../../chart/chart.ts';

/** A transition that was taken. */
export interface Taken {
  /** Rises with each. */
  key: number;
  from: string;
  event: string;
  /** Where it leads; the same as `from` where it stays. */
  to: string;
  /** Which of the candidates for the event it is, from 0; without, the first one that leads there. */
  index?: number;
}

/** The timer of the state that the machine is in. */
export interface Timer {
  /** Its name: `untilDeadline`, `untilRested` or `untilUnwanted`. */
  delay: string;
  remainingMs: number;
  wholeMs: number;
}

/** Its place in the chart's list, or null. What holds in all states is taken in each of them. */
export function transitionTaken({ id, transitions }: Chart, taken: Taken | null): number | null {
  if (taken === null) return null;
  const { from, event, to, index } = taken;
  const rank = (n: number): number => {
    const { source, target, ...transition } = transitions[n]!;
    const leads = target === to || (target === null && to === from);
    const matches = event === transition.event && leads && (index ?? transition.index) === transition.index;
    return matches ? (source === from ? 4 : source === id ? 2 : 0) + (target === null ? 0 : 1) : 0;
  };
  const ranked = [...transitions.keys()].filter((n) => rank(n) > 1).sort((a, b) => rank(b) - rank(a));
  return ranked[0] ?? null;
}
