/** The hour before a fact, counted in the database, held against a plain count of the events. */
import { sql } from 'drizzle-orm';
import { describe, expect, it } from 'vitest';
import { readStatistics } from '../src/journal/statistics.ts';
import { heldBoundsMs } from '../src/lease/statistics.ts';
import type { FactView } from '../src/lease/view.ts';
import { databaseKinds } from './support/databases.ts';
import { type Api, createApi } from './support/http.ts';
import { emptyDatabase, openJournal, preparedDatabase } from './support/journal.ts';
import { anything, factsOf } from './support/past.ts';
import { Seeded } from './support/seeded.ts';
import { start } from './support/world.ts';

const minuteMs = 60_000;
const hourMs = 3_600_000;

/** The same, by going over all facts again and again. */
function recounted(facts: readonly FactView[], seq: number) {
  const to = facts.find((fact) => fact.seq === seq)!.at;
  const upTo = facts.filter((fact) => fact.seq <= seq);
  const within = (from: number, end: number) => upTo.filter(({ at }) => at > from && at <= end);
  const ended = ({ type }: FactView) => type === 'released' || type === 'expired';
  const evicted = ({ reason }: FactView) => reason === 'lru_eviction' || reason === 'oldest_eviction';
  const buckets = Array.from({ length: 60 }, (_, minute) => {
    const end = to - (59 - minute) * minuteMs;
    const some = within(end - minuteMs, end);
    const before = upTo.filter(({ at }) => at <= end);
    const count = (which: (fact: FactView) => boolean) => some.filter(which).length;
    return {
      at: new Date(end).toISOString(),
      active: before.filter(({ type }) => type === 'activated').length - before.filter(ended).length,
      activated: count(({ type }) => type === 'activated'),
      evicted: count(evicted),
      released: count((fact) => fact.type === 'released' && !evicted(fact)),
      expired: count(({ type }) => type === 'expired'),
    };
  });
  const all = within(to - hourMs, to);
  const heldMs = all.filter(ended).map(({ type, at, expiresAt, fence }) => {
    return (type === 'expired' ? expiresAt! : at) - facts.find((fact) => fact.seq === fence)!.at;
  });
  const bounds = [...heldBoundsMs, null];
  const held = bounds.map((up_to_ms, index) => {
    const fits = (ms: number) => ms <= (up_to_ms ?? Infinity) && ms > (bounds[index - 1] ?? -1);
    return { up_to_ms, leases: heldMs.filter(fits).length };
  });
  const instants = { from: new Date(to - hourMs).toISOString(), to: new Date(to).toISOString() };
  return { pool: 'it', seq, ...instants, complete: true, facts: all.length, buckets, held };
}

describe.each(databaseKinds)('statistics on %s', (kind) => {
  const base = '/api/pools/it';

  async function lively(): Promise<Api> {
    const api = await createApi({ where: await preparedDatabase(kind) });
    const chance = new Seeded(11);
    await api.post('/api/pools', { name: 'it', size: 3 });
    for (let step = 0; step < 60; step++) {
      await anything(api, base, chance);
      api.world.clock.advance(chance.of([0, 60_000, 300_000]));
    }
    return api;
  }

  it('are what counting all events again gives, at any fact and at the newest', async () => {
    const api = await lively();
    const facts = await factsOf(api, base);
    expect(facts.at(-1)!.at - facts[0]!.at).toBeGreaterThan(1.5 * hourMs);
    for (const { seq } of facts.filter((_, index) => index % 7 === 0)) {
      const { body } = await api.get(`${base}/statistics?seq=${seq}`);
      expect(body).toEqual(recounted(facts, seq));
    }
    const newest = await api.get(`${base}/statistics`);
    expect(newest.body).toEqual(recounted(facts, facts.at(-1)!.seq));
  });

  it('say how far they go where the facts before have been pruned', async () => {
    const api = await lively();
    const facts = await factsOf(api, base);
    // Of the newest hour only the end is kept.
    const first = facts.findLast(({ at }) => at <= facts.at(-1)!.at - hourMs / 2)!;
    for (let pruned = 1; pruned > 0; ) pruned = await api.world.journal.upkeep.prune('it', first.at, 1000);
    const kept = await factsOf(api, base);
    const { body } = await api.get(`${base}/statistics`);
    const from = kept[0]!.at - 1;
    const { buckets } = recounted(facts, facts.at(-1)!.seq);
    const shown = buckets.filter(({ at }) => Date.parse(at) > from);
    expect(body).toMatchObject({ complete: false, facts: kept.length, from: new Date(from).toISOString() });
    // What of the first minute had been before is not told.
    expect(body.buckets.slice(1)).toEqual(shown.slice(1));
    expect(body.buckets[0]).toMatchObject({ at: shown[0]!.at, active: shown[0]!.active });
  });

  it('count no more than the newest facts of a busy hour, and say so', async () => {
    const database = await emptyDatabase(kind);
    const { opening } = await openJournal(database);
    const { tokenId } = opening.tokens[0]!;
    await database.db.execute(sql`
      insert into token_events (pool, seq, token_id, type, reason, user_id, lease_id, fence, at, expires_at)
      select 'default', seq, ${tokenId}::uuid, case when seq % 2 = 0 then 'activated' else 'released' end, 'cleanup', 'ada',
        gen_random_uuid(), seq - seq % 2, to_timestamp((${start}::float8 + seq * 60) / 1000), now()
      from generate_series(2, 25001) as seq`);
    const found = await readStatistics(database.db, 'default', null);
    const from = start + 5002 * 60 - 1;
    expect(found).toMatchObject({ complete: false, facts: 20_000, from, to: start + 25_001 * 60 });
    const { buckets, held } = found as Exclude<Awaited<ReturnType<typeof readStatistics>>, null> & {
      buckets: { at: number; active: number }[];
      held: object[];
    };
    expect(buckets).toHaveLength(20);
    expect(buckets.at(-1)).toMatchObject({ active: 0, activated: 500, released: 500 });
    expect(held[0]).toEqual({ upToMs: 1000, leases: 10_000 });
  });
});
