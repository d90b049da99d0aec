/**
 * Tokens for clients, at the root: generate, assign, keep alive, unblock, delete. An elastic pool of its own, in the words of
 * a service that has been there before; every body says in `message` how it went.
 */
import { z } from 'zod';
import { map, type Outcome } from '../lease/refusal.ts';
import type { PoolService } from '../service/pool-service.ts';
import type { Service } from '../service/service.ts';
import type { ProblemCode, Sayings } from './problem.ts';
import { AssignBody, ClientKeepAliveBody, ClientTokenBody, none } from './requests.ts';
import { type AnyRoute, route } from './route.ts';

const tag = 'Tokens for clients';

const message = z.string();
const token = z.string().openapi({ format: 'uuid' });
const TokenAnswer = z.strictObject({ token, message }).openapi('ClientToken');

const limitReached: Sayings = { pool_limit_reached: { status: 403, message: 'Pool limit reached' } };
const noneAvailable: Sayings = { pool_full: { status: 404, message: 'No available tokens' } };
const notTheHolder = { status: 403, message: 'Unauthorized keep-alive attempt' } as const;
const notHeld: Sayings = {
  not_found: notTheHolder,
  token_not_active: notTheHolder,
  lease_mismatch: notTheHolder,
  lease_ended: notTheHolder,
};
const notAssigned = { status: 403, message: 'Token not assigned to any client' } as const;
const notBlocked: Sayings = {
  not_found: notAssigned,
  token_not_active: notAssigned,
  lease_ended: notAssigned,
};
const unknown: Sayings = { not_found: { status: 404, message: 'Token not found' } };

const codesOf = (sayings: Sayings): ProblemCode[] => [
  ...(Object.keys(sayings) as ProblemCode[]),
  'outcome_unknown',
];

export function clientTokenRoutes(service: Service, poolName: string): AnyRoute[] {
  const ask = async <T>(ask: (pool: PoolService) => Promise<Outcome<T>>): Promise<Outcome<T>> => {
    const found = service.pool(poolName);
    return 'refused' in found ? found : ask(found.ok);
  };
  const deleting = (method: 'post' | 'delete'): AnyRoute =>
    route({
      method,
      path: '/delete-token',
      tag,
      summary: 'Delete a token, held or not',
      params: none,
      query: none,
      body: ClientTokenBody,
      answer: TokenAnswer,
      refusals: codesOf(unknown),
      sayings: unknown,
      handle: ({ body, once }) =>
        ask(async (pool) =>
          map(await pool.delete(body.token, once), () => ({
            token: body.token,
            message: 'Token deleted successfully',
          })),
        ),
    });
  return [
    route({
      method: 'post',
      path: '/generate-token',
      tag,
      summary: 'Make a token',
      description:
        'It is deleted if nobody is assigned it for a while. The limit counts all tokens, held ones too.',
      params: none,
      query: none,
      answer: TokenAnswer,
      status: 201,
      refusals: codesOf(limitReached),
      sayings: limitReached,
      handle: ({ once }) =>
        ask(async (pool) =>
          map(await pool.create({ name: null, labels: {} }, once), ({ tokenId }) => ({
            token: tokenId,
            message: 'Token generated',
          })),
        ),
    }),
    route({
      method: 'post',
      path: '/assign-token',
      tag,
      summary: 'Assign a free token to a client',
      params: none,
      query: none,
      body: AssignBody,
      answer: TokenAnswer,
      refusals: codesOf(noneAvailable),
      sayings: noneAvailable,
      handle: ({ body, once }) =>
        ask(async (pool) =>
          map(await pool.allocate({ userId: body.client_id, waitMs: 0 }, once), ([grant]) => ({
            token: grant!.tokenId,
            message: 'Token assigned',
          })),
        ),
    }),
    route({
      method: 'post',
      path: '/keep-alive',
      tag,
      summary: 'Keep a token that is assigned',
      params: none,
      query: none,
      body: ClientKeepAliveBody,
      answer: TokenAnswer,
      refusals: codesOf(notHeld),
      sayings: notHeld,
      handle: ({ body: { token, client_id }, once }) =>
        ask(async (pool) =>
          map(await pool.renew({ tokenId: token, userId: client_id }, once), () => ({
            token,
            message: 'Token kept alive',
          })),
        ),
    }),
    route({
      method: 'post',
      path: '/unblock-token',
      tag,
      summary: 'Make an assigned token free again',
      params: none,
      query: none,
      body: ClientTokenBody,
      answer: TokenAnswer,
      refusals: codesOf(notBlocked),
      sayings: notBlocked,
      handle: ({ body: { token }, once }) =>
        ask(async (pool) =>
          map(await pool.release({ tokenId: token }, once), () => ({ token, message: 'Token unblocked' })),
        ),
    }),
    deleting('post'),
    deleting('delete'),
  ];
}
