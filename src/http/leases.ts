/** What changes leases: allocate, keep alive, release, release all. */

import type { z } from 'zod';
import type { Lease } from '../lease/lease.ts';
import { map, type Outcome } from '../lease/refusal.ts';
import { KeptAliveAnswer, LeaseAnswer, leaseOut, ReleasedAllAnswer, ReleasedAnswer } from './answers.ts';
import { GrantAnswer, grantOut } from './grant-answers.ts';
import type { Place } from './place.ts';
import { codeOf, type ProblemCode, refusalMembers } from './problem.ts';
import { AllocateBody, KeepAliveBody, KeepAliveManyBody, none, ReleaseBody } from './requests.ts';
import { type AnyRoute, route } from './route.ts';

const tag = 'Leases';

export const leaseRoutes = (place: Place): AnyRoute[] => [
  allocate(place),
  keepAliveMany(place),
  releaseAll(place, 'post', 'cleanup', 'Release every token'),
  releaseAll(place, 'delete', 'clear-active', 'Release every token (the same as cleanup)'),
  keepAlive(place),
  release(place, ':id/release', 'Release a token'),
  release(place, 'release/:id', 'Release a token (the same, written the other way round)'),
];

const allocate = (place: Place): AnyRoute =>
  route({
    method: 'post',
    path: `${place.base}/tokens/allocate`,
    tag,
    summary: 'Allocate a token',
    description:
      'Grants the token that has been free for longest. If none is free, the pool does what its `when_full` says: it ends the least ' +
      'recently used lease (the answer says whose that was), refuses, or lets the newcomer wait in line, as does `wait_ms`. ' +
      'Without `user_id` one is made. Whoever hangs up while waiting leaves the line. A repetition of a request whose lease is over by ' +
      'then is answered with 410.',
    params: place.params,
    query: none,
    body: AllocateBody,
    answer: GrantAnswer,
    refusals: [
      'pool_full',
      'no_such_token',
      'user_limit_reached',
      'queue_full',
      'wait_expired',
      'lease_proof_required',
      'token_withdrawn',
      'too_late',
      'outcome_unknown',
      'lease_ended',
    ],
    handle: ({ params, body, once }, { gone }) =>
      place.ask(params, async (pool) => {
        const ask = {
          userId: body.user_id,
          ttlMs: body.ttl_ms,
          metadata: body.metadata,
          labels: body.labels,
          onExisting: body.on_existing,
          count: body.count,
          waitMs: body.wait_ms,
          priority: body.priority,
        };
        return map(await pool.allocate(ask, once, { gone }), (grants): z.input<typeof GrantAnswer> => {
          const out = grants.map((grant) => grantOut(grant, pool.like(grant.tokenId), pool.now()));
          return body.count === undefined ? out[0]! : { leases: out };
        });
      }),
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

/** The id of a token, or of its user, is no proof of being the holder: everybody sees it in lists. */
const renewedOut = (tokenId: string, { leaseId, ...lease }: Lease, knowsId: boolean, now: number) => ({
  ...leaseOut(tokenId, lease, now),
  ...(knowsId && { lease_id: leaseId }),
});

const keepAlive = (place: Place): AnyRoute =>
  route({
    method: 'post',
    path: `${place.base}/tokens/:id/keep-alive`,
    tag,
    summary: 'Renew a lease',
    description:
      'Moves the deadline to `max(old, now + ttl_ms)`; without `ttl_ms`, by the TTL the lease was granted with; never beyond the ' +
      "pool's `max_lifetime_ms` after the grant. Renewing counts as use. A lease that has ended is never revived: 410 says why and when it ended. " +
      'The answer has the `lease_id` only for those who sent it.',
    params: place.tokenParams,
    query: none,
    body: KeepAliveBody,
    answer: LeaseAnswer,
    refusals: [...refusals, 'token_withdrawn', 'too_late'],
    handle: ({ params, body, once }) =>
      place.ask(params, async (pool) => {
        const { id } = params as { id: string };
        const ask = { tokenId: id, leaseId: body.lease_id, userId: body.user_id, ttlMs: body.ttl_ms };
        return map(await pool.renew(ask, once), (lease) =>
          renewedOut(id, lease, body.lease_id !== undefined, pool.now()),
        );
      }),
  });

const keepAliveMany = (place: Place): AnyRoute =>
  route({
    method: 'post',
    path: `${place.base}/tokens/keep-alive`,
    tag,
    summary: 'Renew many leases at once',
    description: 'Each as by itself, with a result of its own in the same place; all in one commit.',
    params: place.params,
    query: none,
    body: KeepAliveManyBody,
    answer: KeptAliveAnswer,
    refusals: ['outcome_unknown'],
    handle: ({ params, body: { leases }, once }) =>
      place.ask(params, async (pool) => {
        const asks = leases.map(({ token_id, lease_id, user_id, ttl_ms }) => ({
          tokenId: token_id,
          leaseId: lease_id,
          userId: user_id,
          ttlMs: ttl_ms,
        }));
        return map(await pool.renewMany(asks, once), (outcomes) => ({
          results: outcomes.map((outcome: Outcome<Lease>, index) => {
            const { tokenId, leaseId } = asks[index]!;
            if ('refused' in outcome)
              return { ok: false, error: codeOf(outcome.refused), ...refusalMembers(outcome.refused) };
            return { ok: true, lease: renewedOut(tokenId, outcome.ok, leaseId !== undefined, pool.now()) };
          }),
        }));
      }),
  });

const release = (place: Place, path: string, summary: string): AnyRoute =>
  route({
    method: 'post',
    path: `${place.base}/tokens/${path}`,
    tag,
    summary,
    description:
      'Ends the lease before its deadline. What is sent as proof, `lease_id` or `user_id`, must be the ' +
      "current holder's, else nothing changes. With neither, the id of the token alone suffices, unless the " +
      'service runs with `LEASE_PROOF=required`.',
    params: place.tokenParams,
    query: none,
    body: ReleaseBody,
    answer: ReleasedAnswer,
    refusals,
    handle: ({ params, body, once }) =>
      place.ask(params, async (pool) => {
        const { id } = params as { id: string };
        const ask = { tokenId: id, leaseId: body.lease_id, userId: body.user_id };
        return map(await pool.release(ask, once), ({ userId }) => ({
          ok: true as const,
          token_id: id,
          user_id: userId,
        }));
      }),
  });

const releaseAll = (place: Place, method: 'post' | 'delete', path: string, summary: string): AnyRoute =>
  route({
    method,
    path: `${place.base}/tokens/${path}`,
    tag,
    summary,
    params: place.params,
    query: none,
    answer: ReleasedAllAnswer,
    refusals: ['outcome_unknown'],
    handle: ({ params, once }) =>
      place.ask(params, async (pool) => map(await pool.releaseAll(once), (released) => ({ released }))),
  });
