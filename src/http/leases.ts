/** What changes leases: allocate, keep alive, release, release all. */
import { map } from '../lease/refusal.ts';
import type { Service } from '../service/service.ts';
import {
  GrantAnswer,
  grantOut,
  LeaseAnswer,
  leaseOut,
  ReleasedAllAnswer,
  ReleasedAnswer,
} from './answers.ts';
import type { ProblemCode } from './problem.ts';
import { type bodies, none, tokenPath } from './requests.ts';
import { type AnyRoute, route } from './route.ts';

type Bodies = ReturnType<typeof bodies>;

const tag = 'Leases';

export const leaseRoutes = (service: Service, body: Bodies): AnyRoute[] => [
  allocate(service, body),
  releaseAll(service, 'post', '/api/tokens/cleanup', 'Release every token'),
  releaseAll(service, 'delete', '/api/tokens/clear-active', 'Release every token (the same as cleanup)'),
  keepAlive(service, body),
  release(service, body, '/api/tokens/:id/release', 'Release a token'),
  release(
    service,
    body,
    '/api/tokens/release/:id',
    'Release a token (the same, written the other way round)',
  ),
];

const allocate = (service: Service, body: Bodies): AnyRoute =>
  route({
    method: 'post',
    path: '/api/tokens/allocate',
    tag,
    summary: 'Allocate a token',
    description:
      'Grants the token that has been free for longest. If none is free, the least recently used lease is ended ' +
      'for it, and the answer says whose that was. Without `user_id` one is made. A repetition of a request ' +
      'whose lease is over by then is answered with 410.',
    params: none,
    query: none,
    body: body.allocate,
    answer: GrantAnswer,
    refusals: ['too_late', 'outcome_unknown', 'lease_ended'],
    handle: async ({ body, once }) => {
      const ask = { userId: body.user_id, ttlMs: body.ttl_ms, metadata: body.metadata };
      return map(await service.allocate(ask, once), (grant) => grantOut(grant, service.now()));
    },
  });

/** Of what asks for the lease of one token. */
const refusals: readonly ProblemCode[] = [
  'not_found',
  'token_not_active',
  'lease_mismatch',
  'lease_ended',
  'lease_proof_required',
  'outcome_unknown',
];

const keepAlive = (service: Service, body: Bodies): AnyRoute =>
  route({
    method: 'post',
    path: '/api/tokens/:id/keep-alive',
    tag,
    summary: 'Renew a lease',
    description:
      'Moves the deadline to `max(old, now + ttl_ms)`; without `ttl_ms`, by the TTL the lease was granted with. ' +
      'Renewing counts as use. A lease that has ended is never revived: 410 says why and when it ended. ' +
      'The answer has the `lease_id` only for those who sent it.',
    params: tokenPath,
    query: none,
    body: body.keepAlive,
    answer: LeaseAnswer,
    refusals: [...refusals, 'too_late'],
    handle: async ({ params: { id }, body, once }) => {
      const ask = { tokenId: id, leaseId: body.lease_id, userId: body.user_id, ttlMs: body.ttl_ms };
      return map(await service.renew(ask, once), ({ leaseId, ...lease }) => ({
        ...leaseOut(id, lease, service.now()),
        // The id of a token, or of its user, is no proof of being the holder: everybody sees it in lists.
        ...(body.lease_id === undefined ? {} : { lease_id: leaseId }),
      }));
    },
  });

const release = (service: Service, body: Bodies, path: string, summary: string): AnyRoute =>
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
    query: none,
    body: body.release,
    answer: ReleasedAnswer,
    refusals,
    handle: async ({ params: { id }, body, once }) => {
      const ask = { tokenId: id, leaseId: body.lease_id, userId: body.user_id };
      return map(await service.release(ask, once), ({ userId }) => ({
        ok: true,
        token_id: id,
        user_id: userId,
      }));
    },
  });

const releaseAll = (service: Service, method: 'post' | 'delete', path: string, summary: string): AnyRoute =>
  route({
    method,
    path,
    tag,
    summary,
    params: none,
    query: none,
    answer: ReleasedAllAnswer,
    refusals: ['outcome_unknown'],
    handle: async ({ once }) => map(await service.releaseAll(once), (released) => ({ released })),
  });
