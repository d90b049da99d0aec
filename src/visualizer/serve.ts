/**
 * The page that shows the pools at work, and what it is made of: all of it from this machine, nothing inline, and
 * each asset named by what is in it, so that a browser may keep it for ever.
 */
import { readdir, readFile } from 'node:fs/promises';
import { extname } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Context, Hono } from 'hono';
import { problem } from '../http/problem.ts';
import { serveGet } from '../http/route.ts';

/** The same from `src` and from `dist`; `npm run build` writes it. */
const folder = fileURLToPath(new URL('../../dist/page/', import.meta.url));

const types: Record<string, string> = {
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.html': 'text/html; charset=utf-8',
};

const policy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data:",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

export function serveVisualizer(app: Hono): void {
  serveGet(app, '/visualizer', async (c) => {
    const names = await readdir(folder).catch(() => [] as string[]);
    if (!names.includes('index.html'))
      return problem('no_such_route', { detail: 'the page is not built: npm run build' });
    return send(c, 'index.html', { 'content-security-policy': policy, 'cache-control': 'no-cache' });
  });
  serveGet(app, '/visualizer/:asset', async (c) => {
    const name = c.req.param('asset')!;
    const names = await readdir(folder).catch(() => [] as string[]);
    if (name === 'index.html' || !(extname(name) in types) || !names.includes(name))
      return problem('no_such_route', { detail: `there is no ${name}; see /visualizer` });
    return send(c, name, { 'cache-control': 'public, max-age=31536000, immutable' });
  });
}

/** Smaller, where the browser takes it so. */
async function send(c: Context, name: string, headers: Record<string, string>): Promise<Response> {
  const isZipped = /\bgzip\b/.test(c.req.header('accept-encoding') ?? '');
  return c.body(await readFile(`${folder}${name}${isZipped ? '.gz' : ''}`), 200, {
    'content-type': types[extname(name)]!,
    vary: 'accept-encoding',
    'x-content-type-options': 'nosniff',
    'referrer-policy': 'no-referrer',
    ...(isZipped && { 'content-encoding': 'gzip' }),
    ...headers,
  });
}
