/** The journal's contract, the same on both databases. Two journals over one database stand for two processes. */
import { sql } from 'drizzle-orm';
import { beforeEach, describe, expect, it } from 'vitest';
import type { Database } from '../src/journal/database.ts';
import { Fenced, Unconfirmed } from '../src/journal/group-commit.ts';
import { Damaged } from '../src/journal/store.ts';
import { databaseKinds } from './support/databases.ts';
import { emptyDatabase, expectSoundLog, logOf, openJournal, tokensOf } from './support/journal.ts';
import { start } from './support/world.ts';

/** Numbers that look like chance and are the same in every run. */
function dice(seed = 1): (faces: number) => number {
  let state = seed;
  return (faces) => {
    state = (state * 48_271) % 0x7fffffff;
    return state % faces;
  };
}

const thirtyDays = 30 * 24 * 3_600_000;

describe.each(databaseKinds)('a journal on %s', (kind) => {
  let database: Database;

  beforeEach(async () => {
    database = await emptyDatabase(kind);
  });

  describe('opening a pool', () => {
    it('makes exactly as many tokens as asked for, and one fact, number 1 [I2]', async () => {
      const { opening } = await openJournal(database, 5);
      expect(opening.seq).toBe(1);
      expect(opening.tokens.map(({ lease, seq }) => ({ lease, seq }))).toEqual(
        Array(5).fill({ lease: null, seq: 0 }),
      );
      expect(new Set(opening.tokens.map(({ tokenId }) => tokenId)).size).toBe(5);
      expect(await logOf(database)).toMatchObject([
        { pool: 'default', seq: 1, type: 'opened', reason: 'pool_opened', tokenId: null, at: start },
      ]);
    });

    it('makes no more tokens the second time, and appends the next seq [I2] [I3]', async () => {
      const first = await openJournal(database);
      const second = await openJournal(database);
      expect(second.opening).toEqual({ ...first.opening, seq: 2 });
      expect(await expectSoundLog(database)).toHaveLength(2);
    });

    it.each([2, 4])('opens a pool of 3 tokens as it is, though %i are declared', async (size) => {
      const first = await openJournal(database, 3);
      const { opening } = await openJournal(database, size);
      expect(opening).toMatchObject({ options: first.opening.options, tokens: first.opening.tokens });
      expect(await tokensOf(database)).toHaveLength(3);
    });

    it.each([
      ['in use', false],
      ['free', true],
    ])('refuses a log that has lost a fact that a token, now %s, knows of [I3]', async (_, isFree) => {
      const { journal, opening, scribe } = await openJournal(database, 2);
      journal.append(scribe.activated(opening.tokens[0]!.tokenId));
      if (isFree) journal.append(scribe.released(opening.tokens[0]!.tokenId));
      await journal.committed();
      await database.db.execute(sql`delete from token_events where seq > 1`);
      await expect(openJournal(database, 2)).rejects.toThrow(Damaged);
      await expect(openJournal(database, 2)).rejects.toThrow(/ends at fact 1, .* know of fact [23]/);
      expect(await logOf(database)).toHaveLength(1);
    });

    it('refuses a log that has lost its newest opening [I3]', async () => {
      await openJournal(database);
      await openJournal(database);
      await database.db.execute(sql`delete from token_events where seq = 2`);
      await expect(openJournal(database)).rejects.toThrow(Damaged);
    });

    it('says of a pool that has lost a token that it is damaged [I2]', async () => {
      await openJournal(database, 3);
      await database.db.execute(sql`delete from tokens where ordinal = 2`);
      await expect(openJournal(database, 3)).rejects.toThrow(/not those that it was left with.*verify/);
    });

    it('gives the free tokens first, and each kind in its order of use, what was used or freed longest ago first', async () => {
      const { journal, opening, scribe } = await openJournal(database, 4);
      const [a, b, c, d] = opening.tokens.map(({ tokenId }) => tokenId) as [string, string, string, string];
      for (const tokenId of [c, a, b]) journal.append(scribe.activated(tokenId));
      journal.append(scribe.released(a));
      journal.append(scribe.renewed(c));
      await journal.committed();
      const { opening: reopened } = await openJournal(database, 4);
      expect(reopened.tokens.map(({ tokenId }) => tokenId)).toEqual([d, a, b, c]);
      expect(reopened.tokens.map(({ lease }) => lease !== null)).toEqual([false, false, true, true]);
    });
  });

  describe('appending', () => {
    it('shows a fact and the state it leads to from the commit on, and not before [I8]', async () => {
      const { journal, opening, scribe } = await openJournal(database);
      const fact = scribe.activated(opening.tokens[1]!.tokenId);
      journal.append(fact);
      expect([await logOf(database), await tokensOf(database)].flat()).not.toContainEqual(
        expect.objectContaining({ seq: fact.seq }),
      );
      await journal.committed();
      expect(await logOf(database)).toContainEqual(expect.objectContaining({ seq: 2, type: 'activated' }));
      expect(await tokensOf(database)).toContainEqual({ ...fact.after, seq: 2 });
    });

    it('has no gaps in seq, and folding the log gives the tokens, whatever came in whichever commit [I3] [I8]', async () => {
      const { journal, opening, scribe } = await openJournal(database, 5);
      const leased = new Set<string>();
      const roll = dice();
      for (let step = 1; step <= 200; step++) {
        scribe.at += roll(1000);
        const { tokenId } = opening.tokens[roll(5)]!;
        const write = leased.has(tokenId)
          ? (['renewed', 'released', 'expired'] as const)[roll(3)]!
          : 'activated';
        journal.append(scribe[write](tokenId));
        if (write === 'activated') leased.add(tokenId);
        if (write === 'released' || write === 'expired') leased.delete(tokenId);
        if (roll(8) === 0) await journal.committed();
      }
      await journal.committed();
      expect(await expectSoundLog(database)).toHaveLength(201);
    });

    it('commits what arrives during a commit in the next one, all of it together', async () => {
      const { journal, opening, told, scribe } = await openJournal(database);
      const { tokenId } = opening.tokens[0]!;
      journal.append(scribe.activated(tokenId));
      const first = journal.committed();
      // Once the first is under way: the journal takes its batch in the next turn.
      await new Promise((resolve) => setImmediate(() => setImmediate(resolve)));
      for (let i = 0; i < 300; i++) journal.append(scribe.renewed(tokenId));
      await Promise.all([first, journal.committed()]);
      expect(told.commits.map((facts) => facts.length)).toEqual([1, 300]);
      expect(await expectSoundLog(database)).toHaveLength(302);
    });

    it('keeps instants to the millisecond and a TTL of thirty days', async () => {
      const { journal, opening, scribe } = await openJournal(database);
      const facts = [0, 1, 999].map((ms, index) => {
        scribe.at = Date.UTC(2028, 1, 29, 23, 59, 59, ms);
        return scribe.activated(opening.tokens[index]!.tokenId, { ttlMs: thirtyDays + ms });
      });
      for (const fact of facts) journal.append(fact);
      await journal.committed();
      expect((await logOf(database)).slice(1)).toMatchObject(
        facts.map(({ at, lease }) => ({ at, expiresAt: lease!.expiresAt })),
      );
      const { opening: reopened } = await openJournal(database);
      expect(reopened.tokens.map(({ lease }) => lease)).toEqual(facts.map(({ lease }) => lease));
    });

    it.each([
      ['quotes', `O'Brien "the" $1 %s '; drop table tokens; --`],
      ['backslashes', String.raw`C:\new\table\u0041 \\ \' \x00`],
      ['line ends', 'one\ntwo\r\nthree\ttab\u2028'],
      ['emoji and combining marks', '👩🏽‍🚀 e\u0301 é 𝒳 عربى'],
      ['blanks', '  \u00a0 '],
    ])('keeps %s of a user id and of nested metadata byte for byte', async (_, text) => {
      const { journal, opening, scribe } = await openJournal(database);
      const metadata = {
        [text]: [text, { deep: [{ [text]: null }, 1.5, -0.1, 1e21, true, '', {}] }],
        b: 1,
        a: [],
      };
      const fact = scribe.activated(opening.tokens[0]!.tokenId, { userId: text, metadata });
      journal.append(fact);
      await journal.committed();
      const { opening: reopened } = await openJournal(database);
      expect(reopened.tokens.at(-1)!.lease).toEqual(fact.lease);
      expect(await journal.facts({ userId: text }, { limit: 9, order: 'asc' })).toMatchObject([
        { userId: text, metadata },
      ]);
    });
  });

  describe('two writers', () => {
    it('fences out the older one at its next append, of which nothing is in the log [I1]', async () => {
      const older = await openJournal(database);
      const { tokenId } = older.opening.tokens[0]!;
      older.journal.append(older.scribe.activated(tokenId, { userId: 'first' }));
      await older.journal.committed();
      const newer = await openJournal(database);
      older.journal.append(older.scribe.released(tokenId));
      older.journal.append(older.scribe.activated(tokenId, { userId: 'never' }));
      await expect(older.journal.committed()).rejects.toThrow(Fenced);
      await expect(older.journal.committed()).rejects.toThrow(Fenced);
      newer.journal.append(newer.scribe.renewed(tokenId));
      await newer.journal.committed();
      expect([older.told.fenced, newer.told.fenced]).toEqual([1, 0]);
      const log = await expectSoundLog(database);
      expect(log.map(({ type, userId }) => [type, userId])).toEqual([
        ['opened', null],
        ['activated', 'first'],
        ['opened', null],
        ['renewed', 'first'],
      ]);
    });

    it('opens behind a writer that never pauses, and cuts it off at a commit [I1] [I3]', async () => {
      const older = await openJournal(database);
      const { tokenId } = older.opening.tokens[0]!;
      older.journal.append(older.scribe.activated(tokenId));
      let acknowledged = 1;
      const writing = (async () => {
        for (;;) {
          await older.journal.committed();
          acknowledged++;
          older.journal.append(older.scribe.renewed(tokenId));
        }
      })();
      const cutOff = expect(writing).rejects.toThrow(Fenced);
      const newer = await openJournal(database);
      await cutOff;
      const log = await expectSoundLog(database);
      expect(log).toHaveLength(newer.opening.seq);
      expect(log).toHaveLength(acknowledged + 1);
    });
  });

  describe('commits that go wrong', () => {
    it('writes once what was committed without an answer, and is sure of it [I14]', async () => {
      const { journal, opening, told, scribe } = await openJournal(database);
      const append = database.append.bind(database);
      database.append = async (entries, number) => {
        database.append = append;
        await append(entries, number);
        throw new Error('connection closed');
      };
      journal.append(scribe.activated(opening.tokens[0]!.tokenId));
      await journal.committed();
      expect(told).toMatchObject({ lost: [expect.any(Error)], back: 1, fenced: 0 });
      expect(await expectSoundLog(database)).toHaveLength(2);
    });

    it('says that it is broken by what the database can never store, and stores nothing of it', async () => {
      const { journal, opening, told, scribe } = await openJournal(database);
      const [one, two] = opening.tokens;
      journal.append(scribe.activated(one!.tokenId));
      journal.append(scribe.activated(two!.tokenId, { userId: 'nul \u0000' }));
      await expect(journal.committed()).rejects.toThrow(Unconfirmed);
      expect(told).toMatchObject({ broken: [expect.any(Error)], lost: [], fenced: 0, commits: [] });
      expect(await expectSoundLog(database)).toHaveLength(1);
    });
  });
});
