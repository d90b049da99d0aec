/** The event log, read: the leases of a token, and the facts themselves. */
import { map, refused } from '../lease/refusal.ts';
import type { FactFilter } from '../lease/view.ts';
import type { Followed } from '../service/following.ts';
import {
  EventStream,
  EventsAnswer,
  eventOut,
  HistoryAnswer,
  pastLeaseOut,
  TokenEventsAnswer,
} from './answers.ts';
import type { Place } from './place.ts';
import { eventsQuery, historyQuery, streamQuery, tokenEventsQuery } from './requests.ts';
import { type AnyRoute, route } from './route.ts';
import { eventStream, type StreamOptions, streamHeaders } from './stream.ts';

const tag = 'Event log';

export const eventRoutes = (place: Place, options: StreamOptions): AnyRoute[] => [
  history(place),
  tokenEvents(place),
  events(place),
  stream(place, options),
];

const history = (place: Place): AnyRoute =>
  route({
    method: 'get',
    path: `${place.base}/tokens/:id/history`,
    tag,
    summary: 'The leases of a token, newest first',
    params: place.tokenParams,
    query: historyQuery,
    answer: HistoryAnswer,
    refusals: ['not_found'],
    handle: ({ params, query: { limit, cursor } }) => {
      const { id } = params as { id: string };
      return place.ask(params, async (pool) =>
        map(await pool.reads.history(id, { limit: limit + 1, cursor }), (leases) => ({
          token_id: id,
          history: leases.slice(0, limit).map(pastLeaseOut),
          next_cursor: nextCursor(leases, limit),
        })),
      );
    },
  });

const tokenEvents = (place: Place): AnyRoute =>
  route({
    method: 'get',
    path: `${place.base}/tokens/:id/events`,
    tag,
    summary: 'The facts of a token',
    params: place.tokenParams,
    query: tokenEventsQuery,
    answer: TokenEventsAnswer,
    refusals: ['not_found'],
    handle: async ({ params, query: { type, ...rest } }) => {
      const { id } = params as { id: string };
      return map(await page(place, params, { tokenId: id, type }, rest), (events) => ({
        token_id: id,
        ...events,
      }));
    },
  });

const events = (place: Place): AnyRoute =>
  route({
    method: 'get',
    path: `${place.base}/events`,
    tag,
    summary: 'The facts of the pool',
    description:
      'To follow the log as it grows, ask with `order=asc` and the `seq` of the last event seen as `cursor`.',
    params: place.params,
    query: eventsQuery,
    answer: EventsAnswer,
    refusals: ['not_found'],
    handle: ({ params, query: { type, token_id, user_id, ...rest } }) =>
      page(place, params, { tokenId: token_id, userId: user_id, type }, rest),
  });

const stream = (place: Place, options: StreamOptions): AnyRoute =>
  route({
    method: 'get',
    path: `${place.base}/events/stream`,
    tag,
    summary: 'The facts of the pool as they are committed',
    description:
      'Server-Sent Events: `id` is the `seq` of the fact, `data` the fact as in a list of events. Begins with the first fact after `Last-Event-ID` or ' +
      '`cursor`, and without either with the next one there will be. Each fact comes once and in order; an event `gap` says which ones ' +
      'are no longer kept. Whoever reads too slowly is cut off, and goes on from where they were.',
    params: place.params,
    query: streamQuery,
    answer: EventStream,
    headers: streamHeaders,
    refusals: ['cursor_ahead', 'invalid_event_id', 'too_many_viewers'],
    handle: ({ params, query: { cursor, token_id, user_id, type } }, asker) => {
      const seen = asker.header('last-event-id') ?? '';
      if (!/^\d{0,15}$/.test(seen)) return Promise.resolve(refused({ code: 'invalid_event_id' }));
      if (options.seats.areTaken) return Promise.resolve(refused({ code: 'too_many_viewers' }));
      const after = seen === '' ? cursor : Number(seen);
      const end = new AbortController();
      const gone = AbortSignal.any([asker.gone(), end.signal]);
      const filter = { tokenId: token_id, userId: user_id, type };
      return place.ask(params, async (pool) =>
        map(await pool.reads.following.follow(filter, after, gone), (facts) =>
          eventStream(facts, textOf, options, { end, cut: () => asker.cut(), over: pool.reads.over }),
        ),
      );
    },
  });

const textOf = (said: Followed): string =>
  'fact' in said
    ? `id: ${said.fact.seq}\ndata: ${JSON.stringify(eventOut(said.fact))}\n\n`
    : `event: gap\ndata: ${JSON.stringify(said.gap)}\n\n`;

const page = (
  place: Place,
  params: { pool?: string },
  filter: FactFilter,
  { limit, cursor, order }: { limit: number; cursor?: number | undefined; order: 'asc' | 'desc' },
) =>
  place.ask(params, async (pool) =>
    map(await pool.reads.facts(filter, { limit: limit + 1, cursor, order }), (facts) => ({
      events: facts.slice(0, limit).map(eventOut),
      next_cursor: nextCursor(facts, limit),
    })),
  );

/** One entry more than the page was asked for: if it came, there is a next page after the last one shown. */
function nextCursor(entries: readonly { seq: number }[], limit: number): string | null {
  return entries.length > limit ? String(entries[limit - 1]!.seq) : null;
}
