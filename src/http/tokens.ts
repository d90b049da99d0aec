/** The tokens of a pool, as they are now; and how they come, go, and are taken out of use. */
import { map } from '../lease/refusal.ts';
import {
  DeletedTokenAnswer,
  pastLeaseOut,
  TokenAnswer,
  TokenShape,
  TokensAnswer,
  tokenOut,
} from './answers.ts';
import type { Place } from './place.ts';
import { CreateTokenBody, listQuery, type listStatuses, none, WithdrawBody } from './requests.ts';
import { type AnyRoute, route } from './route.ts';

const historyShown = 10;
const tag = 'Tokens';

export const tokenRoutes = (place: Place): AnyRoute[] => [
  list(place),
  listOnly(place, 'available'),
  listOnly(place, 'active'),
  show(place),
  create(place),
  remove(place),
  withdraw(place),
  restore(place),
];

const list = (place: Place): AnyRoute =>
  route({
    method: 'get',
    path: `${place.base}/tokens`,
    tag,
    summary: 'List tokens',
    params: place.params,
    query: listQuery,
    answer: TokensAnswer,
    refusals: ['invalid_status'],
    handle: ({ params, query: { status, limit, cursor } }) => page(place, params, status, limit, cursor),
  });

const listOnly = (place: Place, status: 'available' | 'active'): AnyRoute =>
  route({
    method: 'get',
    path: `${place.base}/tokens/${status}`,
    tag,
    summary: `List ${status} tokens`,
    params: place.params,
    query: listQuery.omit({ status: true }),
    answer: TokensAnswer,
    refusals: [],
    handle: ({ params, query: { limit, cursor } }) => page(place, params, status, limit, cursor),
  });

const page = (
  place: Place,
  params: { pool?: string },
  status: (typeof listStatuses)[number],
  limit: number,
  cursor: number | undefined,
) =>
  place.ask(params, async (pool) =>
    map(await pool.reads.tokens(status, { limit, cursor }), ({ tokens, counts, next }) => {
      const now = pool.now();
      return {
        tokens: tokens.map((token) => tokenOut(token, now)),
        counts,
        next_cursor: next === null ? null : String(next),
      };
    }),
  );

const show = (place: Place): AnyRoute =>
  route({
    method: 'get',
    path: `${place.base}/tokens/:id`,
    tag,
    summary: 'Show a token, its holder and its newest leases',
    params: place.tokenParams,
    query: none,
    answer: TokenAnswer,
    refusals: ['not_found'],
    handle: ({ params }) =>
      place.ask(params, async (pool) =>
        map(await pool.reads.token((params as { id: string }).id, historyShown), ({ token, history }) => ({
          ...tokenOut(token, pool.now()),
          history: history.map(pastLeaseOut),
        })),
      ),
  });

const create = (place: Place): AnyRoute =>
  route({
    method: 'post',
    path: `${place.base}/tokens`,
    tag,
    summary: 'Add a token to an elastic pool',
    params: place.params,
    query: none,
    body: CreateTokenBody,
    answer: TokenShape,
    status: 201,
    refusals: ['pool_not_elastic', 'name_taken', 'pool_limit_reached', 'outcome_unknown'],
    handle: ({ params, body, once }) =>
      place.ask(params, async (pool) =>
        map(await pool.create(body, once), (token) => tokenOut(token, pool.now())),
      ),
  });

const remove = (place: Place): AnyRoute =>
  route({
    method: 'delete',
    path: `${place.base}/tokens/:id`,
    tag,
    summary: 'Take a token out of an elastic pool',
    description: 'Its lease ends with it, if it has one.',
    params: place.tokenParams,
    query: none,
    answer: DeletedTokenAnswer,
    refusals: ['not_found', 'pool_not_elastic', 'outcome_unknown'],
    handle: ({ params, once }) => {
      const { id } = params as { id: string };
      return place.ask(params, async (pool) =>
        map(await pool.delete(id, once), () => ({ ok: true as const, token_id: id })),
      );
    },
  });

const withdraw = (place: Place): AnyRoute =>
  route({
    method: 'post',
    path: `${place.base}/tokens/:id/withdraw`,
    tag,
    summary: 'Take a token out of use, for maintenance',
    description:
      'Nobody is granted it until it is restored. A lease that it has runs out and cannot be renewed, or ends now.',
    params: place.tokenParams,
    query: none,
    body: WithdrawBody,
    answer: TokenShape,
    refusals: ['not_found', 'outcome_unknown'],
    handle: ({ params, body: { note, lease }, once }) =>
      place.ask(params, async (pool) => {
        const how = { note, endLease: lease === 'end' };
        return map(await pool.withdraw((params as { id: string }).id, how, once), (token) =>
          tokenOut(token, pool.now()),
        );
      }),
  });

const restore = (place: Place): AnyRoute =>
  route({
    method: 'post',
    path: `${place.base}/tokens/:id/restore`,
    tag,
    summary: 'Bring a token back into use',
    params: place.tokenParams,
    query: none,
    answer: TokenShape,
    refusals: ['not_found', 'token_not_withdrawn', 'outcome_unknown'],
    handle: ({ params, once }) =>
      place.ask(params, async (pool) =>
        map(await pool.restore((params as { id: string }).id, once), (token) => tokenOut(token, pool.now())),
      ),
  });
