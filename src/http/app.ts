/** All routes in one Hono app, and what holds for each of them: request ids, logs, answers to what went wrong. */
import { type Context, Hono } from 'hono';
import type { Standard } from '../declared/options-schema.ts';
import type { Logger } from '../log.ts';
import type { Metrics } from '../metrics.ts';
import { newId } from '../random.ts';
import type { Service } from '../service/service.ts';
import { clientTokenRoutes, inWords } from './client-tokens.ts';
import { clockRoutes } from './clock.ts';
import { serveDocs } from './docs.ts';
import { eventRoutes } from './events.ts';
import { serveHealth } from './health.ts';
import { leaseRoutes } from './leases.ts';
import { messageRoutes } from './messages.ts';
import { openApiDocument } from './openapi.ts';
import { places } from './place.ts';
import { poolRoutes, queueRoutes } from './pools.ts';
import { problem } from './problem.ts';
import { serve } from './route.ts';
import { type ClockKind, snapshotRoutes } from './snapshots.ts';
import type { StreamOptions } from './stream.ts';
import { tokenRoutes } from './tokens.ts';
import { verifyRoutes } from './verify.ts';

export interface AppOptions {
  /** What a new pool is like that says nothing of it. */
  standard: Standard;
  /** The pool of the tokens for clients. */
  clientPool: string;
  version: string;
  stream: StreamOptions;
  /** How the clock of the service goes; `system` unless said. */
  clockKind?: ClockKind;
}

export function createApp(service: Service, metrics: Metrics, log: Logger, options: AppOptions): Hono {
  const app = new Hono({ strict: false });
  app.use(async (c, next) => {
    const requestId = requestIdOf(c);
    c.header('x-request-id', requestId);
    c.header('cache-control', 'no-store');
    await next();
    // A refusal is a response of its own, without the headers that were set before it.
    if (c.res.status >= 400) {
      c.res.headers.set('x-request-id', requestId);
      c.res.headers.set('cache-control', 'no-store');
    }
    // Not even a 503 is news: the stage that it comes from has been logged, and a bug is logged where it is caught.
    if (log.isLevelEnabled('debug')) log.debug(logged(c, requestId), 'answered');
  });
  const clientRoutes = clientTokenRoutes(service, options.clientPool);
  for (const path of new Set(clientRoutes.map(({ path }) => path))) app.use(path, inWords);
  app.use(async (c, next) => (isForeign(c) ? problem('cross_site') : next()));
  const routes = [
    ...places(service).flatMap((place) => [
      ...leaseRoutes(place),
      ...tokenRoutes(place),
      ...eventRoutes(place, options.stream),
      ...messageRoutes(place, options.stream),
      ...snapshotRoutes(place, options.clockKind ?? 'system'),
      ...queueRoutes(place),
      ...verifyRoutes(service, place),
    ]),
    ...poolRoutes(service, options.standard),
    ...clockRoutes(service),
    ...clientRoutes,
  ];
  serve(app, routes, metrics);
  serveHealth(app, service, metrics);
  serveDocs(app, openApiDocument(routes, options.version));
  app.get('/', (c) => c.redirect('/docs'));
  app.notFound((c) =>
    problem('no_such_route', { detail: `${c.req.method} ${c.req.path} is not one; see /docs` }),
  );
  app.onError((error, c) => {
    log.error({ ...logged(c, c.res.headers.get('x-request-id') ?? ''), status: 500, err: error }, 'bug');
    return problem('internal_error');
  });
  return app;
}

/**
 * Whether a page of another site has made the visitor's browser ask this. Browsers say so; everybody else says
 * nothing. Reading is left to the browser, which shows that page no answer.
 */
function isForeign(c: Context): boolean {
  if (c.req.method === 'GET' || c.req.method === 'HEAD') return false;
  const site = c.req.header('sec-fetch-site');
  if (site !== undefined) return site !== 'same-origin' && site !== 'none';
  const origin = c.req.header('origin');
  return origin !== undefined && origin.replace(/^https?:\/\//, '') !== c.req.header('host');
}

/** The caller's own request id, where it is one that may go into a log and a header. */
function requestIdOf(c: Context): string {
  const given = c.req.header('x-request-id');
  return given !== undefined && /^[\w.:-]{1,128}$/.test(given) ? given : newId();
}

/** What a log line says of a request: the route, never what was in its body, nor the id of a lease. */
const logged = (c: Context, requestId: string) => ({
  request_id: requestId,
  method: c.req.method,
  path: c.req.path.replace(/^\/api\/leases\/.*/, '/api/leases/:lease_id'),
  status: c.res.status,
});
