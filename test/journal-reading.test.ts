/** Reading the log, the same on both databases. */
import { beforeEach, describe, expect, it } from 'vitest';
import type { PoolJournal } from '../src/journal/pool-journal.ts';
import { databaseKinds } from './support/databases.ts';
import { emptyDatabase, openJournal } from './support/journal.ts';
import { start, twoMinutes } from './support/world.ts';

/**
 * Of three tokens: `busy` has had four leases and has a fifth, `once` had one that ran out late, `never` none.
 * One line a fact; its number is its place.
 */
async function writeLog(journal: PoolJournal, { opening, scribe }: Awaited<ReturnType<typeof openJournal>>) {
  const [busy, once, never] = opening.tokens.map(({ tokenId }) => tokenId) as [string, string, string];
  const facts = [
    scribe.activated(busy, { userId: 'ada', metadata: { job: 1 } }),
    scribe.released(busy),
    scribe.activated(once, { userId: 'bob' }),
    scribe.activated(busy, { userId: 'bob' }),
    scribe.renewed(busy),
    scribe.released(busy, 'lru_eviction'),
    scribe.activated(busy, { userId: 'cy' }),
  ];
  scribe.at += twoMinutes + 30;
  facts.push(
    scribe.expired(busy),
    scribe.expired(once),
    scribe.activated(busy, { userId: 'ada' }),
    scribe.released(busy, 'cleanup'),
    scribe.activated(busy, { userId: 'di' }),
  );
  for (const fact of facts) journal.append(fact);
  await journal.committed();
  return { busy, once, never, facts, lease: (seq: number) => facts.find((fact) => fact.seq === seq)!.lease! };
}

describe.each(databaseKinds)('the log on %s', (kind) => {
  let journal: PoolJournal;
  let log: Awaited<ReturnType<typeof writeLog>>;

  beforeEach(async () => {
    const open = await openJournal(await emptyDatabase(kind));
    journal = open.journal;
    log = await writeLog(journal, open);
  });

  const late = start + twoMinutes + 30;

  it('is read from either end, a page at a time, each beginning behind the last', async () => {
    const read = async (order: 'asc' | 'desc') => {
      const pages: number[][] = [];
      for (let cursor: number | undefined; pages.at(-1)?.length !== 0; ) {
        pages.push((await journal.facts({}, { limit: 5, order, cursor })).map(({ seq }) => seq));
        cursor = pages.at(-1)!.at(-1);
      }
      return pages;
    };
    expect(await read('asc')).toEqual([[1, 2, 3, 4, 5], [6, 7, 8, 9, 10], [11, 12, 13], []]);
    expect(await read('desc')).toEqual([[13, 12, 11, 10, 9], [8, 7, 6, 5, 4], [3, 2, 1], []]);
  });

  it('can be asked for the facts of a token, a type, a user, and of all three together', async () => {
    const { busy, once, never } = log;
    const seqs = async (filter: Parameters<PoolJournal['facts']>[0]) =>
      (await journal.facts(filter, { limit: 100, order: 'asc' })).map(({ seq }) => seq);
    expect(await seqs({ tokenId: busy })).toEqual([2, 3, 5, 6, 7, 8, 9, 11, 12, 13]);
    expect(await seqs({ tokenId: once })).toEqual([4, 10]);
    expect(await seqs({ tokenId: never })).toEqual([]);
    expect(await seqs({ type: 'expired' })).toEqual([9, 10]);
    expect(await seqs({ type: 'opened' })).toEqual([1]);
    expect(await seqs({ userId: 'ada' })).toEqual([2, 3, 11, 12]);
    expect(await seqs({ userId: `ada' or '1'='1` })).toEqual([]);
    expect(await seqs({ tokenId: busy, type: 'activated', userId: 'bob' })).toEqual([5]);
    const next = await journal.facts({ userId: 'ada' }, { limit: 2, order: 'desc', cursor: 12 });
    expect(next.map(({ seq }) => seq)).toEqual([11, 3]);
  });

  it('shows a fact whole, but never the lease id', async () => {
    const [grant, release] = await journal.facts({ userId: 'ada' }, { limit: 2, order: 'asc' });
    const common = { tokenId: log.busy, userId: 'ada', fence: 2, at: start, expiresAt: start + twoMinutes };
    expect(grant).toEqual({
      ...common,
      seq: 2,
      type: 'activated',
      reason: 'allocated',
      metadata: { job: 1 },
    });
    expect(release).toEqual({
      ...common,
      seq: 3,
      type: 'released',
      reason: 'released_by_client',
      metadata: null,
    });
    const shown = JSON.stringify([
      await journal.facts({}, { limit: 100, order: 'asc' }),
      await journal.history(log.busy, { limit: 100 }),
      await Promise.all(log.facts.map(({ tokenId, lease }) => journal.ending(tokenId, lease!))),
    ]);
    for (const { lease } of log.facts) expect(shown).not.toContain(lease!.leaseId);
  });

  it('tells the leases of a token, newest first, each with its end, and the live one without', async () => {
    expect(await journal.history(log.busy, { limit: 100 })).toEqual([
      { seq: 13, userId: 'di', activatedAt: late, endedAt: null, endReason: null },
      { seq: 11, userId: 'ada', activatedAt: late, endedAt: late, endReason: 'cleanup' },
      { seq: 8, userId: 'cy', activatedAt: start, endedAt: start + twoMinutes, endReason: 'ttl_expired' },
      { seq: 5, userId: 'bob', activatedAt: start, endedAt: start, endReason: 'lru_eviction' },
      { seq: 2, userId: 'ada', activatedAt: start, endedAt: start, endReason: 'released_by_client' },
    ]);
    expect(await journal.history(log.never, { limit: 100 })).toEqual([]);
  });

  it('ends a lease that ran out at its deadline, however late that was seen', async () => {
    expect(
      await journal.facts({ tokenId: log.once, type: 'expired' }, { limit: 1, order: 'asc' }),
    ).toMatchObject([{ at: late, expiresAt: start + twoMinutes }]);
    expect(await journal.history(log.once, { limit: 1 })).toMatchObject([{ endedAt: start + twoMinutes }]);
    expect(await journal.ending(log.once, {})).toEqual({
      reason: 'ttl_expired',
      endedAt: start + twoMinutes,
    });
  });

  it('pages through the history by cursor', async () => {
    const seqs = async (cursor?: number) =>
      (await journal.history(log.busy, { limit: 2, cursor })).map(({ seq }) => seq);
    expect([await seqs(), await seqs(11), await seqs(5), await seqs(2)]).toEqual([[13, 11], [8, 5], [2], []]);
  });

  it('knows how a lease ended by its id, by its user, and the newest one without either', async () => {
    const { busy, once, never, lease } = log;
    const cleanup = { reason: 'cleanup', endedAt: late };
    const eviction = { reason: 'lru_eviction', endedAt: start };
    expect(await journal.ending(busy, { leaseId: lease(5).leaseId })).toEqual(eviction);
    expect(await journal.ending(busy, { userId: 'bob' })).toEqual(eviction);
    expect(await journal.ending(busy, { userId: 'ada' })).toEqual(cleanup);
    expect(await journal.ending(busy, {})).toEqual(cleanup);
    expect(await journal.ending(busy, { leaseId: lease(5).leaseId, userId: 'ada' })).toBeNull();
    expect(await journal.ending(busy, { leaseId: lease(13).leaseId })).toBeNull();
    expect(await journal.ending(once, { leaseId: lease(5).leaseId })).toBeNull();
    expect(await journal.ending(never, {})).toBeNull();
  });
});
