/** What becomes of a call to the database on its way there and back: how long it takes, and how it fails. */
import type { Random } from './random.ts';
import type { Timeline } from './timeline.ts';

export const weathers = ['calm', 'slow', 'rough', 'storm', 'cut off'] as const;
export type Weather = (typeof weathers)[number];

export const fates = ['done', 'refused', 'answer lost', 'silent', 'done in silence'] as const;
/**
 * `refused`: an error, and nothing was done. `answer lost`: an error, and it was done. In silence there is no answer
 * until somebody loses patience.
 */
export type Fate = (typeof fates)[number];

export interface Passage {
  fate: Fate;
  /** Until it reaches the database, and from there until the answer is back. */
  goMs: number;
  backMs: number;
}

const mostly: readonly (readonly [number, Fate])[] = [
  [80, 'done'],
  [5, 'refused'],
  [5, 'answer lost'],
  [3, 'silent'],
  [3, 'done in silence'],
];
const seldom: readonly (readonly [number, Fate])[] = [[30, 'done'], ...mostly.slice(1)];

export class Network {
  weather: Weather = 'calm';
  /** What becomes of the next appends, whatever the weather. */
  readonly #planned: Fate[] = [];
  readonly #timeline: Timeline;
  /** Asked each time anew: every step of a simulation draws its own chances. */
  readonly #random: () => Random;

  constructor(timeline: Timeline, random: () => Random) {
    this.#timeline = timeline;
    this.#random = random;
  }

  plan(fate: Fate): void {
    this.#planned.push(fate);
  }

  /** Nothing fails from here on. */
  heal(): void {
    this.weather = 'calm';
    this.#planned.length = 0;
  }

  get isCalm(): boolean {
    return this.weather === 'calm' && this.#planned.length === 0;
  }

  passage(isAppend: boolean): Passage {
    const random = this.#random();
    const planned = isAppend ? this.#planned.shift() : undefined;
    return {
      fate: planned ?? this.#fate(random),
      goMs: this.#delayMs(random),
      backMs: this.#delayMs(random),
    };
  }

  /** Lets `arrive` happen at the database, which nobody's pause holds up. */
  send(goMs: number, arrive: () => void): void {
    this.#timeline.at(this.#timeline.now + goMs, arrive);
  }

  #fate(random: Random): Fate {
    switch (this.weather) {
      case 'calm':
      case 'slow':
        return 'done';
      case 'rough':
        return random.weighed(mostly);
      case 'storm':
        return random.weighed(seldom);
      case 'cut off':
        return 'silent';
      default:
        return this.weather satisfies never;
    }
  }

  #delayMs(random: Random): number {
    if (random.chance(0.5)) return 0;
    if (this.weather === 'calm') return random.below(3);
    return random.chance(0.03) ? random.below(2000) : random.below(this.weather === 'slow' ? 300 : 20);
  }
}
