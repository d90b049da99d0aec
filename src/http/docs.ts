/** The OpenAPI document, a page to read it, and what editors know the file of pools by; all served from this machine: nothing comes from the internet. */
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import type { Hono } from 'hono';
import { poolsFileSchema } from '../declared/pools-file.ts';
import { serveGet } from './route.ts';

const assetFolder = dirname(createRequire(import.meta.url).resolve('swagger-ui-dist/package.json'));
const assets: Record<string, string> = {
  'swagger-ui.css': 'text/css',
  'swagger-ui-bundle.js': 'text/javascript',
  'favicon-32x32.png': 'image/png',
};

const page = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Leasehold API</title>
<link rel="icon" href="/docs/favicon-32x32.png">
<link rel="stylesheet" href="/docs/swagger-ui.css">
</head>
<body>
<main id="api"></main>
<script src="/docs/swagger-ui-bundle.js"></script>
<script src="/docs/start.js"></script>
</body>
</html>
`;

const start = `SwaggerUIBundle({ url: '/openapi.json', dom_id: '#api', deepLinking: true, tryItOutEnabled: true });\n`;

/** Swagger UI sets styles and inlines icons as data. */
const policy =
  "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; connect-src 'self'";

export function serveDocs(app: Hono, document: object): void {
  const json = JSON.stringify(document, null, 2);
  serveGet(app, '/openapi.json', (c) => c.body(json, 200, { 'content-type': 'application/json' }));
  serveGet(app, '/pools.schema.json', (c) => c.json(poolsFileSchema()));
  serveGet(app, '/docs', (c) => c.html(page, 200, { 'content-security-policy': policy }));
  serveGet(app, '/docs/start.js', (c) => c.body(start, 200, { 'content-type': 'text/javascript' }));
  for (const [name, type] of Object.entries(assets)) {
    serveGet(app, `/docs/${name}`, async (c) => {
      // Not a stream: nobody reads one that answers HEAD, and its file would stay open.
      const file = await readFile(join(assetFolder, name));
      return c.body(file, 200, { 'content-type': type, 'cache-control': 'public, max-age=86400' });
    });
  }
}
