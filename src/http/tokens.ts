/** The tokens of the default pool: allocate, keep alive, release, list, look at one. */
import type { Outcome } from '../lease/refusal.ts';
import type { Service } from '../service/service.ts';
import {
  GrantAnswer,
  grantOut,
  LeaseAnswer,
  leaseOut,
  pastLeaseOut,
  ReleasedAllAnswer,
  ReleasedAnswer,
  TokenAnswer,
  TokensAnswer,
  tokenOut,
} from './answers.ts';
import { type bodies, listQuery, type listStatuses, noQuery, tokenPath } from './requests.ts';
import { type AnyRoute, route } from './route.ts';

const historyShown = 10;
const tag = 'Tokens';

export function tokenRoutes(service: Service, body: ReturnType<typeof bodies>): AnyRoute[] {
  const noParams = noQuery;

  const allocate = route({
    method: 'post',
    path: '/api/tokens/allocate',
    tag,
    summary: 'Allocate a token',
    description:
      'Grants the token that has been free for longest. If none is free, the least recently used lease is ended ' +
      'for it, and the answer says whose that was. Without `user_id` one is made.',
    params: noParams,
    query: noQuery,
    body: body.allocate,
    answer: GrantAnswer,
    // The lease, where recording it took longer than it was to last.
    refusals: ['lease_ended', 'outcome_unknown'],
    handle: async ({ body }) => {
      const ask = { userId: body.user_id, ttlMs: body.ttl_ms, metadata: body.metadata };
      return map(await service.allocate(ask), (grant) => grantOut(grant, service.now()));
    },
  });

  const keepAlive = route({
    method: 'post',
    path: '/api/tokens/:id/keep-alive',
    tag,
    summary: 'Renew a lease',
    description:
      'Moves the deadline to `max(old, now + ttl_ms)`; without `ttl_ms`, by the TTL the lease was granted with. ' +
      'Renewing counts as use. A lease that has ended is never revived: 410 says why and when it ended.',
    params: tokenPath,
    query: noQuery,
    body: body.keepAlive,
    answer: LeaseAnswer,
    refusals: [
      'not_found',
      'token_not_active',
      'lease_mismatch',
      'lease_ended',
      'lease_proof_required',
      'outcome_unknown',
    ],
    handle: async ({ params: { id }, body }) => {
      const ask = { tokenId: id, leaseId: body.lease_id, userId: body.user_id, ttlMs: body.ttl_ms };
      return map(await service.renew(ask), (lease) => leaseOut(id, lease, service.now()));
    },
  });

  const release = (path: string, summary: string) =>
    route({
      method: 'post',
      path,
      tag,
      summary,
      description:
        'Ends the lease before its deadline. What is sent as proof, `lease_id` or `user_id`, must be the ' +
        "current holder's, else nothing changes. With neither, the id of the token alone suffices, unless the " +
        'service runs with `LEASE_PROOF=required`.',
      params: tokenPath,
      query: noQuery,
      body: body.release,
      answer: ReleasedAnswer,
      refusals: [
        'not_found',
        'token_not_active',
        'lease_mismatch',
        'lease_ended',
        'lease_proof_required',
        'outcome_unknown',
      ],
      handle: async ({ params: { id }, body }) => {
        const ask = { tokenId: id, leaseId: body.lease_id, userId: body.user_id };
        return map(await service.release(ask), ({ userId }) => ({ ok: true, token_id: id, user_id: userId }));
      },
    });

  const releaseAll = (method: 'post' | 'delete', path: string, summary: string) =>
    route({
      method,
      path,
      tag,
      summary,
      params: noParams,
      query: noQuery,
      answer: ReleasedAllAnswer,
      refusals: ['outcome_unknown'],
      handle: async () => map(await service.releaseAll(), (released) => ({ released })),
    });

  const page = async (status: (typeof listStatuses)[number], limit: number, cursor: number | undefined) =>
    map(await service.tokens(status, { limit, cursor }), ({ tokens, counts, next }) => {
      const now = service.now();
      return {
        tokens: tokens.map((token) => tokenOut(token, now)),
        counts,
        next_cursor: next === null ? null : String(next),
      };
    });

  const list = route({
    method: 'get',
    path: '/api/tokens',
    tag,
    summary: 'List tokens',
    params: noParams,
    query: listQuery,
    answer: TokensAnswer,
    refusals: ['invalid_status', 'outcome_unknown'],
    handle: ({ query: { status, limit, cursor } }) => page(status, limit, cursor),
  });

  const listOnly = (status: 'available' | 'active') =>
    route({
      method: 'get',
      path: `/api/tokens/${status}`,
      tag,
      summary: `List ${status} tokens`,
      params: noParams,
      query: listQuery.omit({ status: true }),
      answer: TokensAnswer,
      refusals: ['outcome_unknown'],
      handle: ({ query: { limit, cursor } }) => page(status, limit, cursor),
    });

  const show = route({
    method: 'get',
    path: '/api/tokens/:id',
    tag,
    summary: 'Show a token, its holder and its newest leases',
    params: tokenPath,
    query: noQuery,
    answer: TokenAnswer,
    refusals: ['not_found', 'outcome_unknown'],
    handle: async ({ params: { id } }) => {
      const token = await service.token(id);
      if ('refused' in token) return token;
      return map(await service.history(id, { limit: historyShown }), (history) => ({
        ...tokenOut(token.ok, service.now()),
        history: history.map(pastLeaseOut),
      }));
    },
  });

  return [
    allocate,
    releaseAll('post', '/api/tokens/cleanup', 'Release every token'),
    releaseAll('delete', '/api/tokens/clear-active', 'Release every token (the same as cleanup)'),
    list,
    listOnly('available'),
    listOnly('active'),
    show,
    keepAlive,
    release('/api/tokens/:id/release', 'Release a token'),
    release('/api/tokens/release/:id', 'Release a token (the same, written the other way round)'),
  ];
}

export function map<T, U>(outcome: Outcome<T>, show: (value: T) => U): Outcome<U> {
  return 'refused' in outcome ? outcome : { ok: show(outcome.ok) };
}
