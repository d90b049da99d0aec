/** How the page is connected to the service: what it has seen of it last, and in which words that is said. Pure. */
import type { Stage } from '../../../lease/refusal.ts';

export type Connection =
  | { kind: 'connecting' }
  | { kind: 'live' }
  /** What is shown is what was. `tries`: how often in vain. */
  | { kind: 'reconnecting'; tries: number }
  /** Nothing answers, and has not for a while. */
  | { kind: 'gone'; tries: number }
  /** It answers, but does not serve. */
  | { kind: 'stage'; stage: Exclude<Stage, 'serving'> }
  /** It serves, but no such pool. */
  | { kind: 'no_pool' }
  /** It refuses for a reason that does not go away by itself. */
  | { kind: 'refused'; words: string };

export type Seen =
  | { seen: 'streaming' }
  | { seen: 'cut' }
  | { seen: 'silence' }
  | { seen: 'stage'; stage: Stage }
  | { seen: 'refusal'; status: number; error: string; title: string; stage?: Stage | undefined };

/** After so many tries in vain it is more than a hiccup. */
const triesUntilGone = 3;

export function next(connection: Connection, seen: Seen): Connection {
  switch (seen.seen) {
    case 'streaming':
      return { kind: 'live' };
    // The browser tries again by itself, and each time in vain is another cut.
    case 'cut':
    case 'silence': {
      const tries = isLost(connection) ? connection.tries + 1 : 0;
      return { kind: tries >= triesUntilGone ? 'gone' : 'reconnecting', tries };
    }
    case 'stage':
      if (seen.stage !== 'serving') return { kind: 'stage', stage: seen.stage };
      return connection.kind === 'stage' ? { kind: 'live' } : connection;
    case 'refusal':
      if (seen.stage !== undefined && seen.stage !== 'serving') return { kind: 'stage', stage: seen.stage };
      if (seen.error === 'pool_not_found') return { kind: 'no_pool' };
      if (seen.status >= 500) return next(connection, { seen: 'silence' });
      return { kind: 'refused', words: seen.title };
  }
}

const isLost = (connection: Connection): connection is Extract<Connection, { tries: number }> =>
  connection.kind === 'reconnecting' || connection.kind === 'gone';

/** How long until the next try. */
export const backOffMs = (tries: number): number => Math.min(10_000, 500 * 2 ** tries);

export interface Words {
  label: string;
  detail: string;
  tone: 'good' | 'busy' | 'bad';
}

const stageWords: Record<Exclude<Stage, 'serving'>, Words> = {
  starting: { label: 'Starting', detail: 'The service reads its log, and serves in a moment.', tone: 'busy' },
  standby: {
    label: 'Standby',
    detail: 'This process stands by: another one serves the pools. It takes over when that one ends.',
    tone: 'busy',
  },
  degraded: {
    label: 'Degraded',
    detail:
      'The log cannot commit at the moment: nothing is granted until it can. What is shown is what was.',
    tone: 'bad',
  },
  fenced: {
    label: 'Fenced',
    detail: 'Another process has taken the pools from this one, which stands by soon.',
    tone: 'bad',
  },
  stopping: { label: 'Stopping', detail: 'The service is being stopped.', tone: 'bad' },
};

export function wordsOf(connection: Connection): Words {
  switch (connection.kind) {
    case 'connecting':
      return { label: 'Connecting', detail: 'The first picture is on its way.', tone: 'busy' };
    case 'live':
      return { label: 'Live', detail: 'Serving: every fact is shown as it is committed.', tone: 'good' };
    case 'reconnecting':
      return {
        label: 'Reconnecting',
        detail: 'The connection was lost; what is shown is what was.',
        tone: 'busy',
      };
    case 'gone':
      return {
        label: 'Gone',
        detail: 'The service does not answer. This page goes on by itself when it does.',
        tone: 'bad',
      };
    case 'stage':
      return stageWords[connection.stage];
    case 'no_pool':
      return { label: 'No such pool', detail: 'There is no pool of this name: choose another.', tone: 'bad' };
    case 'refused':
      return { label: 'Refused', detail: connection.words, tone: 'bad' };
  }
}

/** The state of the supervisor machine, as far as it can be told from here. */
export const stageOf = (connection: Connection): Stage | null => {
  if (connection.kind === 'live') return 'serving';
  return connection.kind === 'stage' ? connection.stage : null;
};
