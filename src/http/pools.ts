/** The pools themselves: made, listed, changed and ended; who waits in line; and what became of a lease of any of them. */
import { completed, optionsIn, type Standard } from '../declared/options-schema.ts';
import { map } from '../lease/refusal.ts';
import type { Service } from '../service/service.ts';
import { ReleasedAllAnswer } from './answers.ts';
import type { Place } from './place.ts';
import {
  foundLeaseOut,
  PastLeaseAnswer,
  PoolAnswer,
  PoolsAnswer,
  poolOut,
  QueueAnswer,
  waiterOut,
} from './pool-answers.ts';
import { ChangePoolBody, CreatePoolBody, leasePath, none, poolPath, queueQuery } from './requests.ts';
import { type AnyRoute, route } from './route.ts';

const tag = 'Pools';

export const poolRoutes = (service: Service, standard: Standard): AnyRoute[] => [
  route({
    method: 'get',
    path: '/api/pools',
    tag,
    summary: 'List pools, with their options',
    params: none,
    query: none,
    answer: PoolsAnswer,
    refusals: [],
    handle: async () => map(await service.confirmedPools(), (pools) => ({ pools: pools.map(poolOut) })),
  }),
  route({
    method: 'post',
    path: '/api/pools',
    tag,
    summary: 'Make a pool',
    description: 'What is not said is as for the default pool, or as the options say.',
    params: none,
    query: none,
    body: CreatePoolBody,
    answer: PoolAnswer,
    status: 201,
    refusals: ['pool_exists', 'outcome_unknown'],
    handle: async ({ body: { name, ...chosen }, once }) =>
      map(await service.createPool({ name, options: completed(optionsIn(chosen), standard) }, once), poolOut),
  }),
  route({
    method: 'get',
    path: '/api/pools/:pool',
    tag,
    summary: 'Show a pool and its options',
    params: poolPath,
    query: none,
    answer: PoolAnswer,
    refusals: ['pool_not_found'],
    handle: async ({ params: { pool } }) => {
      const found = await service.find(pool);
      return 'refused' in found ? found : map(await found.ok.view(), poolOut);
    },
  }),
  route({
    method: 'patch',
    path: '/api/pools/:pool',
    tag,
    summary: 'Change options of a pool',
    description:
      'While it is being used: leases keep the deadlines that they have. A pool that shrinks drains: free tokens go at once, held ones when their lease ends.',
    params: poolPath,
    query: none,
    body: ChangePoolBody,
    answer: PoolAnswer,
    refusals: ['pool_not_found', 'outcome_unknown'],
    handle: async ({ params: { pool }, body, once }) =>
      map(await service.changePool(pool, optionsIn(body), once), poolOut),
  }),
  route({
    method: 'delete',
    path: '/api/pools/:pool',
    tag,
    summary: 'End a pool, with all its leases',
    description: 'Its log stays; a pool that is made again by the same name goes on with its numbers.',
    params: poolPath,
    query: none,
    answer: ReleasedAllAnswer,
    refusals: ['pool_not_found', 'pool_permanent', 'outcome_unknown'],
    handle: async ({ params: { pool }, once }) =>
      map(await service.deletePool(pool, once), (released) => ({ released })),
  }),
  route({
    method: 'get',
    path: '/api/leases/:lease_id',
    tag: 'Leases',
    summary: 'What became of a lease',
    description:
      'Whether it is live, or when and why it ended, and who was granted its token next. Of any pool.',
    params: leasePath,
    query: none,
    answer: PastLeaseAnswer,
    refusals: ['lease_not_found'],
    handle: async ({ params: { lease_id } }) => map(await service.lease(lease_id), foundLeaseOut),
  }),
];

export const queueRoutes = (place: Place): AnyRoute[] => [
  route({
    method: 'get',
    path: `${place.base}/queue`,
    tag,
    summary: 'Who stands in line, in the order of being served',
    params: place.params,
    query: queueQuery,
    answer: QueueAnswer,
    refusals: ['pool_not_found'],
    handle: ({ params, query: { limit } }) =>
      place.ask(params, async (pool) =>
        map(await pool.reads.queue(limit), ({ waiting, total }) => ({
          waiting: waiting.map(waiterOut),
          total,
        })),
      ),
  }),
];
