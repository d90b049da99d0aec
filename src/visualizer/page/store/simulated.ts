/** The simulated clock of the service, where it has one: what it shows, and moving it. */
import { batch, effect, signal } from '@preact/signals';
import { type Answer, ask, problemWords, tell } from './requests.ts';
import { clockKind, clockSays, liveNow } from './store.ts';
import { everySeen } from './ticking.ts';

interface WireClock {
  now: string;
  next_deadline: string | null;
}

/** When something ends next of itself; null: nothing does, or it is not known. */
export const nextDeadline = signal<number | null>(null);
export const clockProblem = signal<string | null>(null);
/** How many times as fast as ours it goes; 0: it stands. */
export const pace = signal<0 | 1 | 60>(0);

const askMs = 1000;
const paceMs = 250;

/** The most that is passed in one step. */
const leapMsMax = 86_400_000;

function heard(answer: Answer<WireClock>): void {
  batch(() => {
    clockProblem.value = 'ok' in answer ? null : problemWords(answer);
    if (!('ok' in answer)) return;
    clockSays(Date.parse(answer.ok.now));
    const { next_deadline: next } = answer.ok;
    nextDeadline.value = next === null ? null : Date.parse(next);
  });
}

let isMoving = false;

export async function advance(ms: number): Promise<void> {
  if (isMoving || ms <= 0) return;
  isMoving = true;
  heard(await tell<WireClock>('/api/clock/advance', { ms: Math.min(leapMsMax, Math.ceil(ms)) }));
  isMoving = false;
}

export const advanceToDeadline = (): Promise<void> =>
  advance(nextDeadline.peek() === null ? 0 : nextDeadline.peek()! - liveNow());

/** From now on the clock is asked for while it is a simulated one, and goes at its pace. */
export function keepTime(): void {
  effect(() => {
    if (clockKind.value !== 'simulated') return;
    const look = async () => heard(await ask<WireClock>('/api/clock'));
    void look();
    return everySeen(askMs, () => {
      if (pace.peek() === 0) void look();
    });
  });
  effect(() => {
    if (clockKind.value !== 'simulated' || pace.value === 0) return;
    return everySeen(paceMs, () => void advance(paceMs * pace.peek()));
  });
}
