/** The OpenAPI 3.1 document, made from the schemas that validate. */
import { OpenAPIRegistry, OpenApiGeneratorV31 } from '@asteasolutions/zod-to-openapi';
import { type ProblemCode, statusOf } from './problem.ts';
import { type AnyRoute, describe } from './route.ts';

/** What is refused before there is a route, or whatever the route. */
const anywhere: readonly ProblemCode[] = [
  'bad_request',
  'no_such_route',
  'method_not_allowed',
  'request_timeout',
  'headers_too_large',
  'internal_error',
];

export function openApiDocument(routes: readonly AnyRoute[], version: string): object {
  const registry = new OpenAPIRegistry();
  for (const route of routes) describe(registry, route);
  return new OpenApiGeneratorV31(registry.definitions).generateDocument({
    openapi: '3.1.0',
    info: {
      title: 'Leasehold',
      version,
      description:
        'A pool holds tokens. A user asks for one and gets a lease: the exclusive right to it ' +
        'until the deadline. The lease ends when it is released, when its time is up, or when the pool is full ' +
        'and it is the least recently used; other pools refuse, or let newcomers wait in line. The default pool is at `/api/tokens`, ' +
        'any by its name at `/api/pools/{pool}/tokens`. Times are ISO 8601 in UTC; members that end in `_ms` are milliseconds.\n\n' +
        'Every refusal is a Problem (RFC 9457) with its code as `error`. Besides those that a route lists, any ' +
        `request can be refused with ${anywhere.map((code) => `\`${code}\` (${statusOf(code)})`).join(', ')}.`,
      license: { name: 'MIT', identifier: 'MIT' },
    },
    servers: [{ url: '/' }],
    security: [],
    tags: [
      { name: 'Leases', description: 'Allocate, keep alive, release' },
      { name: 'Tokens', description: 'Each token as it is now' },
      { name: 'Pools', description: 'Their options, and who waits in line' },
      { name: 'Tokens for clients', description: 'An elastic pool of its own, at the root' },
      { name: 'Clock', description: 'Simulated time, to be moved by hand' },
      { name: 'Event log', description: 'Every change is a fact, and every fact can be read' },
    ],
  });
}
