import { describe, expect, it } from 'vitest';
import { metadataLimits } from '../src/http/requests.ts';
import { createApi, nobody, thirtyDays, untouched } from './support/http.ts';

const allocate = '/api/tokens/allocate';

const bodyRoutes = (tokenId: string) => [
  allocate,
  `/api/tokens/${tokenId}/keep-alive`,
  `/api/tokens/${tokenId}/release`,
  `/api/tokens/release/${tokenId}`,
];
const nested = (levels: number) => `${'['.repeat(levels)}${']'.repeat(levels)}`;
const levelsOf = (levels: number): object => (levels === 1 ? {} : { a: levelsOf(levels - 1) });
const bytesOf = (bytes: number) => ({ a: 'x'.repeat(bytes - '{"a":""}'.length) });

describe('a body [I17]', () => {
  it('that is no JSON is refused with invalid_json', () =>
    untouched(async (api, id) => {
      const texts = [
        '{',
        '{"user_id"',
        '{"ttl_ms":NaN}',
        "{'user_id':'x'}",
        '{} {}',
        'undefined',
        ' ',
        '\u0000',
        '{"user_id":"\uFFFD"}',
      ];
      for (const path of [...bodyRoutes(id), '/api/tokens/cleanup']) {
        for (const text of texts) {
          expect((await api.refused('invalid_json', 'POST', path, { text })).status).toBe(400);
        }
      }
      await api.refused('invalid_json', 'DELETE', '/api/tokens/clear-active', { text: '{' });
    }));

  it('that is JSON but no object is refused, and the answer says so', () =>
    untouched(async (api, id) => {
      for (const path of bodyRoutes(id)) {
        for (const text of ['[]', '[{}]', 'null', '"user_id"', '1', 'true', nested(8000)]) {
          const { body } = await api.refused('invalid_request', 'POST', path, { text });
          expect(body.errors).toEqual([{ field: 'body', message: expect.stringContaining('object') }]);
        }
      }
    }));

  it('with a member that is not known is refused, and each is named', () =>
    untouched(async (api, id) => {
      const unknown = ['owner', 'User_id', '__proto__', 'constructor', 'prototype', 'toString', 'status', ''];
      for (const path of [...bodyRoutes(id), '/api/tokens/cleanup']) {
        for (const name of unknown) {
          const text = `{${JSON.stringify(name)}: {"user_id": "mallory"}}`;
          const { body } = await api.refused('invalid_request', 'POST', path, { text });
          expect(body.errors).toEqual([{ field: name, message: 'is not known' }]);
        }
        const { body } = await api.refused('invalid_request', 'POST', path, { json: { a: 1, b: 2 } });
        expect(body.detail).toBe('a: is not known; b: is not known');
      }
      expect(({} as { user_id?: string }).user_id).toBeUndefined();
    }));

  it('of another content type is refused with 415', () =>
    untouched(async (api, id) => {
      const types = [
        'text/plain',
        'application/x-www-form-urlencoded',
        'multipart/form-data',
        'text/json',
        'jsonx',
      ];
      for (const path of bodyRoutes(id)) {
        for (const type of types) {
          const sent = { text: '{}', headers: { 'content-type': type } };
          expect((await api.refused('unsupported_media_type', 'POST', path, sent)).status).toBe(415);
        }
      }
    }));

  it('of any kind of JSON is taken', async () => {
    const api = await createApi({ size: 1 });
    for (const type of [
      'application/json;charset=utf-8',
      'Application/JSON',
      'application/merge-patch+json',
    ]) {
      const sent = { text: '{"user_id": "ada"}', headers: { 'content-type': type } };
      expect((await api.send('POST', allocate, sent)).body.user_id).toBe('ada');
    }
  });
});

describe('a member [I17]', () => {
  /** Every value, as it stands in the JSON text, must be refused on its field. */
  const refuses = (field: string, paths: (tokenId: string) => string[], values: string[]) =>
    untouched(async (api, id) => {
      for (const path of paths(id)) {
        for (const value of values) {
          const text = `{${JSON.stringify(field)}: ${value}}`;
          const { body } = await api.refused('invalid_request', 'POST', path, { text });
          expect(body.errors, text.slice(0, 100)).toEqual([{ field, message: expect.any(String) }]);
        }
      }
    });

  it('user_id takes no other type, no empty or long text, and nothing that Postgres cannot store', () => {
    const types = ['null', '1', 'true', '[]', '{}', '["ada"]', '{"__proto__": "ada"}'];
    const texts = ['', 'x'.repeat(201), '\u0000', 'a\u0000b', '\ud800', 'a\udfff', '\udc00\ud800'];
    return refuses('user_id', bodyRoutes, [
      ...types,
      ...texts.map((text) => JSON.stringify(text)),
      '"\\u0000"',
    ]);
  });

  it('lease_id takes nothing but a UUID', () => {
    const texts = [
      '',
      'x',
      `${nobody}0`,
      nobody.replaceAll('-', ''),
      `{${nobody}}`,
      ` ${nobody}`,
      "' or '1'='1",
    ];
    const values = [...texts.map((text) => JSON.stringify(text)), 'null', '1', 'true', '[]', '{}'];
    return refuses('lease_id', (id) => bodyRoutes(id).slice(1), values);
  });

  it('ttl_ms takes nothing but a whole number from 1 to the longest TTL', () => {
    const numbers = [
      '0',
      '-0',
      '-1',
      '1.5',
      '1e400',
      '-1e400',
      '1e-400',
      '9007199254740993',
      `${thirtyDays + 1}`,
    ];
    const values = [
      ...numbers,
      'null',
      '"abc"',
      '"1000"',
      '""',
      'true',
      '[]',
      '[1000]',
      '{}',
      '{"valueOf": 1}',
    ];
    return refuses('ttl_ms', (id) => bodyRoutes(id).slice(0, 2), values);
  });

  it('metadata takes nothing but an object that is small, flat, and can be stored', () => {
    const types = ['null', '1', '"text"', 'true', '[]', '[{}]'];
    const nasty = ['\u0000', 'a\u0000', '\ud800', 'a\udc00b'].map((text) => JSON.stringify(text));
    const values = nasty.flatMap((text) => [`{"a": ${text}}`, `{${text}: 1}`, `{"a": [{"b": ${text}}]}`]);
    const prototypes = [
      '{"__proto__": {"a": 1}}',
      '{"a": {"__proto__": 1}}',
      '{"a": [[{"__proto__": null}]]}',
    ];
    const deep = [JSON.stringify(levelsOf(metadataLimits.depth + 1)), `{"a": ${nested(7900)}}`];
    const large = [bytesOf(metadataLimits.bytes + 1), { a: '🦉'.repeat(1024) }].map((value) =>
      JSON.stringify(value),
    );
    const endless = ['{"a": 1e400}', '{"a": [-1e400]}'];
    return refuses('metadata', () => [allocate], [
      ...types,
      ...values,
      ...prototypes,
      ...deep,
      ...large,
      ...endless,
    ]);
  });

  it('metadata just within its limits is kept, whatever its keys are called', async () => {
    const api = await createApi({ size: 1 });
    const keys = { constructor: 1, prototype: { hasOwnProperty: 2 }, toString: 'x', '': '\\u0000' };
    for (const metadata of [bytesOf(metadataLimits.bytes), levelsOf(metadataLimits.depth), keys]) {
      const { token_id } = await api.allocate({ metadata });
      const { body } = await api.get(`/api/tokens/${token_id}/events?type=activated&limit=1`);
      expect(body.events[0].metadata).toEqual(metadata);
    }
  });

  it('of several that are wrong, each is named', async () => {
    const api = await createApi({ size: 1 });
    const json = { user_id: 1, ttl_ms: 0, metadata: [], colour: 'red' };
    const { body } = await api.refused('invalid_request', 'POST', allocate, { json });
    const fields = body.errors.map(({ field }: { field: string }) => field);
    expect(fields.toSorted()).toEqual(['colour', 'metadata', 'ttl_ms', 'user_id']);
    for (const field of fields) expect(body.detail).toContain(`${field}: `);
  });
});
