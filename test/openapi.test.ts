import { readdirSync } from 'node:fs';
import { createConfig, lintFromString } from '@redocly/openapi-core';
import { describe, expect, it } from 'vitest';
import { problemCodes } from '../src/http/problem.ts';
import { createApi } from './support/http.ts';
import type { Document } from './support/openapi.ts';

/** Every route of the first release, as the README and the documents have them. */
/** Of every pool: the default one, and any by its name. */
const ofPools = [
  'DELETE /tokens/clear-active',
  'DELETE /tokens/{id}',
  'GET /events',
  'GET /events/stream',
  'GET /messages/stream',
  'GET /queue',
  'GET /snapshot',
  'GET /statistics',
  'GET /tokens',
  'GET /tokens/active',
  'GET /tokens/available',
  'GET /tokens/{id}',
  'GET /tokens/{id}/events',
  'GET /tokens/{id}/history',
  'GET /verify',
  'POST /tokens',
  'POST /tokens/allocate',
  'POST /tokens/cleanup',
  'POST /tokens/keep-alive',
  'POST /tokens/release/{id}',
  'POST /tokens/{id}/keep-alive',
  'POST /tokens/{id}/release',
  'POST /tokens/{id}/restore',
  'POST /tokens/{id}/withdraw',
];
const routes = [
  ...['/api', '/api/pools/{pool}'].flatMap((base) => ofPools.map((each) => each.replace(' ', ` ${base}`))),
  'DELETE /api/pools/{pool}',
  'GET /api/clock',
  'GET /api/leases/{lease_id}',
  'GET /api/pools',
  'GET /api/pools/{pool}',
  'PATCH /api/pools/{pool}',
  'POST /api/clock/advance',
  'POST /api/pools',
  'DELETE /delete-token',
  'POST /assign-token',
  'POST /delete-token',
  'POST /generate-token',
  'POST /keep-alive',
  'POST /unblock-token',
].sort();
const pages = ['/livez', '/readyz', '/metrics', '/docs', '/openapi.json', '/pools.schema.json', '/'];

async function documentOf(api: { get(path: string): Promise<{ body: unknown }> }): Promise<Document> {
  return (await api.get('/openapi.json')).body as Document;
}

describe('/openapi.json', () => {
  it('puts no schema together of parts, each of which would forbid the members of the other', async () => {
    const document = await documentOf(await createApi({ size: 1 }));
    expect(JSON.stringify(document)).toContain('"additionalProperties":false');
    expect(JSON.stringify(document)).not.toContain('"allOf"');
  });

  it('is OpenAPI 3.1 and has nothing that a linter would say of it', async () => {
    const document = await documentOf(await createApi({ size: 1 }));
    expect(document.openapi).toMatch(/^3\.1\./);
    const config = await createConfig({ extends: ['recommended'] });
    const problems = await lintFromString({ source: JSON.stringify(document), config });
    const found = problems.map(({ ruleId, message }) => `${ruleId}: ${message}`);
    // Two documents write the release either way round; `release` is no UUID, so that no request fits both.
    expect(found.filter((each) => !/^no-ambiguous-paths: .*\/tokens\/release\/\{id\}`/.test(each))).toEqual(
      [],
    );
    // The linter itself does its work.
    const broken = JSON.stringify({ ...document, info: {} });
    expect((await lintFromString({ source: broken, config })).length).toBeGreaterThan(0);
  });

  it('lists every route that the app has, and no other', async () => {
    const api = await createApi({ size: 1 });
    const { paths } = await documentOf(api);
    const listed = Object.entries(paths).flatMap(([path, operations]) =>
      Object.keys(operations).map((method) => `${method.toUpperCase()} ${path}`),
    );
    expect(listed.toSorted()).toEqual(routes);
    const served = api.app.routes
      .filter(({ method, path }) => method !== 'ALL' && !pages.includes(path) && !path.startsWith('/docs/'))
      .map(({ method, path }) => `${method} ${path.replace(/:(\w+)/g, '{$1}')}`);
    expect(served.toSorted()).toEqual(routes);
  });

  it('names every code of every refusal: at its routes, or as one that any request can meet', async () => {
    const document = (await documentOf(await createApi({ size: 1 }))) as Document & {
      info: { description: string };
    };
    const operations = Object.values(document.paths).flatMap((path) => Object.values(path));
    const said = JSON.stringify([operations, document.info.description]);
    for (const code of problemCodes) expect(said).toContain(`\`${code}\``);
    expect(document.components.schemas.Problem).toMatchObject({
      properties: { error: { enum: problemCodes } },
    });
  });

  it('says that every body of the tokens for clients has a message', async () => {
    const { paths, components } = await documentOf(await createApi({ size: 1 }));
    const required = ({ $ref }: { $ref?: string }) =>
      (components.schemas[$ref!.split('/').at(-1)!] as { required: string[] }).required;
    for (const path of ['/generate-token', '/assign-token', '/keep-alive', '/unblock-token', '/delete-token'])
      for (const { responses } of Object.values(paths[path]!))
        for (const { content } of Object.values(responses))
          for (const { schema } of Object.values(content)) expect(required(schema)).toContain('message');
  });

  it('names the refusals of keep-alive and release, each at its status', async () => {
    const { paths } = await documentOf(await createApi({ size: 1 }));
    const expected = {
      400: ['invalid_request', 'invalid_json'],
      403: ['lease_proof_required'],
      404: ['not_found', 'token_not_active'],
      409: ['lease_mismatch', 'idempotency_key_in_use'],
      410: ['lease_ended'],
      413: ['body_too_large'],
      415: ['unsupported_media_type'],
      422: ['idempotency_key_reused'],
      503: ['unavailable', 'outcome_unknown'],
    };
    for (const route of ['{id}/keep-alive', '{id}/release', 'release/{id}']) {
      const { responses } = paths[`/api/tokens/${route}`]!.post!;
      expect(Object.keys(responses)).toEqual(['200', ...Object.keys(expected)]);
      for (const [status, codes] of Object.entries(expected)) {
        for (const code of codes) expect(responses[status]!.description).toContain(`\`${code}\``);
      }
    }
  });
});

describe('/docs', () => {
  it('is a page of this process: it and what it loads refer to no other host', async () => {
    const api = await createApi({ size: 1 });
    const page = await api.get('/docs');
    expect(page.headers.get('content-type')).toMatch(/^text\/html/);
    const loaded = [...page.text.matchAll(/(?:href|src)="([^"]*)"/g)].map(([, target]) => target!);
    expect(loaded.length).toBeGreaterThan(2);
    for (const target of loaded) {
      expect(target).toMatch(/^\/docs\//);
      const asset = await api.get(target);
      expect({ target, status: asset.status }).toEqual({ target, status: 200 });
      expect(asset.text.length).toBeGreaterThan(50);
      if (target.endsWith('.css')) {
        expect(asset.text).not.toContain('@import');
        for (const [, url] of asset.text.matchAll(/url\(["']?([^"')]{5})/g)) expect(url).toBe('data:');
      }
    }
    expect(page.text).not.toMatch(/(https?:)?\/\/[a-z]/);
    const start = loaded.find((target) => target.endsWith('start.js'))!;
    expect((await api.get(start)).text).toContain("'/openapi.json'");
  });

  it('is kept by its policy from loading anything from elsewhere', async () => {
    const api = await createApi({ size: 1 });
    const policy = (await api.get('/docs')).headers.get('content-security-policy')!;
    const directives = Object.fromEntries(
      policy.split(/;\s*/).map((directive): [string, string[]] => {
        const [name, ...sources] = directive.split(' ');
        return [name!, sources];
      }),
    );
    expect(directives['default-src']).toEqual(["'none'"]);
    expect(directives['script-src']).toEqual(["'self'"]);
    for (const sources of Object.values(directives)) {
      for (const source of sources)
        expect(["'none'", "'self'", "'unsafe-inline'", 'data:']).toContain(source);
    }
  });

  it('answers HEAD for its assets again and again without keeping a file open', async () => {
    const api = await createApi({ size: 1 });
    const openFiles = () => readdirSync('/proc/self/fd').length;
    const before = openFiles();
    for (let turn = 0; turn < 100; turn++) {
      const { status } = await api.send('HEAD', '/docs/swagger-ui.css');
      expect(status).toBe(200);
    }
    // Files are opened in the background, one after another: this one comes last.
    await api.get('/docs/swagger-ui.css');
    expect(openFiles()).toBeLessThan(before + 50);
  });

  it('is where / leads', async () => {
    const api = await createApi({ size: 1 });
    const { status, headers } = await api.get('/');
    expect({ status, location: headers.get('location') }).toEqual({ status: 302, location: '/docs' });
  });
});
