/**
 * A route said once: what it takes, what it answers, how it refuses. From this come the check of the request,
 * the check of the answer, the OpenAPI document and the 405 of the methods that a path does not have.
 */
import type { OpenAPIRegistry } from '@asteasolutions/zod-to-openapi';
import type { Context, Handler, Hono } from 'hono';
import { bodyLimit } from 'hono/body-limit';
import { type ZodType, z } from 'zod';
import type { Json } from '../lease/lease.ts';
import type { Outcome, RefusalCode } from '../lease/refusal.ts';
import type { Metrics } from '../metrics.ts';
import type { Once } from '../service/exactly-once.ts';
import { Problem } from './answers.ts';
import { idempotencyHeaders, onceOf, replayedHeader } from './idempotency.ts';
import { type Asker, connectionOf, inLines, linesType, wantsLines } from './lines.ts';
import {
  type FieldError,
  inOneLine,
  type ProblemCode,
  problem,
  refusalProblem,
  type Sayings,
  statusOf,
  titleOf,
} from './problem.ts';

export const bodyBytesMax = 16 * 1024;

export type Method = 'get' | 'post' | 'patch' | 'delete';

export interface Route<P extends ZodType, Q extends ZodType, B extends ZodType, A extends ZodType> {
  method: Method;
  /** In Hono's writing: `/api/tokens/:id`. */
  path: string;
  tag: string;
  summary: string;
  description?: string;
  params: P;
  query: Q;
  /** Absent: the route takes none, and a member in one is an error. */
  body?: B;
  answer: A;
  /** Of an answer that is no JSON: it goes out as it is, with these. */
  headers?: { readonly [name: string]: string; readonly 'content-type': string };
  /** Of the answer; 200 unless said. */
  status?: 200 | 201;
  /** Where refusals are said otherwise than elsewhere: with other statuses, and words for clients who read no code. */
  sayings?: Sayings;
  /** What a refusal is made of; as elsewhere unless said. */
  problem?: ZodType;
  /** How it goes meanwhile, to those who ask for lines; absent: nobody is told. */
  line?: ZodType;
  refusals: readonly ProblemCode[];
  /** `once` comes with whatever is no GET, where the caller has given the request a key. */
  handle(
    input: { params: z.output<P>; query: z.output<Q>; body: z.output<B>; once?: Once | undefined },
    asker: Asker,
  ): Promise<Outcome<z.input<A>>>;
}

// biome-ignore lint/suspicious/noExplicitAny: a list of routes holds routes of every shape
export type AnyRoute = Route<any, any, any, any>;

/** Keeps the types of one route's parts together. */
export const route = <P extends ZodType, Q extends ZodType, B extends ZodType, A extends ZodType>(
  parts: Route<P, Q, B, A>,
): AnyRoute => parts;

export function serve(app: Hono, routes: readonly AnyRoute[], metrics: Metrics): void {
  const byPath = groupBy(routes, ({ path }) => path);
  for (const [path, sharing] of byPath) {
    for (const each of sharing) {
      app.on(each.method.toUpperCase(), path, async (c) => {
        const answered = metrics.asked(each.method.toUpperCase(), path);
        const response = await answer(c, each);
        answered(response.status);
        return response;
      });
    }
    allowOnly(
      app,
      path,
      sharing.map(({ method }) => method.toUpperCase()),
    );
  }
}

/** A page to look at, which no other method goes with. */
export function serveGet(app: Hono, path: string, handle: Handler): void {
  app.get(path, handle);
  allowOnly(app, path, ['GET']);
}

function allowOnly(app: Hono, path: string, methods: string[]): void {
  const allow = methods.join(', ');
  app.all(path, () => problem('method_not_allowed', { detail: `use ${allow}` }, { allow }));
}

const noBody = z.strictObject({});

async function answer(c: Context, route: AnyRoute): Promise<Response> {
  const { method, path, params, query, body = noBody, answer, status = 200, line, refusals, handle } = route;
  const { sayings = {}, headers: own } = route;
  const given = c.req.method === 'GET' ? {} : await readBody(c);
  if (given instanceof Response) return given;
  const errors: FieldError[] = [];
  const input = {
    params: check(params, c.req.param(), errors),
    query: check(query, queryOf(c), errors),
    body: check(body, given, errors),
  };
  const once = method === 'get' ? undefined : onceOf(c, { method, path, ...input } as Json, errors);
  if (errors.length > 0) return invalid(errors, refusals);
  const work = async (asker: Asker) => {
    const outcome = await handle({ ...input, once }, asker);
    const headers = outcome.replayed ? replayedHeader : {};
    if ('refused' in outcome) return refusalProblem(outcome.refused, headers, sayings[outcome.refused.code]);
    if (own) return c.body(outcome.ok as ReadableStream, status, own);
    return c.json(answer.parse(outcome.ok), status, headers);
  };
  if (line && wantsLines(c)) return inLines(c, work);
  return work({ gone: () => c.req.raw.signal, ...connectionOf(c), tell() {} });
}

function check(schema: ZodType, value: unknown, errors: FieldError[]): unknown {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const named = new Set<string>();
  for (const issue of result.error.issues) {
    const unknown = issue.code === 'unrecognized_keys' ? issue.keys : [];
    const fields = unknown.length > 0 ? unknown : [issue.path.join('.') || 'body'];
    for (const field of fields) {
      // What is wrong first is enough: of the wrong type, it is also too small in some sense.
      if (named.has(field)) continue;
      named.add(field);
      errors.push({ field, message: unknown.length > 0 ? 'is not known' : issue.message });
    }
  }
  return undefined;
}

function invalid(errors: FieldError[], refusals: readonly ProblemCode[]): Response {
  const detail = inOneLine(errors);
  const status = refusals.includes('invalid_status') && errors.some(({ field }) => field === 'status');
  return problem(status ? 'invalid_status' : 'invalid_request', { detail, errors });
}

/** The query; what is repeated stays a list, which no schema takes: nobody can say which one was meant. */
function queryOf(c: Context): Record<string, string | string[]> {
  if (!c.req.url.includes('?')) return {};
  const named = Object.entries(c.req.queries());
  return Object.fromEntries(named.map(([name, values]) => [name, values.length === 1 ? values[0]! : values]));
}

const tooLarge = () => problem('body_too_large', { detail: `at most ${bodyBytesMax} bytes` });
const limitStream = bodyLimit({ maxSize: bodyBytesMax, onError: tooLarge });

/** The body as JSON, `{}` if there is none, or the answer that refuses it. */
async function readBody(c: Context): Promise<unknown> {
  const length = c.req.header('content-length');
  const chunked = c.req.header('transfer-encoding') !== undefined;
  if (!chunked && (length === undefined || length === '0')) return {};
  if (Number(length) > bodyBytesMax) return tooLarge();
  let text: string;
  try {
    // Only a body of unknown length needs to be counted while it comes.
    const refusal = chunked ? await limitStream(c, async () => {}) : undefined;
    if (refusal) return refusal;
    text = await c.req.text();
  } catch {
    // Nobody hears it: the client has hung up, or was so slow that the socket has answered already.
    return problem('bad_request', { detail: 'the body did not arrive whole' });
  }
  if (text === '') return {};
  if (!/^application\/(.+\+)?json\b/i.test(c.req.header('content-type') ?? '')) {
    return problem('unsupported_media_type', { detail: 'send Content-Type: application/json' });
  }
  // What was no UTF-8 has been read as this mark: two user ids must not become one by it.
  if (text.includes('\uFFFD')) return problem('invalid_json', { detail: 'must be UTF-8, without U+FFFD' });
  try {
    return JSON.parse(text);
  } catch (error) {
    return problem('invalid_json', { detail: (error as Error).message });
  }
}

const onlyOfChanges: readonly ProblemCode[] = [
  'cross_site',
  'invalid_json',
  'unsupported_media_type',
  'body_too_large',
  'idempotency_key_reused',
  'idempotency_key_in_use',
];

/** Writes a route into the OpenAPI document. */
export function describe(registry: OpenAPIRegistry, each: AnyRoute): void {
  const refusals: ProblemCode[] = [...each.refusals, 'invalid_request', 'unavailable'];
  // A body that a route does not take is read as well, to say what is wrong with it.
  if (each.method !== 'get') refusals.push(...onlyOfChanges);
  if (each.path.includes('/:pool')) refusals.push('pool_not_found');
  const byStatus = groupBy(
    new Set(refusals),
    (code) => each.sayings?.[code as RefusalCode]?.status ?? statusOf(code),
  );
  const path = each.path.replace(/:(\w+)/g, '{$1}');
  registry.registerPath({
    method: each.method,
    path,
    operationId: `${each.method}_${path.replace(/\W+/g, '_').replace(/^_|_$/g, '')}`,
    tags: [each.tag],
    summary: each.summary,
    ...(each.description ? { description: each.description } : {}),
    request: {
      params: each.params,
      query: each.query,
      ...(each.method === 'get' ? {} : { headers: idempotencyHeaders }),
      ...(each.body ? { body: { content: { 'application/json': { schema: each.body } } } } : {}),
    },
    responses: {
      [each.status ?? 200]: {
        description: 'Done',
        content: {
          [each.headers?.['content-type'] ?? 'application/json']: { schema: each.answer },
          ...(each.line ? { [linesType]: { schema: z.union([each.line, each.answer, Problem]) } } : {}),
        },
      },
      ...Object.fromEntries(
        Array.from(byStatus, ([status, codes]) => [
          status,
          {
            description: codes.map((code) => `\`${code}\`: ${titleOf(code)}.`).join(' '),
            content: { 'application/problem+json': { schema: each.problem ?? Problem } },
          },
        ]),
      ),
    },
  });
}

function groupBy<T, K>(members: Iterable<T>, keyOf: (member: T) => K): Map<K, T[]> {
  const groups = new Map<K, T[]>();
  for (const member of members) {
    const group = groups.get(keyOf(member));
    if (group) group.push(member);
    else groups.set(keyOf(member), [member]);
  }
  return groups;
}
