/** Pruning the log: what goes, what stays, and what it must not disturb; the same on both databases. */
import fc from 'fast-check';
import { beforeEach, describe, expect, it } from 'vitest';
import type { Database } from '../src/journal/database.ts';
import { Fenced } from '../src/journal/group-commit.ts';
import { pools } from '../src/journal/schema.ts';
import type { Fact } from '../src/lease/fact.ts';
import { databaseKinds } from './support/databases.ts';
import { emptyDatabase, logOf, type OpenJournal, openJournal, tokensOf } from './support/journal.ts';
import { beginningOf, expectSoundRest, prunedTokensOf } from './support/pruned-log.ts';
import { start, twoMinutes } from './support/world.ts';

const second = 1000;
/** A database in this process answers without one: nothing else would ever have its turn. */
const nextTurn = () => new Promise<void>((resolve) => setImmediate(resolve));

async function commit({ journal }: OpenJournal, facts: readonly Fact[]): Promise<void> {
  for (const fact of facts) journal.append(fact);
  await journal.committed();
}

/** Grants and ends, a second each: `pairs` pairs of facts of the tokens in turn. */
function comeAndGo({ scribe, opening }: OpenJournal, pairs: number): Fact[] {
  return Array.from({ length: pairs }, (_, turn) => {
    const { tokenId } = opening.tokens[turn % opening.tokens.length]!;
    scribe.at += second;
    return [scribe.activated(tokenId, { metadata: { turn } }), scribe.released(tokenId)];
  }).flat();
}

async function pruneAll({ whole }: OpenJournal, before: number, most: number): Promise<number[]> {
  const counts: number[] = [];
  do counts.push(await whole.upkeep.prune('default', before, most));
  while (counts.at(-1)! > 0);
  return counts;
}

describe.each(databaseKinds)('pruning on %s', (kind) => {
  let database: Database;
  let open: OpenJournal;

  beforeEach(async () => {
    database = await emptyDatabase(kind);
    open = await openJournal(database);
  });

  const left = async () => (await logOf(database)).map(({ seq }) => seq);
  const renewed = (tokenId: string) => {
    open.scribe.at += second;
    return open.scribe.renewed(tokenId);
  };

  it('takes the oldest facts a batch at a time, and leaves chain, numbers and fold whole', async () => {
    await commit(open, comeAndGo(open, 20));
    const before = await tokensOf(database);
    for (const expected of [7, 7, 7, 7]) {
      expect(await open.whole.upkeep.prune('default', start + 15 * second, 7)).toBe(expected);
      await expectSoundRest(database);
    }
    expect(await open.whole.upkeep.prune('default', start + 15 * second, 7)).toBe(1);
    expect((await expectSoundRest(database))[0]).toMatchObject({ seq: 30, at: start + 15 * second });
    expect(await open.whole.upkeep.prune('default', start + 15 * second, 7)).toBe(0);
    expect(await tokensOf(database)).toEqual(before);
  });

  it('takes nothing that is as young as the cutoff, and nothing behind it', async () => {
    await commit(open, comeAndGo(open, 3));
    expect(await open.whole.upkeep.prune('default', start, 1000)).toBe(0);
    expect(await open.whole.upkeep.prune('default', start + 1, 1000)).toBe(1);
    expect(await open.whole.upkeep.prune('default', start + second, 1000)).toBe(0);
    expect(await left()).toEqual([2, 3, 4, 5, 6, 7]);
    // A log written by clocks that differed: what follows a young fact waits for it.
    open.scribe.at = start;
    await commit(open, [open.scribe.activated(open.opening.tokens[0]!.tokenId)]);
    expect(await pruneAll(open, start + 2 * second, 1000)).toEqual([2, 0]);
    expect(await left()).toEqual([4, 5, 6, 7, 8]);
    await expectSoundRest(database);
  });

  it('leaves the newest fact, with which the next opening goes on', async () => {
    await commit(open, comeAndGo(open, 3));
    expect(await pruneAll(open, start + twoMinutes, 1000)).toEqual([6, 0]);
    expect(await left()).toEqual([7]);
    const next = await openJournal(database);
    expect(next.opening.seq).toBe(8);
    expect(await pruneAll(next, start + twoMinutes, 1000)).toEqual([1, 0]);
    await commit(next, comeAndGo(next, 2));
    expect((await expectSoundRest(database)).map(({ seq }) => seq)).toEqual([8, 9, 10, 11, 12]);
  });

  it('keeps what a renewal does not say: since when, for how long, what for', async () => {
    const [one, two] = open.opening.tokens.map(({ tokenId }) => tokenId) as [string, string];
    const given = { ttlMs: twoMinutes, metadata: { what: ['for'] } };
    await commit(open, [
      open.scribe.activated(one, given),
      open.scribe.activated(two),
      renewed(one),
      renewed(one),
    ]);
    // Grant and renewal in one batch, then a renewal alone.
    for (const most of [4, 1]) {
      await open.whole.upkeep.prune('default', start + twoMinutes, most);
      await commit(open, [renewed(one)]);
      await expectSoundRest(database);
    }
    expect((await prunedTokensOf(database)).find(({ tokenId }) => tokenId === one)?.lease).toMatchObject({
      ...given,
      activatedAt: start,
      fence: 2,
    });
  });

  it('shows the history of a lease whose grant is gone, live and ended, and from there on', async () => {
    const [token] = open.opening.tokens.map(({ tokenId }) => tokenId) as [string];
    await commit(open, [
      open.scribe.activated(token, { userId: 'ada' }),
      open.scribe.released(token),
      open.scribe.activated(token, { userId: 'bob' }),
      renewed(token),
    ]);
    await open.whole.upkeep.prune('default', start + 1, 1000);
    const bob = { seq: 4, userId: 'bob', activatedAt: start };
    const live = { ...bob, endedAt: null, endReason: null };
    expect(await open.journal.history(token, { limit: 10 })).toEqual([live]);
    expect(await open.journal.token(token, 10)).toMatchObject({
      token: { lease: { userId: 'bob' } },
      history: [live],
    });
    await commit(open, [open.scribe.released(token), open.scribe.activated(token, { userId: 'cy' })]);
    const ended = { ...bob, endedAt: start + second, endReason: 'released_by_client' };
    expect(await open.journal.history(token, { limit: 10 })).toMatchObject([{ userId: 'cy' }, ended]);
    expect(await open.journal.history(token, { limit: 1 })).toMatchObject([{ userId: 'cy' }]);
    expect(await open.journal.history(token, { limit: 1, cursor: 7 })).toEqual([ended]);
    expect(await open.journal.history(token, { limit: 1, cursor: 4 })).toEqual([]);
  });

  it('lets pages of facts begin at the first that is kept, and knows no ending from before', async () => {
    const facts = comeAndGo(open, 4);
    await commit(open, facts);
    await open.whole.upkeep.prune('default', start + 3 * second, 1000);
    const seqs = async (cursor?: number) =>
      (await open.journal.facts({}, { limit: 2, order: 'asc', cursor })).map(({ seq }) => seq);
    expect([await seqs(), await seqs(1), await seqs(7)]).toEqual([
      [6, 7],
      [6, 7],
      [8, 9],
    ]);
    const page = await open.journal.facts({}, { limit: 10, order: 'desc' });
    expect(page.map(({ seq }) => seq)).toEqual([9, 8, 7, 6]);
    const ending = ({ tokenId, lease }: Fact) => open.journal.ending(tokenId, { leaseId: lease!.leaseId });
    expect(await ending(facts[0]!)).toBeNull();
    expect(await ending(facts[6]!)).toMatchObject({ reason: 'released_by_client' });
  });

  it('begins the chain where digests begin, if the facts before have none', async () => {
    await commit(open, comeAndGo(open, 3));
    const chainDigest = (await logOf(database))[4]!.digest;
    await database.db.update(pools).set({ chainSeq: 5, chainDigest });
    await open.whole.upkeep.prune('default', start + second + 1, 1000);
    expect(await beginningOf(database)).toMatchObject({ prunedSeq: 3, chainSeq: 5, chainDigest });
    await open.whole.upkeep.prune('default', start + twoMinutes, 1000);
    await expectSoundRest(database);
  });

  it('refuses a number whose fact is gone to a process that slept for longer than facts are kept [I1]', async () => {
    // It has heard nothing since.
    await open.journal.confirmed();
    const next = await openJournal(database);
    await commit(next, comeAndGo(next, 4));
    expect(await pruneAll(next, start + twoMinutes, 1000)).toEqual([9, 0]);
    const before = await tokensOf(database);
    // Its number 2 is that of the `opened` fact by which it lost the pool.
    const late = commit(open, [open.scribe.activated(open.opening.tokens[0]!.tokenId)]);
    await expect(late).rejects.toThrow(Fenced);
    expect(open.told.fenced).toBe(1);
    expect(await tokensOf(database)).toEqual(before);
    expect(await left()).toEqual([10]);
    await expectSoundRest(database);
  });

  it('goes on beside appends, and two processes may be at it at once', async () => {
    const other = await openJournal(database);
    const [lasting, ...tokens] = other.opening.tokens;
    await commit(other, [other.scribe.activated(lasting!.tokenId, { metadata: 'lasting' })]);
    let going = true;
    const write = async () => {
      for (let turn = 0; turn < 60; turn++) {
        const use = comeAndGo({ ...other, opening: { ...other.opening, tokens } }, 3);
        await commit(other, [...use, other.scribe.renewed(lasting!.tokenId)]);
      }
      going = false;
    };
    const pruneOn = async ({ whole }: OpenJournal) => {
      let facts = 0;
      for (; going; await nextTurn()) facts += await whole.upkeep.prune('default', start + 100 * second, 5);
      return facts;
    };
    const [, ...pruned] = await Promise.all([write(), pruneOn(open), pruneOn(other), pruneOn(other)]);
    await expectSoundRest(database);
    const rest = (await pruneAll(other, start + 100 * second, 1000)).reduce((sum, facts) => sum + facts);
    const { prunedSeq } = await beginningOf(database);
    expect(pruned.reduce((sum, facts) => sum + facts, rest)).toBe(prunedSeq);
    expect(prunedSeq).toBe(3 + 2 * 99 + 33);
    await expectSoundRest(database);
    expect(other.told).toMatchObject({ lost: [], fenced: 0, broken: [] });
  });

  it('leaves a sound log, whatever the log, the cutoffs and the batches', async () => {
    const move = fc.record({
      token: fc.nat(2),
      what: fc.constantFrom('use' as const, 'use' as const, 'end' as const, 'expire' as const),
      ms: fc.constantFrom(0, 1, second, twoMinutes),
      metadata: fc.constantFrom(null, false, 'word', { b: [1, null], a: 'x' }),
    });
    const prune = fc.record({ cutoffMs: fc.nat(20 * second), most: fc.integer({ min: 1, max: 12 }) });
    const steps = fc.array(fc.oneof({ weight: 5, arbitrary: move }, { weight: 1, arbitrary: prune }), {
      minLength: 5,
      maxLength: 60,
    });
    const run = async (all: typeof steps extends fc.Arbitrary<infer S> ? S : never) => {
      database = await emptyDatabase(kind);
      open = await openJournal(database);
      const { scribe, journal, whole, opening } = open;
      const held = new Set<string>();
      for (const step of all) {
        if ('most' in step) {
          await journal.committed();
          await whole.upkeep.prune('default', scribe.at - step.cutoffMs, step.most);
          await expectSoundRest(database);
          continue;
        }
        const { tokenId } = opening.tokens[step.token]!;
        scribe.at += step.ms;
        if (!held.has(tokenId)) {
          journal.append(scribe.activated(tokenId, { metadata: step.metadata }));
          held.add(tokenId);
        } else if (step.what === 'use') journal.append(scribe.renewed(tokenId));
        else {
          journal.append(step.what === 'end' ? scribe.released(tokenId) : scribe.expired(tokenId));
          held.delete(tokenId);
        }
      }
      await journal.committed();
      await pruneAll(open, scribe.at, 9);
      await expectSoundRest(database);
    };
    await fc.assert(fc.asyncProperty(steps, run), { numRuns: kind === 'postgres' ? 15 : 40, seed: 20260131 });
  });
});
