/** A Hono app with one route that answers nothing. */
import { serve } from '@hono/node-server';
import { Hono } from 'hono';

const app = new Hono();
app.all('/', (c) => c.body(null, 204));
serve({ fetch: app.fetch, hostname: '127.0.0.1', port: Number(process.env.PORT) });
