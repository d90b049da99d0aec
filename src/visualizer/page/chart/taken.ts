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

/** What is left, in the two largest units: `1:43`, `2:05:00`, `29d 23h`. */
export function countdown(ms: number): string {
  const seconds = Math.max(0, Math.ceil(ms / 1000));
  const two = (value: number): string => String(value).padStart(2, '0');
  const [days, hours, minutes] = [
    Math.floor(seconds / 86_400),
    Math.floor(seconds / 3600) % 24,
    Math.floor(seconds / 60) % 60,
  ];
  if (days > 0) return `${days}d ${hours}h`;
  if (hours > 0) return `${hours}:${two(minutes)}:${two(seconds % 60)}`;
  return `${minutes}:${two(seconds % 60)}`;
}
