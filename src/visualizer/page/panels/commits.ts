/** Which commit made the facts of a step last, and where it belongs in it. On the wire a commit is a step of its own, as several share it. Pure. */
import type { Message } from './shapes.ts';
import type { Step } from './step-buffer.ts';
import { isFact } from './step-words.ts';

/** Newest first, as they are given: each with the commit of its facts in it, where that has come; and no commit that is shown so by itself. */
export function withCommits(steps: readonly Step[]): Step[] {
  const commits = steps.filter(isCommit);
  const used = new Set<number>();
  const joined = steps.map((step) => {
    const seq = newestOf(step);
    if (seq === null || isCommit(step)) return step;
    // The oldest of those that reach so far.
    const commit = commits.findLast(({ messages: [one] }) => upTo(one!) >= seq);
    if (commit === undefined) return step;
    used.add(commit.number);
    return withCommit(step, commit.messages[0]!);
  });
  return joined.filter(({ number }) => !used.has(number));
}

/** After the last fact, and so before the answer, which waits for it. */
function withCommit(step: Step, commit: Message): Step {
  const place = step.messages.findLastIndex(isFact);
  const at = step.messages.findIndex(({ to }, n) => n > place && to === 'route');
  const before = at < 0 ? step.messages.length : at;
  // Between its neighbours, whose numbers stay.
  const n = step.messages[before - 1]!.n + 0.5;
  return { ...step, messages: step.messages.toSpliced(before, 0, { ...commit, n }) };
}

const isCommit = ({ messages: [first] }: Step): boolean => first?.from === 'journal';

const upTo = ({ detail }: Message): number => numberIn(detail?.up_to_seq) ?? 0;

/** The number of the newest fact in it; null: it has none. */
const newestOf = ({ messages }: Step): number | null =>
  numberIn(messages.findLast((message) => isFact(message))?.detail?.seq);

const numberIn = (value: unknown): number | null => (typeof value === 'number' ? value : null);
