/** What a page of another site can make its visitor's browser do: look at nothing, and change nothing. */
import { describe, expect, it } from 'vitest';
import { createApi } from './support/http.ts';

const foreign: Record<string, string>[] = [
  { 'sec-fetch-site': 'cross-site' },
  { 'sec-fetch-site': 'same-site' },
  { 'sec-fetch-site': 'cross-site', origin: 'http://localhost', host: 'localhost' },
  { origin: 'http://evil.example', host: 'localhost' },
  { origin: 'null', host: 'localhost' },
  { origin: 'http://localhost.evil.example', host: 'localhost' },
];
const own: Record<string, string>[] = [
  {},
  { 'sec-fetch-site': 'same-origin' },
  { 'sec-fetch-site': 'none' },
  { origin: 'http://localhost:4000', host: 'localhost:4000' },
  // Behind a proxy that ends TLS.
  { origin: 'https://leasehold.example', host: 'leasehold.example' },
];

describe('a page of another site', () => {
  it.each(foreign)('changes nothing with %j', async (headers) => {
    const api = await createApi({ size: 2 });
    const { token_id } = await api.allocate();
    for (const [method, path] of [
      ['POST', '/api/tokens/allocate'],
      ['POST', '/api/tokens/cleanup'],
      ['DELETE', '/api/tokens/clear-active'],
      ['POST', `/api/tokens/${token_id}/release`],
    ] as const) {
      expect((await api.refused('cross_site', method, path, { headers })).status).toBe(403);
    }
    expect(api.world.pool.counts.active).toBe(1);
  });

  it.each(foreign)('may ask with %j, for the browser shows it no answer', async (headers) => {
    const api = await createApi({ size: 2 });
    const { status, headers: answered } = await api.get('/api/tokens', headers);
    expect(status).toBe(200);
    expect(answered.get('access-control-allow-origin')).toBeNull();
  });
});

describe('everybody else', () => {
  it.each(own)('is served with %j', async (headers) => {
    const api = await createApi({ size: 2 });
    expect((await api.send('POST', '/api/tokens/allocate', { headers })).status).toBe(200);
    const { body } = await api.send('POST', '/api/tokens/cleanup', { headers });
    expect(body).toEqual({ released: 1 });
  });
});
