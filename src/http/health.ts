/** For those who run the service: is it alive, does it serve, how does it do. */
import type { Hono } from 'hono';
import type { Metrics } from '../metrics.ts';
import type { Service } from '../service/service.ts';
import { serveGet } from './route.ts';

export function serveHealth(app: Hono, service: Service, metrics: Metrics): void {
  serveGet(app, '/livez', (c) => c.json({ status: 'alive' }));
  serveGet(app, '/readyz', (c) => {
    const { stage } = service;
    return stage === 'serving'
      ? c.json({ status: stage })
      : c.json({ status: stage }, 503, { 'retry-after': '1' });
  });
  serveGet(app, '/metrics', async (c) =>
    c.body(await metrics.text(), 200, { 'content-type': metrics.contentType }),
  );
}
