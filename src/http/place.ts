/** Where a pool is found: the default one at `/api/tokens`, and any by its name at `/api/pools/:pool/tokens`, with the same routes. */
import type { ZodObject } from 'zod';
import type { Outcome, Refusal } from '../lease/refusal.ts';
import type { PoolService } from '../service/pool-service.ts';
import type { Service } from '../service/service.ts';
import { none, poolPath, tokenPath } from './requests.ts';

export interface Place {
  base: '/api' | '/api/pools/:pool';
  /** Of a route of the pool, and of one of its tokens. */
  params: ZodObject;
  tokenParams: ZodObject;
  /** Asks the pool that the path names. */
  ask<T>(
    params: { pool?: string },
    ask: (pool: PoolService) => Promise<Outcome<T>> | Outcome<T>,
  ): Promise<Outcome<T>>;
}

export function places(service: Service): Place[] {
  const ask: Place['ask'] = async ({ pool }, ask) => {
    const found = await service.find(pool);
    return 'refused' in found ? (found as { refused: Refusal }) : ask(found.ok);
  };
  return [
    { base: '/api', params: none, tokenParams: tokenPath, ask },
    {
      base: '/api/pools/:pool',
      params: poolPath,
      tokenParams: poolPath.extend(tokenPath.shape),
      ask,
    },
  ];
}
