/** How often something happened lately. Pure: the time is given, by the service's clock. Costs the same memory whatever happens. */

export const rated = ['activated', 'evicted', 'expired'] as const;
export type Rated = (typeof rated)[number];

/** Of the last minute, or of as much of it as was listened to. */
export interface Rates {
  overMs: number;
  perSecond: Record<Rated, number>;
  /** How many in each of the sixty seconds, oldest first. */
  seconds: Record<Rated, readonly number[]>;
}

interface Second {
  /** Which one: whole seconds since 1970. */
  number: number;
  counts: Record<Rated, number>;
}

const length = 60;

export class RateMeter {
  readonly #since: number;
  readonly #ring: Second[] = Array.from({ length }, () => ({
    number: Number.NEGATIVE_INFINITY,
    counts: none(),
  }));

  /** Listens from `sinceMs` on. */
  constructor(sinceMs: number) {
    this.#since = sinceMs;
  }

  add({ type, reason, at }: { type: string; reason: string; at: string }): void {
    const kind = kindOf(type, reason);
    const number = Math.floor(Date.parse(at) / 1_000);
    if (kind === null || Number.isNaN(number)) return;
    const second = this.#ring[((number % length) + length) % length]!;
    // One that comes so late that its second has been forgotten says nothing of the last minute.
    if (second.number > number) return;
    if (second.number < number) {
      second.number = number;
      second.counts = none();
    }
    second.counts[kind]++;
  }

  /** In the minute before `nowMs`. */
  read(nowMs: number): Rates {
    const newest = Math.floor(nowMs / 1_000);
    const overMs = Math.min(length * 1_000, Math.max(1_000, nowMs - this.#since));
    const seconds: Record<Rated, number[]> = { activated: [], evicted: [], expired: [] };
    for (let number = newest - length + 1; number <= newest; number++) {
      const second = this.#ring[((number % length) + length) % length]!;
      for (const kind of rated) seconds[kind].push(second.number === number ? second.counts[kind] : 0);
    }
    const rate = (kind: Rated) => (seconds[kind].reduce((sum, count) => sum + count, 0) * 1_000) / overMs;
    return {
      overMs,
      perSecond: { activated: rate('activated'), evicted: rate('evicted'), expired: rate('expired') },
      seconds,
    };
  }
}

const none = (): Record<Rated, number> => ({ activated: 0, evicted: 0, expired: 0 });

function kindOf(type: string, reason: string): Rated | null {
  if (type === 'activated' || type === 'expired') return type;
  return type === 'released' && (reason === 'lru_eviction' || reason === 'oldest_eviction')
    ? 'evicted'
    : null;
}
