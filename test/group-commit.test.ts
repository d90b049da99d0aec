/** Group commit as it goes and as it ends. What it does in between, when the database is lost, has its own file. */
import { describe, expect, it } from 'vitest';
import { Fenced, Unconfirmed } from '../src/journal/group-commit.ts';
import {
  connectionClosed,
  fact,
  follow,
  pass,
  scripted,
  sqlError,
  times,
  turns,
} from './support/scripted-log.ts';

/** As WebAssembly says that an embedded database has crashed; it is known by its name. */
class WebAssemblyTrap extends Error {
  override name = 'RuntimeError';
}

describe('group commit', () => {
  const script = scripted();

  describe('when commits go through', () => {
    it('lets the event loop bring more before it takes a batch', async () => {
      const { append, log } = script;
      setImmediate(() => append(2));
      append(1);
      await log.answer();
      expect(log.seqs).toEqual([[1, 2]]);
    });

    it('puts all that arrives during a commit into the next one, in order', async () => {
      const { append, log, told } = script;
      append(1);
      await turns();
      append(2, 3);
      await turns();
      append(4);
      await log.answer();
      await log.answer();
      expect(log.seqs).toEqual([[1], [2, 3, 4]]);
      expect(told.commits).toEqual([[fact(1)], [fact(2), fact(3), fact(4)]]);
    });

    it('answers a caller when the last fact before the question is durable, and not earlier [I14]', async () => {
      const { append, commits, log } = script;
      append(1);
      const first = follow(commits.committed());
      await turns();
      append(2);
      const second = follow(commits.committed());
      await log.answer();
      expect([first.fate, second.fate]).toEqual(['durable', 'waiting']);
      await log.answer();
      expect(second.fate).toBe('durable');
    });

    it('makes a read wait for the commit under way, and none where there is nothing to wait for', async () => {
      const { append, commits, log } = script;
      await commits.committed();
      append(1);
      await turns();
      const read = follow(commits.committed());
      await turns();
      expect(read.fate).toBe('waiting');
      await log.answer();
      expect(read.fate).toBe('durable');
      await commits.committed();
    });

    it('is drained when nothing is left to commit, what arrived meanwhile included', async () => {
      const { append, commits, log } = script;
      append(1);
      const drained = follow(commits.drained());
      await turns();
      append(2);
      await log.answer();
      expect(drained.fate).toBe('waiting');
      await log.answer();
      expect(drained.fate).toBe('durable');
      await commits.drained();
    });

    it('is drained at once where only a commit of nothing is under way', async () => {
      const { commits, log } = script;
      commits.probe();
      await turns();
      expect(commits.uncommitted).toEqual([]);
      await commits.drained();
      await log.answer();
    });

    it('knows which facts are not durable yet', async () => {
      const { append, commits, log } = script;
      append(1);
      await turns();
      append(2, 3);
      expect(commits.uncommitted).toEqual([fact(1), fact(2), fact(3)]);
      await log.answer();
      expect(commits.uncommitted).toEqual([fact(2), fact(3)]);
      await log.answer();
      expect(commits.uncommitted).toEqual([]);
    });

    it.each([TypeError, RangeError, ReferenceError, WebAssemblyTrap])(
      'ends at a bug of our own (%s), which no retry mends',
      async (Bug) => {
        const { append, commits, log, told } = script;
        append(1);
        const caller = follow(commits.committed());
        await log.answer(new Bug('a bug'));
        expect(caller.fate).toBe(Unconfirmed);
        expect(told.lost).toEqual([]);
        expect(told.broken).toHaveLength(1);
        expect(log.seqs).toEqual([[1]]);
      },
    );

    it('finds out by a commit of nothing whether commits go through', async () => {
      const { commits, log, told } = script;
      commits.probe();
      await log.answer(connectionClosed());
      expect(told.lost).toHaveLength(1);
      await pass(times.retryMs);
      await log.answer();
      expect(told.back).toBe(1);
      expect(log.seqs).toEqual([[], []]);
    });
  });

  describe('when commits come to an end', () => {
    it('is fenced out by a seq that somebody else has written: nobody is told otherwise [I1]', async () => {
      const { append, commits, log, told } = script;
      append(1);
      const caller = follow(commits.committed());
      await turns();
      append(2);
      const next = follow(commits.committed());
      await log.answer(sqlError('23505'));
      append(3);
      const late = follow(commits.committed());
      await pass(60_000);
      expect([caller.fate, next.fate, late.fate]).toEqual([Fenced, Fenced, Fenced]);
      expect(told).toMatchObject({ fenced: 1, commits: [], lost: [], broken: [] });
      expect(log.seqs).toEqual([[1]]);
      await commits.drained();
    });

    it('is fenced out at a retry, too', async () => {
      const { append, commits, log, told } = script;
      append(1);
      const caller = follow(commits.committed());
      await log.answer(connectionClosed());
      await pass(times.retryMs);
      await log.answer(sqlError('23505'));
      expect(caller.fate).toBe(Fenced);
      expect(told).toMatchObject({ fenced: 1, back: 0, commits: [] });
    });

    it.each([
      ['22P05', 'text that cannot be stored'],
      ['23502', 'a column that must not be null'],
      ['42P01', 'a table that is not there'],
    ])('is broken by %s (%s): no retry would mend it', async (code) => {
      const { append, commits, log, told } = script;
      append(1);
      const caller = follow(commits.committed());
      await log.answer(sqlError(code));
      await pass(60_000);
      expect(caller.fate).toBe(Unconfirmed);
      expect(told).toMatchObject({ broken: [sqlError(code)], fenced: 0, lost: [] });
      expect(log.writes).toHaveLength(1);
    });

    it('tells all who wait when it is closed', async () => {
      const { append, commits, log } = script;
      append(1);
      const first = follow(commits.committed());
      await turns();
      append(2);
      const second = follow(commits.committed());
      class Closed extends Error {}
      commits.close(new Closed());
      const late = follow(commits.committed());
      await log.answer();
      expect([first.fate, second.fate, late.fate]).toEqual([Closed, Closed, Closed]);
      expect(log.seqs).toEqual([[1]]);
      await commits.drained();
    });

    it('leaves the database alone once it is closed, even between two tries', async () => {
      const { append, commits, log } = script;
      append(1);
      await log.answer(connectionClosed());
      commits.close(new Error('closed'));
      await pass(60_000);
      expect([log.writes.length, log.resets]).toEqual([1, 0]);
      await commits.drained();
    });
  });
});
