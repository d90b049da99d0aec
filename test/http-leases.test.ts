import { describe, expect, it } from 'vitest';
import { type Api, createApi, nobody } from './support/http.ts';
import { start, twoMinutes } from './support/world.ts';

const iso = (afterMs: number) => new Date(start + afterMs).toISOString();
const keepAlive = (id: string) => `/api/tokens/${id}/keep-alive`;

/** Both ways to write a release. */
const releases = {
  '/api/tokens/:id/release': (id: string) => `/api/tokens/${id}/release`,
  '/api/tokens/release/:id': (id: string) => `/api/tokens/release/${id}`,
};

/** The ways in which a lease ends, as a client sees them, half a minute after its grant. */
const endings: { reason: string; end: (api: Api, tokenId: string) => Promise<unknown> }[] = [
  {
    reason: 'released_by_client',
    end: (api, tokenId) => api.post(`/api/tokens/${tokenId}/release`),
  },
  { reason: 'cleanup', end: (api) => api.post('/api/tokens/cleanup') },
  { reason: 'lru_eviction', end: (api) => api.allocate() },
  { reason: 'ttl_expired', end: async (api) => api.world.clock.advance(twoMinutes) },
];
const endedAt = (reason: string) => iso(reason === 'ttl_expired' ? twoMinutes : 30_000);

describe('POST /api/tokens/:id/keep-alive', () => {
  it('renews with the lease id, the user id, both or neither as proof, and tells nobody the lease id who did not send it', async () => {
    const api = await createApi({ size: 1 });
    const { token_id, lease_id, user_id, fence } = await api.allocate();
    const proofs = [{ lease_id }, { user_id }, { lease_id, user_id }, {}];
    for (const [turn, proof] of proofs.entries()) {
      api.world.clock.advance(30_000);
      const { status, body } = await api.post(keepAlive(token_id), proof);
      expect(status).toBe(200);
      expect(body).toEqual({
        token_id,
        user_id,
        ...('lease_id' in proof ? { lease_id } : {}),
        fence,
        status: 'active',
        activated_at: iso(0),
        expires_at: iso((turn + 1) * 30_000 + twoMinutes),
        expires_in_ms: twoMinutes,
        renew_after_ms: twoMinutes / 2,
      });
    }
  });

  it('needs no body at all, and takes ids in capital letters', async () => {
    const api = await createApi({ size: 1 });
    const { token_id, lease_id } = await api.allocate();
    expect((await api.post(keepAlive(token_id))).status).toBe(200);
    const { status, body } = await api.post(keepAlive(token_id.toUpperCase()), {
      lease_id: lease_id.toUpperCase(),
    });
    expect(status).toBe(200);
    expect(body).toMatchObject({ token_id, lease_id });
  });

  it('moves the deadline to now + ttl_ms, but never shortens [I12]', async () => {
    const api = await createApi({ size: 1 });
    const { token_id } = await api.allocate();
    const renew = async (ttlMs?: number) =>
      (await api.post(keepAlive(token_id), ttlMs === undefined ? {} : { ttl_ms: ttlMs })).body.expires_at;
    expect(await renew(1)).toBe(iso(twoMinutes));
    expect(await renew(600_000)).toBe(iso(600_000));
    expect(await renew()).toBe(iso(600_000));
    api.world.clock.advance(500_000);
    // Without a TTL of its own it uses the one of the grant again.
    expect(await renew()).toBe(iso(500_000 + twoMinutes));
  });

  it('counts as use: the lease kept alive is not the next to be evicted [I7]', async () => {
    const api = await createApi({ size: 2 });
    const [first, second] = await api.fill();
    await api.post(keepAlive(first!.token_id));
    expect((await api.allocate()).token_id).toBe(second!.token_id);
  });

  it('refuses the wrong proof with 409 lease_mismatch [I4]', async () => {
    const api = await createApi({ size: 1 });
    const { token_id, lease_id } = await api.allocate({ user_id: 'ada' });
    const wrong = [
      { lease_id: nobody },
      { user_id: 'bob' },
      { user_id: 'Ada' },
      { lease_id: nobody, user_id: 'ada' },
      { lease_id, user_id: 'bob' },
    ];
    for (const json of wrong) {
      const { status } = await api.refused('lease_mismatch', 'POST', keepAlive(token_id), { json });
      expect(status).toBe(409);
    }
  });

  it.each(endings)(
    'answers 410 with why and when after the lease ended: $reason [I12]',
    async ({ reason, end }) => {
      const api = await createApi({ size: 1 });
      const { token_id, lease_id, user_id } = await api.allocate();
      api.world.clock.advance(30_000);
      await end(api, token_id);
      const proofs = reason === 'lru_eviction' ? [{ lease_id }] : [{ lease_id }, { user_id }, {}];
      for (const json of proofs) {
        const { status, body } = await api.refused('lease_ended', 'POST', keepAlive(token_id), { json });
        expect(status).toBe(410);
        expect(body).toMatchObject({ reason, ended_at: endedAt(reason) });
      }
    },
  );

  it('refuses a user whose lease was replaced, and one who never had the token', async () => {
    const api = await createApi({ size: 1 });
    const { token_id } = await api.allocate({ user_id: 'ada' });
    await api.allocate({ user_id: 'bob' });
    await api.refused('lease_mismatch', 'POST', keepAlive(token_id), { json: { user_id: 'ada' } });
    await api.post('/api/tokens/cleanup');
    await api.refused('lease_mismatch', 'POST', keepAlive(token_id), { json: { user_id: 'eve' } });
  });

  it('answers 404 to a token that was never used, and to one that is not of the pool', async () => {
    const api = await createApi({ size: 1 });
    const { id } = (await api.get('/api/tokens')).body.tokens[0];
    expect((await api.refused('token_not_active', 'POST', keepAlive(id))).status).toBe(404);
    expect((await api.refused('not_found', 'POST', keepAlive(nobody))).status).toBe(404);
    await api.refused('not_found', 'POST', keepAlive(nobody), { json: { lease_id: nobody } });
  });
});

describe.each(Object.entries(releases))('POST %s', (_, release) => {
  it('releases with the lease id, the user id or neither as proof', async () => {
    const api = await createApi({ size: 1 });
    for (const proof of ['lease_id', 'user_id', 'neither'] as const) {
      const { token_id, lease_id, user_id } = await api.allocate();
      const json = { lease_id: { lease_id }, user_id: { user_id }, neither: undefined }[proof];
      const { status, body } = await api.post(release(token_id.toUpperCase()), json);
      expect(status).toBe(200);
      expect(body).toEqual({ ok: true, token_id, user_id });
      const token = await api.get(`/api/tokens/${token_id}`);
      expect(token.body).toMatchObject({ status: 'available', user_id: null });
    }
  });

  it('refuses the wrong proof with 409 lease_mismatch [I4]', async () => {
    const api = await createApi({ size: 1 });
    const { token_id } = await api.allocate();
    for (const json of [{ lease_id: nobody }, { user_id: 'somebody else' }]) {
      const { status } = await api.refused('lease_mismatch', 'POST', release(token_id), { json });
      expect(status).toBe(409);
    }
  });

  it.each(endings)(
    'answers 410 to the lease id of a lease that has ended: $reason [I4]',
    async ({ reason, end }) => {
      const api = await createApi({ size: 1 });
      const { token_id, lease_id } = await api.allocate();
      api.world.clock.advance(30_000);
      await end(api, token_id);
      const { status, body } = await api.refused('lease_ended', 'POST', release(token_id), {
        json: { lease_id },
      });
      expect(status).toBe(410);
      expect(body).toMatchObject({ reason, ended_at: endedAt(reason) });
    },
  );

  it('answers 404 token_not_active where nobody holds it, and not_found where there is none', async () => {
    const api = await createApi({ size: 1 });
    const { token_id, user_id } = await api.allocate();
    await api.post(release(token_id));
    for (const json of [undefined, { user_id }, { lease_id: nobody }]) {
      const { status } = await api.refused('token_not_active', 'POST', release(token_id), { json });
      expect(status).toBe(404);
    }
    expect((await api.refused('not_found', 'POST', release(nobody))).status).toBe(404);
  });
});

describe('LEASE_PROOF=required', () => {
  it.each([keepAlive, ...Object.values(releases)])('refuses without the lease id: %s', async (path) => {
    const api = await createApi({ size: 1, proofRequired: true });
    const { token_id, lease_id, user_id } = await api.allocate();
    for (const json of [undefined, {}, { user_id }]) {
      const { status } = await api.refused('lease_proof_required', 'POST', path(token_id), { json });
      expect(status).toBe(403);
    }
    await api.refused('lease_mismatch', 'POST', path(token_id), { json: { lease_id: nobody } });
    expect((await api.post(path(token_id), { lease_id })).status).toBe(200);
  });
});
