/**
 * Tokens for clients, at the root: generate, assign, keep alive, unblock, delete. An elastic pool of its own, in the words of
 * a service that has been there before; every body says in `message` how it went.
 */
import type { MiddlewareHandler } from 'hono';
import { z } from 'zod';
import { map, type Outcome } from '../lease/refusal.ts';
import type { PoolService } from '../service/pool-service.ts';
import type { Service } from '../service/service.ts';
import { Problem } from './answers.ts';
import type { ProblemCode, ProblemDetails, Sayings } from './problem.ts';
import { AssignBody, ClientKeepAliveBody, ClientTokenBody, none } from './requests.ts';
import { type AnyRoute, route } from './route.ts';

const tag = 'Tokens for clients';

const message = z.string();
const token = z.string().openapi({ format: 'uuid' });
const TokenAnswer = z.strictObject({ token, message }).openapi('ClientToken');

const ProblemInWords = z.object({ ...Problem.shape, message }).openapi('ClientProblem');

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

/** How a route of these refuses: with these words, and for the other codes with their titles. */
const refusing = (sayings: Sayings, ...others: ProblemCode[]) => ({
  sayings,
  refusals: [...(Object.keys(sayings) as ProblemCode[]), ...others, 'outcome_unknown' as const],
  problem: ProblemInWords,
});

/** Says the title of a problem as its `message` where it has none: whatever was wrong, and wherever that was found. */
export const inWords: MiddlewareHandler = async (c, next) => {
  await next();
  if (c.res.status < 400) return;
  const body = (await c.res.json()) as ProblemDetails & { title: string };
  c.res = new Response(JSON.stringify({ ...body, message: body.message ?? body.title }), c.res);
};

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
      ...refusing(unknown),
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
      ...refusing(limitReached),
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
      ...refusing(noneAvailable, 'user_limit_reached', 'too_late', 'lease_ended'),
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
      ...refusing(notHeld, 'token_withdrawn', 'too_late'),
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
      ...refusing(notBlocked),
      handle: ({ body: { token }, once }) =>
        ask(async (pool) =>
          map(await pool.release({ tokenId: token }, once), () => ({ token, message: 'Token unblocked' })),
        ),
    }),
    deleting('post'),
    deleting('delete'),
  ];
}
