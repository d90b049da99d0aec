/** The event log, read: the leases of a token, and the facts themselves. */
import { map } from '../lease/refusal.ts';
import type { FactFilter } from '../lease/view.ts';
import type { Service } from '../service/service.ts';
import { EventsAnswer, eventOut, HistoryAnswer, pastLeaseOut, TokenEventsAnswer } from './answers.ts';
import { eventsQuery, historyQuery, none, tokenEventsQuery, tokenPath } from './requests.ts';
import { type AnyRoute, route } from './route.ts';

const tag = 'Event log';

export const eventRoutes = (service: Service): AnyRoute[] => [
  history(service),
  tokenEvents(service),
  events(service),
];

const history = (service: Service): AnyRoute =>
  route({
    method: 'get',
    path: '/api/tokens/:id/history',
    tag,
    summary: 'The leases of a token, newest first',
    params: tokenPath,
    query: historyQuery,
    answer: HistoryAnswer,
    refusals: ['not_found'],
    handle: async ({ params: { id }, query: { limit, cursor } }) =>
      map(await service.history(id, { limit: limit + 1, cursor }), (leases) => ({
        token_id: id,
        history: leases.slice(0, limit).map(pastLeaseOut),
        next_cursor: nextCursor(leases, limit),
      })),
  });

const tokenEvents = (service: Service): AnyRoute =>
  route({
    method: 'get',
    path: '/api/tokens/:id/events',
    tag,
    summary: 'The facts of a token',
    params: tokenPath,
    query: tokenEventsQuery,
    answer: TokenEventsAnswer,
    refusals: ['not_found'],
    handle: async ({ params: { id }, query: { type, ...rest } }) =>
      map(await page(service, { tokenId: id, type }, rest), (events) => ({ token_id: id, ...events })),
  });

const events = (service: Service): AnyRoute =>
  route({
    method: 'get',
    path: '/api/events',
    tag,
    summary: 'The facts of the pool',
    description:
      'To follow the log as it grows, ask with `order=asc` and the `seq` of the last event seen as `cursor`.',
    params: none,
    query: eventsQuery,
    answer: EventsAnswer,
    refusals: ['not_found'],
    handle: ({ query: { type, token_id, user_id, ...rest } }) =>
      page(service, { tokenId: token_id, userId: user_id, type }, rest),
  });

async function page(
  service: Service,
  filter: FactFilter,
  { limit, cursor, order }: { limit: number; cursor?: number | undefined; order: 'asc' | 'desc' },
) {
  return map(await service.facts(filter, { limit: limit + 1, cursor, order }), (facts) => ({
    events: facts.slice(0, limit).map(eventOut),
    next_cursor: nextCursor(facts, limit),
  }));
}

/** One entry more than the page was asked for: if it came, there is a next page after the last one shown. */
function nextCursor(entries: readonly { seq: number }[], limit: number): string | null {
  return entries.length > limit ? String(entries[limit - 1]!.seq) : null;
}
