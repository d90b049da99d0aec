/** Lives of pools over HTTP, at random, and what can be asked of their past afterwards. */
import type { Json } from '../../src/lease/lease.ts';
import type { Picture, PicturedToken } from '../../src/lease/picture.ts';
import type { FactView } from '../../src/lease/view.ts';
import type { Answer, Api } from './http.ts';
import type { Seeded } from './seeded.ts';

const msOf = (instant: string | null): number | null => (instant === null ? null : Date.parse(instant));

/** A snapshot as a page keeps it. */
export function pictureOf(body: Answer['body']): Picture {
  const tokens = body.tokens.map((token: Answer['body']): [string, PicturedToken] => [
    token.token_id,
    {
      tokenId: token.token_id,
      name: token.name,
      labels: token.labels,
      lease: token.fence && {
        userId: token.user_id,
        fence: token.fence,
        activatedAt: Date.parse(token.activated_at),
        expiresAt: Date.parse(token.expires_at),
      },
      restsUntil: msOf(token.rests_until),
      keptUntil: msOf(token.kept_until),
      withdrawn: token.withdrawn ? { note: token.note } : null,
      usedSeq: token.used_seq,
    },
  ]);
  return { seq: body.seq, at: Date.parse(body.at), options: body.options as Json, tokens: new Map(tokens) };
}

/** All facts of a pool that are kept, oldest first. */
export async function factsOf(api: Api, base: string): Promise<FactView[]> {
  const facts: FactView[] = [];
  for (;;) {
    const cursor = facts.at(-1)?.seq ?? 0;
    const { body } = await api.get(`${base}/events?order=asc&limit=1000&cursor=${cursor}`);
    for (const event of body.events)
      facts.push({
        seq: event.seq,
        tokenId: event.token_id,
        type: event.type,
        reason: event.reason,
        userId: event.user_id,
        fence: event.fence,
        at: Date.parse(event.at),
        expiresAt: msOf(event.expires_at),
        metadata: event.metadata,
      });
    if (body.next_cursor === null) return facts;
  }
}

/** Does one thing to the pool; whether it is refused does not matter. */
export async function anything(api: Api, base: string, chance: Seeded): Promise<void> {
  const { tokens } = (await api.get(`${base}/tokens`)).body as { tokens: { id: string }[] };
  const path = `${base}/tokens/${tokens.length > 0 ? chance.of(tokens).id : 'none'}`;
  const allocate = () =>
    api.post(`${base}/tokens/allocate`, {
      user_id: chance.of(['ada', 'bob', 'cy']),
      ttl_ms: chance.of([700, 2500, 60_000]),
      metadata: { rests_until: 'mine', job: chance.below(9) },
    });
  const deeds: (() => Promise<unknown>)[] = [
    allocate,
    allocate,
    allocate,
    () => api.post(`${path}/keep-alive`, { ttl_ms: 3000 }),
    () => api.post(`${path}/release`),
    () =>
      api.post(`${path}/withdraw`, { lease: chance.of(['run_out', 'end']), note: chance.of([null, 'dust']) }),
    () => api.post(`${path}/restore`),
    () => api.post(`${path}/restore`),
    () => api.post(`${base}/tokens`, chance.of([{}, { name: 'nan', labels: { os: 'linux' } }])),
    () => api.post(`${base}/tokens`),
    () => api.post(`${base}/tokens`),
    () => api.send('DELETE', path),
    async () => api.world.clock.advance(chance.of([1, 400, 1500, 5000])),
    async () => chance.below(4) === 0 && api.post(`${base}/tokens/cleanup`),
  ];
  await chance.of(deeds)();
}
