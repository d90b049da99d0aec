/** Many pools in one journal: what they share, what keeps them apart, and how they come and go; on both databases. */
import { sql } from 'drizzle-orm';
import { beforeEach, describe, expect, it } from 'vitest';
import type { Database } from '../src/journal/database.ts';
import { Fenced } from '../src/journal/group-commit.ts';
import { pools, tokens } from '../src/journal/schema.ts';
import { Damaged, OtherMembership } from '../src/journal/store.ts';
import { storedOptions } from '../src/journal/stored-options.ts';
import { databaseKinds } from './support/databases.ts';
import {
  emptyDatabase,
  listening,
  logOf,
  newToken,
  openJournal,
  openJournals,
  optionsOf,
  requestOf,
  Scribe,
  tokensOf,
} from './support/journal.ts';
import { foundInAll } from './support/shaped-log.ts';
import { start } from './support/world.ts';

describe.each(databaseKinds)('the pools of a journal on %s', (kind) => {
  let database: Database;

  beforeEach(async () => {
    database = await emptyDatabase(kind);
  });

  const log = async (pool: string) => (await logOf(database)).filter((row) => row.pool === pool);
  const elastic = { membership: 'elastic', whenFull: 'reject' } as const;

  describe('opened together', () => {
    it('have a log each, and those declared that were not there are made', async () => {
      await openJournals(database, [requestOf('a', { size: 2 })]);
      const { opened } = await openJournals(database, [requestOf('a'), requestOf('b', { size: 1 })]);
      expect(opened.map(({ pool, seq, tokens }) => [pool, seq, tokens.length])).toEqual([
        ['a', 2, 2],
        ['b', 1, 1],
      ]);
      expect((await log('a')).map(({ metadata }) => metadata)).toEqual([
        storedOptions(optionsOf({ size: 2 })),
        null,
      ]);
      expect(await foundInAll(database)).toEqual([]);
    });

    it('are all of them there, be they declared or not, with the options that they have', async () => {
      const options = optionsOf({ size: 2, whenFull: 'wait', maxPerUser: 2, waitMs: 7 });
      await openJournals(database, [requestOf('a', options)]);
      const { opened } = await openJournals(database, []);
      expect(opened).toMatchObject([{ pool: 'a', options }]);
    });

    it('begin at one time, which is told the newest fact of all of them', async () => {
      await openJournals(database, [requestOf('a')], start);
      await openJournals(database, [requestOf('b')], start + 5);
      const { journal } = await openJournals(database, [], start + 5);
      let last: unknown;
      const at = (seen: { last: number | null }) => {
        last = seen.last;
        return start + 6;
      };
      await journal.openPools({ declared: [], at }, listening().listener);
      expect(last).toBe(start + 5);
    });

    it('are opened without one that is damaged, to which nothing is written', async () => {
      const declared = [requestOf('a'), requestOf('b')];
      await openJournals(database, declared);
      await database.db.execute(sql`delete from tokens where pool = 'b' and ordinal = 1`);
      const { journal, opened } = await openJournals(database, declared);
      expect(opened.map(({ pool }) => pool)).toEqual(['a']);
      expect([...journal.damaged]).toEqual([['b', expect.stringContaining("pool 'b' is not served")]]);
      expect(() => journal.pool('b')).toThrow('not open');
      await database.db.execute(sql`insert into token_events select pool, 2, token_id, 'changed', reason,
        user_id, lease_id, fence, at, expires_at, metadata, digest from token_events where pool = 'b'`);
      expect(await journal.upkeep.due(start + 1)).toEqual(['a']);
      await database.db.execute(sql`delete from token_events where pool = 'b' and seq = 2`);
      expect(await log('b')).toHaveLength(1);
    });

    it('are none of them opened where the default one is damaged', async () => {
      await openJournals(database, [requestOf('b'), requestOf('a')]);
      await database.db.execute(sql`delete from tokens where pool = 'b' and ordinal = 1`);
      await expect(openJournals(database, [requestOf('b')])).rejects.toThrow(Damaged);
      expect(await logOf(database)).toHaveLength(2);
    });

    it.each([
      ["delete from pools where pool = 'a'", 'the table pools does not know it'],
      ["update pools set options = null where pool = 'a'", 'its options are not such as were ever written'],
      [
        `update pools set options = '{"size": 3}' where pool = 'a'`,
        'its options are not such as were ever written',
      ],
    ])('are not taken for older ones by what has been lost by hand: %s', async (damage, why) => {
      const declared = [requestOf('a')];
      await openJournals(database, declared);
      const before = await logOf(database);
      await database.db.execute(sql.raw(damage));
      await expect(openJournals(database, declared)).rejects.toThrow(why);
      expect(await logOf(database)).toEqual(before);
    });

    it('do not mind a deleted one that has lost facts; made again, its numbers go on [I3]', async () => {
      const { journal } = await openJournals(database, [requestOf('a')]);
      const { journal: made } = journal.make(requestOf('b'), start);
      made.appendOfPool({ type: 'closed', at: start });
      journal.make(requestOf('b'), start).journal.appendOfPool({ type: 'closed', at: start });
      await made.committed();
      await database.db.execute(sql`delete from token_events where pool = 'b' and seq > 1`);
      const { journal: next, opened } = await openJournals(database, [requestOf('a')]);
      expect(opened.map(({ pool }) => pool)).toEqual(['a']);
      expect(next.damaged.size).toBe(0);
      expect(next.make(requestOf('b'), start).opened.seq).toBe(4);
    });

    it('are not taken at all where one is declared as what it cannot become', async () => {
      await openJournals(database, [requestOf('a'), requestOf('b')]);
      const before = await logOf(database);
      const other = requestOf('b', { ...elastic, declaration: 'another' });
      await expect(openJournals(database, [requestOf('a'), other])).rejects.toThrow(OtherMembership);
      expect(await logOf(database)).toEqual(before);
    });

    it('may be a thousand of a hundred tokens', async () => {
      const declared = Array.from({ length: 1000 }, (_, index) => requestOf(`p${index}`, { size: 100 }));
      await openJournals(database, declared);
      const { opened } = await openJournals(database, []);
      expect(opened).toHaveLength(1000);
      expect(opened.every(({ seq, tokens }) => seq === 2 && tokens.length === 100)).toBe(true);
    });
  });

  describe('commit together', () => {
    it('what was appended to any of them, as one, and keep their numbers apart', async () => {
      const { journal, opened, told } = await openJournals(database, [requestOf('a'), requestOf('b')]);
      for (const opening of opened) {
        const scribe = new Scribe(opening);
        for (const { tokenId } of opening.tokens)
          journal.pool(opening.pool).append(scribe.activated(tokenId));
      }
      await journal.pool('a').committed();
      expect(told.commits.map((facts) => facts.map(({ pool, seq }) => `${pool}${seq}`))).toEqual([
        ['a2', 'a3', 'a4', 'b2', 'b3', 'b4'],
      ]);
      expect(await foundInAll(database)).toEqual([]);
    });

    it('and none takes a fact that does not follow its last', async () => {
      const { journal, scribe, opening } = await openJournal(database);
      scribe.activated(opening.tokens[0]!.tokenId);
      const second = scribe.activated(opening.tokens[1]!.tokenId);
      expect(() => journal.append(second)).toThrow("fact 3 of pool 'default' does not follow fact 1");
    });

    it('answers to requests of the same key, each its own', async () => {
      const { journal } = await openJournals(database, [requestOf('a'), requestOf('b')]);
      const [a, b] = [journal.pool('a'), journal.pool('b')];
      const answer = (outcome: string) => ({ key: 'k', fingerprint: 'f', outcome, at: start });
      a.keep(answer('of a'));
      expect([a.keeping('k')?.outcome, b.keeping('k')]).toEqual(['of a', undefined]);
      b.keep(answer('of b'));
      await b.committed();
      expect([await a.keyed('k', start), await b.keyed('k', start)]).toMatchObject([
        { outcome: 'of a' },
        { outcome: 'of b' },
      ]);
    });
  });

  describe('come and go', () => {
    it('with their tokens, in the commit of what happens in them', async () => {
      const { journal, told } = await openJournals(database, []);
      const { journal: made, opened } = journal.make(requestOf('a', { size: 2 }), start);
      expect(opened).toMatchObject({ pool: 'a', seq: 1, tokens: [{ seq: 0, lease: null }, { seq: 0 }] });
      const scribe = new Scribe(opened);
      made.append(scribe.activated(opened.tokens[1]!.tokenId));
      await made.committed();
      expect(told.commits).toHaveLength(1);
      expect((await tokensOf(database, 'a')).map(({ lease }) => lease !== null)).toEqual([false, true]);
      expect(await foundInAll(database)).toEqual([]);
      const again = await openJournals(database, []);
      expect(again.opened[0]!.tokens).toHaveLength(2);
    });

    it('and come again with new tokens, while their log goes on', async () => {
      const { journal, whole, scribe, opening } = await openJournal(database, 2, 'a');
      const { tokenId } = opening.tokens[0]!;
      journal.append(scribe.activated(tokenId));
      journal.append(scribe.released(tokenId, 'pool_deleted'));
      expect(journal.appendOfPool({ type: 'closed', at: start })).toBe(4);
      await journal.committed();
      expect(await tokensOf(database, 'a')).toEqual([]);
      expect(() => whole.pool('a')).toThrow('not open');
      expect(await foundInAll(database)).toEqual([]);
      // In one commit, and by the next process.
      for (const process of [async () => whole, async () => (await openJournals(database, [])).journal]) {
        const each = await process();
        const { journal: made, opened } = each.make(requestOf('a', { size: 1 }), start);
        expect(opened.tokens).toHaveLength(1);
        made.appendOfPool({ type: 'closed', at: start });
        each.make(requestOf('a', { size: 3 }), start);
        made.appendOfPool({ type: 'closed', at: start });
        await made.committed();
        expect(await tokensOf(database, 'a')).toEqual([]);
      }
      const { opened } = await openJournals(database, [requestOf('a')]);
      expect(opened).toMatchObject([{ pool: 'a', seq: 13 }]);
      expect(await foundInAll(database)).toEqual([]);
    });

    it('but not one that is there, nor with other tokens than its options say', async () => {
      const { journal } = await openJournals(database, [requestOf('a')]);
      expect(() => journal.make(requestOf('a'), start)).toThrow('is there already');
      expect(() => journal.make({ ...requestOf('b'), tokens: [] }, start)).toThrow(
        'made with 3 tokens, not 0',
      );
    });

    it('and so do the tokens of one, each in a place that no other had before', async () => {
      const { journal, scribe } = await openJournal(database, elastic, 'a');
      const [one, two, three] = [newToken({ name: 'one' }), newToken({ labels: { os: 'bsd' } }), newToken()];
      journal.append(scribe.created(one));
      journal.append(scribe.created(two));
      await journal.committed();
      journal.append(scribe.activated(one.tokenId));
      journal.append(scribe.deleted(two.tokenId));
      await journal.committed();
      const { journal: next, opening } = await openJournal(database, elastic, 'a');
      expect(opening.tokens).toMatchObject([{ tokenId: one.tokenId, name: 'one', lease: { fence: 4 } }]);
      const after = new Scribe(opening);
      next.append(after.created(three));
      next.append(after.created({ ...two, tokenId: newToken().tokenId }));
      next.append(after.deleted(three.tokenId));
      await next.committed();
      const rows = await database.db.select().from(tokens).orderBy(tokens.ordinal);
      expect(rows.map(({ ordinal, name, labels }) => [ordinal, name, labels])).toEqual([
        [1, 'one', {}],
        [4, null, { os: 'bsd' }],
      ]);
      expect(await foundInAll(database)).toEqual([]);
    });

    it('with every state that a token can be in', async () => {
      const { journal, scribe, opening } = await openJournal(database, {
        size: 4,
        whenFull: 'wait',
        coolDownMs: 9,
      });
      const [a, b, c, d] = opening.tokens.map(({ tokenId }) => tokenId) as [string, string, string, string];
      const facts = [
        scribe.activated(a),
        scribe.activated(b),
        scribe.withdrawn(b, 'a note'),
        scribe.released(a, 'cleanup', { restsUntil: start + 9 }),
        scribe.released(b, 'cleanup', { restsUntil: start + 9 }),
        scribe.withdrawn(c),
        scribe.activated(d),
        scribe.withdrawn(d, ''),
      ];
      for (const fact of facts) journal.append(fact);
      await journal.committed();
      const states = await tokensOf(database);
      expect(states.map(({ restsUntil, withdrawn }) => [restsUntil, withdrawn])).toEqual([
        [start + 9, null],
        [start + 9, { note: 'a note' }],
        [null, { note: null }],
        [null, { note: '' }],
      ]);
      const rows = await database.db.select().from(tokens).orderBy(tokens.ordinal);
      expect(rows.map(({ status }) => status)).toEqual(['resting', 'withdrawn', 'withdrawn', 'active']);
      expect((await openJournal(database)).opening.tokens.map(({ tokenId }) => tokenId)).toEqual([
        a,
        b,
        c,
        d,
      ]);
      expect(await foundInAll(database)).toEqual([]);
    });

    it('and change their options, which the next process finds', async () => {
      const { journal } = await openJournal(database);
      const options = optionsOf({ whenFull: 'reject', size: 3 });
      expect(journal.appendOfPool({ type: 'changed', options, at: start })).toBe(2);
      await journal.committed();
      expect((await openJournal(database)).opening).toMatchObject({ seq: 3, options });
      expect(await foundInAll(database)).toEqual([]);
    });
  });

  describe('that another process has opened', () => {
    const followed = async () => {
      const older = await openJournals(database, [requestOf('a')]);
      const newer = await openJournals(database, []);
      return { older, newer, before: await logOf(database) };
    };

    it.each<[string, (older: Awaited<ReturnType<typeof openJournals>>) => Promise<void>]>([
      ['made', ({ journal }) => journal.make(requestOf('b'), start).journal.committed()],
      [
        'changed',
        ({ journal }) => {
          journal.pool('a').appendOfPool({ type: 'changed', options: optionsOf(), at: start });
          return journal.pool('a').committed();
        },
      ],
      [
        'deleted',
        ({ journal }) => {
          const pool = journal.pool('a');
          pool.appendOfPool({ type: 'closed', at: start });
          return pool.committed();
        },
      ],
      [
        'kept an answer in',
        ({ journal }) => {
          journal.pool('a').keep({ key: 'k', fingerprint: 'f', outcome: 1, at: start });
          return journal.pool('a').committed();
        },
      ],
    ])('can be %s no more [I1]', async (_, write) => {
      const { older, newer, before } = await followed();
      await expect(write(older)).rejects.toThrow(Fenced);
      expect([older.told.fenced, newer.told.fenced]).toEqual([1, 0]);
      expect(await logOf(database)).toEqual(before);
      expect(await newer.journal.pool('a').keyed('k', start)).toBeNull();
      expect(await database.db.$count(pools)).toBe(1);
      expect(await foundInAll(database)).toEqual([]);
    });

    it('are known to be, where nothing is written', async () => {
      const { older, newer } = await followed();
      older.journal.probe();
      await expect.poll(() => older.told.fenced).toBe(1);
      newer.journal.probe();
      await newer.journal.pool('a').confirmed();
      expect(newer.told.fenced).toBe(0);
    });

    it('are not made by both, whoever comes first', async () => {
      const older = await openJournals(database, []);
      older.journal.make(requestOf('b'), start);
      const racing = older.journal.make(requestOf('c'), start).journal.committed();
      const newer = await openJournals(database, [requestOf('b'), requestOf('c')]);
      const won = await racing.then(
        () => true,
        () => false,
      );
      expect(newer.opened.map(({ seq }) => seq)).toEqual(won ? [2, 2] : [1, 1]);
      expect(await foundInAll(database)).toEqual([]);
    });
  });

  describe('that are older', () => {
    /** As a version that knew neither options nor tokens that come and go would have left it. */
    async function age(withPool: boolean): Promise<void> {
      const ids = (await tokensOf(database)).map(({ tokenId }) => tokenId).join('\n');
      const digest = sql`substr(encode(sha256(${ids}::text::bytea), 'base64'), 1, 22)`;
      await database.db.execute(sql`update token_events set metadata = null, digest = ''`);
      if (!withPool) await database.db.execute(sql`delete from pools`);
      await database.db.execute(
        sql`update pools set options = null, last_ordinal = 0, tokens_digest = ${digest}, chain_seq = 2`,
      );
    }

    it.each([true, false])(
      'go on with the tokens that they have, and with options (known: %s)',
      async (known) => {
        const { journal, scribe, opening } = await openJournal(database, 2);
        journal.append(scribe.activated(opening.tokens[0]!.tokenId));
        await journal.committed();
        await age(known);
        const before = await tokensOf(database);
        expect(await foundInAll(database)).toEqual([]);
        const { opening: next, journal: adopted } = await openJournal(database, { size: 5, ttlMs: 7 });
        expect(next).toMatchObject({ seq: 4, options: optionsOf({ size: 2, ttlMs: 7 }) });
        expect(await tokensOf(database)).toEqual(before);
        expect((await log('default')).map(({ type }) => type)).toEqual([
          'opened',
          'activated',
          'opened',
          'changed',
        ]);
        expect(await foundInAll(database)).toEqual([]);
        const after = new Scribe(next);
        adopted.appendOfPool({ type: 'changed', options: optionsOf({ size: 3 }), at: start });
        after.seq++;
        adopted.append(after.created(newToken(), 'pool_grown'));
        await adopted.committed();
        expect(await foundInAll(database)).toEqual([]);
        expect((await openJournal(database)).opening.tokens).toHaveLength(3);
      },
    );
  });

  it('tell what became of a lease, by its id alone', async () => {
    const { journal, whole, scribe, opening } = await openJournal(database, 2);
    const { tokenId } = opening.tokens[0]!;
    const first = scribe.activated(tokenId, { userId: 'ada' });
    journal.append(first);
    scribe.at += 5;
    journal.append(scribe.released(tokenId, 'lru_eviction'));
    const second = scribe.activated(tokenId, { userId: 'bob' }, 'allocated_after_eviction');
    journal.append(second);
    await journal.committed();
    const { leaseId, fence, activatedAt, expiresAt } = first.lease!;
    const past = {
      pool: 'default',
      tokenId,
      userId: 'ada',
      fence,
      activatedAt,
      expiresAt,
      endedAt: start + 5,
    };
    const next = { userId: 'bob', fence: 4, activatedAt: start + 5 };
    expect(await journal.lease(leaseId)).toEqual({ ...past, endReason: 'lru_eviction', next });
    expect(await journal.lease(second.lease!.leaseId)).toBeNull();
    await whole.upkeep.prune('default', start + 1, 100);
    expect(await journal.lease(leaseId)).toMatchObject(past);
    await whole.upkeep.prune('default', start + 6, 100);
    expect(await journal.lease(leaseId)).toBeNull();
  });
});
