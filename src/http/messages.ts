/** What passes between route, pool, tokens and journal, as it passes: to be looked at. */

import type { Told } from '../lease/message.ts';
import { map, refused } from '../lease/refusal.ts';
import { EventStream, iso } from './answers.ts';
import type { Place } from './place.ts';
import { none } from './requests.ts';
import { type AnyRoute, route } from './route.ts';
import { eventStream, type StreamOptions, streamHeaders } from './stream.ts';

export const messageRoutes = (place: Place, options: StreamOptions): AnyRoute[] => [
  route({
    method: 'get',
    path: `${place.base}/messages/stream`,
    tag: 'Event log',
    summary: 'What passes between route, pool, tokens and journal',
    description:
      'Server-Sent Events, from now on: `data` is `{step, n, at, from, to, message, token_id, user_id, detail}`. `step` is one command, timer, serving of the ' +
      'line or commit; `n` counts its messages. `from` and `to` are `route`, `clock`, `pool`, `line`, `journal` or `token`. An event `dropped` says how many ' +
      '`messages` or whole `steps` were left out: at most 200 messages of a step are shown, and 50 steps a second. A live view, and no log: nothing is kept.',
    params: place.params,
    query: none,
    answer: EventStream,
    headers: streamHeaders,
    refusals: ['too_many_viewers'],
    handle: ({ params }, asker) => {
      if (options.seats.areTaken) return Promise.resolve(refused({ code: 'too_many_viewers' }));
      const end = new AbortController();
      const gone = AbortSignal.any([asker.gone(), end.signal]);
      return place.ask(params, (pool) =>
        map(pool.reads.messages(gone), (messages) =>
          eventStream(messages, textOf, options, { end, cut: () => asker.cut(), over: pool.reads.over }),
        ),
      );
    },
  }),
];

function textOf(told: Told): string {
  if ('dropped' in told) return `event: dropped\ndata: ${JSON.stringify(told.dropped)}\n\n`;
  const { step, n, at, from, to, message, tokenId, userId, detail } = told.message;
  const out = { step, n, at: iso(at), from, to, message, token_id: tokenId, user_id: userId, detail };
  return `event: message\ndata: ${JSON.stringify(out)}\n\n`;
}
