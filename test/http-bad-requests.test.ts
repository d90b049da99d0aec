import { describe, expect, it } from 'vitest';
import type { ProblemCode } from '../src/http/problem.ts';
import { createApi, nobody, type Sent, untouched } from './support/http.ts';

describe('a request line [I17]', () => {
  it('with an id that is no UUID is refused on every route, and the answer names the id', () =>
    untouched(async (api, tokenId) => {
      const bad = ['1', 'null', 'undefined', '%', '%E0%A4%A', '%00', '..%2f..', '%F0%9F%A6%89', '__proto__'];
      const nearly = [
        `${tokenId}0`,
        tokenId.slice(1),
        tokenId.replaceAll('-', ''),
        `{${tokenId}}`,
        `urn:uuid:${tokenId}`,
      ];
      const sql = ["' or '1'='1", "'; drop table tokens; --", `${tokenId}' --`].map(encodeURIComponent);
      const routes = ['GET :id', 'GET :id/history', 'GET :id/events', 'POST :id/keep-alive'];
      for (const route of [...routes, 'POST :id/release', 'POST release/:id']) {
        const [method, path] = route.split(' ') as [string, string];
        for (const id of [...bad, ...nearly, ...sql]) {
          const { body } = await api.refused(
            'invalid_request',
            method,
            `/api/tokens/${path.replace(':id', id)}`,
          );
          expect(body.errors).toEqual([{ field: 'id', message: 'must be a UUID' }]);
        }
      }
    }));

  it('with a query that is not known, or repeated, is refused on every route', () =>
    untouched(async (api, id) => {
      const { paths } = (await api.get('/openapi.json')).body;
      for (const [path, operations] of Object.entries<object>(paths)) {
        const url = path.replace('{id}', id).replace('{pool}', 'default').replace('{lease_id}', nobody);
        for (const method of Object.keys(operations)) {
          for (const name of ['verbose', '__proto__', 'constructor', 'lease_id']) {
            const { body } = await api.refused('invalid_request', method.toUpperCase(), `${url}?${name}=1`);
            // Those that take a body miss it too.
            expect(body.errors).toContainEqual({ field: name, message: 'is not known' });
          }
        }
      }
      for (const field of ['limit', 'cursor', 'user_id', 'token_id', 'type', 'order']) {
        const { body } = await api.refused('invalid_request', 'GET', `/api/events?${field}=1&${field}=2`);
        expect(body.errors).toMatchObject([{ field }]);
      }
    }));

  it('with SQL for a user id finds nothing, and does nothing', () =>
    untouched(async (api) => {
      for (const userId of ["' or '1'='1", "ada'; drop table token_events; --", 'ada" or 1=1', 'ad%']) {
        const { body } = await api.get(`/api/events?user_id=${encodeURIComponent(userId)}`);
        expect(body.events).toEqual([]);
      }
    }));

  it('for a route that is none is answered with 404, and says which', () =>
    untouched(async (api, id) => {
      const unknown = ['/api', '/api/', `/api/tokens/${id}/keepalive`, `/api/tokens/${id}/x/y`];
      for (const path of [
        ...unknown,
        '/admin',
        '/__proto__',
        '/constructor',
        '/..%2f..%2fetc/passwd',
        '/%',
      ]) {
        for (const method of ['GET', 'POST', 'DELETE']) {
          const { status, body } = await api.refused('no_such_route', method, path);
          expect(status).toBe(404);
          expect(body.detail).toContain(`${method} /`);
        }
      }
    }));

  it('with a method that the route has not is answered with 405 and those it has', () =>
    untouched(async (api, id) => {
      const { paths } = (await api.get('/openapi.json')).body;
      for (const [path, operations] of Object.entries<object>(paths)) {
        const allowed = Object.keys(operations).map((method) => method.toUpperCase());
        for (const method of ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'PURGE']) {
          if (allowed.includes(method)) continue;
          const { status, headers } = await api.refused(
            'method_not_allowed',
            method,
            path.replace('{id}', id),
          );
          expect(status).toBe(405);
          expect(headers.get('allow')?.split(', ')).toEqual(allowed);
        }
      }
    }));

  it('with a request id that has no place in a log gets another one', async () => {
    const api = await createApi({ size: 1 });
    const codes: [ProblemCode, Sent][] = [
      ['not_found', {}],
      ['invalid_json', { text: '{' }],
    ];
    for (const id of ['a b', '<script>', 'x'.repeat(129), '%0d%0aset-cookie:a=b', '"', 'a;b', '']) {
      for (const [code, sent] of codes) {
        const headers = { 'x-request-id': id, 'content-type': 'application/json' };
        const answer = await api.refused(code, 'POST', `/api/tokens/${nobody}/release`, { ...sent, headers });
        expect(answer.headers.get('x-request-id')).not.toBe(id);
        expect(answer.headers.get('set-cookie')).toBeNull();
      }
    }
    const answer = await api.get('/api/tokens', { 'x-request-id': 'trace:1.2-3_A' });
    expect(answer.headers.get('x-request-id')).toBe('trace:1.2-3_A');
  });
});
