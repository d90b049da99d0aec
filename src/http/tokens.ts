/** The tokens of the default pool, as they are now: a list, and one of them. */
import { map } from '../lease/refusal.ts';
import type { Service } from '../service/service.ts';
import { pastLeaseOut, TokenAnswer, TokensAnswer, tokenOut } from './answers.ts';
import { listQuery, type listStatuses, none, tokenPath } from './requests.ts';
import { type AnyRoute, route } from './route.ts';

const historyShown = 10;
const tag = 'Tokens';

export const tokenRoutes = (service: Service): AnyRoute[] => [
  list(service),
  listOnly(service, 'available'),
  listOnly(service, 'active'),
  show(service),
];

const list = (service: Service): AnyRoute =>
  route({
    method: 'get',
    path: '/api/tokens',
    tag,
    summary: 'List tokens',
    params: none,
    query: listQuery,
    answer: TokensAnswer,
    refusals: ['invalid_status'],
    handle: ({ query: { status, limit, cursor } }) => page(service, status, limit, cursor),
  });

const listOnly = (service: Service, status: 'available' | 'active'): AnyRoute =>
  route({
    method: 'get',
    path: `/api/tokens/${status}`,
    tag,
    summary: `List ${status} tokens`,
    params: none,
    query: listQuery.omit({ status: true }),
    answer: TokensAnswer,
    refusals: [],
    handle: ({ query: { limit, cursor } }) => page(service, status, limit, cursor),
  });

async function page(
  service: Service,
  status: (typeof listStatuses)[number],
  limit: number,
  cursor: number | undefined,
) {
  return map(await service.tokens(status, { limit, cursor }), ({ tokens, counts, next }) => {
    const now = service.now();
    return {
      tokens: tokens.map((token) => tokenOut(token, now)),
      counts,
      next_cursor: next === null ? null : String(next),
    };
  });
}

const show = (service: Service): AnyRoute =>
  route({
    method: 'get',
    path: '/api/tokens/:id',
    tag,
    summary: 'Show a token, its holder and its newest leases',
    params: tokenPath,
    query: none,
    answer: TokenAnswer,
    refusals: ['not_found'],
    handle: async ({ params: { id } }) =>
      map(await service.token(id, historyShown), ({ token, history }) => ({
        ...tokenOut(token, service.now()),
        history: history.map(pastLeaseOut),
      })),
  });
