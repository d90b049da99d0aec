/** Group commit while the database is lost: written once, never twice, and nobody is told what is not known. */
import { describe, expect, it, vi } from 'vitest';
import { Unconfirmed } from '../src/journal/group-commit.ts';
import type { NewToken, PastToken } from '../src/journal/store.ts';
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

describe('group commit', () => {
  const script = scripted();

  describe('when the database is lost', () => {
    it('connects anew and writes the same facts again, until they are in the log', async () => {
      const { append, commits, log, told } = script;
      append(1, 2);
      const caller = follow(commits.committed());
      await log.answer(connectionClosed());
      append(3);
      await pass(times.retryMs);
      await log.answer(sqlError('57P01'));
      await pass(2 * times.retryMs);
      await log.answer();
      await log.answer();
      expect(caller.fate).toBe('durable');
      expect(log.seqs).toEqual([[1, 2], [1, 2], [1, 2], [3]]);
      expect(log.resets).toBe(2);
      expect(told.commits).toEqual([[fact(1), fact(2)], [fact(3)]]);
    });

    it('says lost once and back once per outage', async () => {
      const { append, log, told } = script;
      for (const seq of [1, 2]) {
        append(seq);
        await log.answer(connectionClosed());
        for (const retryMs of [100, 200, 400, 400, 400]) {
          await pass(retryMs - 1);
          const before = log.writes.length;
          await pass(1);
          expect(log.writes).toHaveLength(before + 1);
          await log.answer(retryMs === 400 && log.writes.length % 6 === 0 ? undefined : connectionClosed());
        }
      }
      expect(told).toMatchObject({ lost: [expect.any(Error), expect.any(Error)], back: 2 });
      expect(told.commits).toEqual([[fact(1)], [fact(2)]]);
    });

    it('looks up what was written without an answer, and does not send it again [I14]', async () => {
      const { append, commits, log, told } = script;
      append(1);
      const caller = follow(commits.committed());
      await log.answer(connectionClosed());
      log.found = true;
      await pass(times.retryMs);
      expect(caller.fate).toBe('durable');
      expect(told).toMatchObject({ commits: [[fact(1)]], back: 1, fenced: 0 });
      await pass(60_000);
      expect(log.writes).toHaveLength(1);
    });

    it('looks again where what was lost is written while it is sent again [I14]', async () => {
      const { append, commits, log, told } = script;
      append(1);
      const caller = follow(commits.committed());
      await log.answer(connectionClosed());
      await pass(times.retryMs);
      log.found = true;
      await log.answer(sqlError('23505'));
      expect(caller.fate).toBe('durable');
      expect(told).toMatchObject({ commits: [[fact(1)]], back: 1, fenced: 0 });
      await pass(60_000);
      expect(log.writes).toHaveLength(2);
    });

    it('gives a commit of many facts or tokens longer than one of few', async () => {
      const { append, commits, log, told } = script;
      append(...Array.from({ length: 3000 }, (_, index) => index + 1));
      const tokens = Array.from({ length: 2000 }, () => ({}) as NewToken);
      const gone = Array.from({ length: 2000 }, () => ({}) as PastToken);
      commits.add({ facts: [], pools: [], tokens, gone });
      await turns();
      await pass(times.commitTimeoutMs + 5999);
      expect(told.lost).toEqual([]);
      await pass(1);
      expect(told.lost).toEqual([new Error('the database gave no answer for 7000 ms')]);
      await pass(times.retryMs);
      await log.answer();
      expect(told.back).toBe(1);
    });

    it('tries again when the look-up fails, too', async () => {
      const { append, commits, log, told } = script;
      append(1);
      const caller = follow(commits.committed());
      const look = vi.spyOn(log, 'isWritten').mockRejectedValueOnce(connectionClosed());
      await log.answer(sqlError('23505'));
      expect([caller.fate, told.fenced, told.lost.length]).toEqual(['waiting', 0, 1]);
      look.mockResolvedValueOnce(true);
      await pass(times.retryMs);
      await log.answer(sqlError('23505'));
      expect(caller.fate).toBe('durable');
    });

    it('takes a commit without an answer for lost, and is not misled by a late one', async () => {
      const { append, commits, log, told } = script;
      append(1);
      const caller = follow(commits.committed());
      await turns();
      const [silent] = log.writes;
      await pass(times.commitTimeoutMs - 1);
      expect(told.lost).toHaveLength(0);
      await pass(1);
      expect(told.lost).toEqual([new Error('the database gave no answer for 1000 ms')]);
      await pass(times.retryMs);
      silent!.reject(connectionClosed());
      await turns();
      expect(caller.fate).toBe('waiting');
      await log.answer();
      expect(caller.fate).toBe('durable');
      expect(log.writes).toHaveLength(2);
    });

    it('tells callers who have waited long enough that the outcome is unknown, and commits all the same', async () => {
      const { append, commits, log, told } = script;
      append(1);
      const early = follow(commits.committed());
      await log.answer(connectionClosed());
      append(2);
      const second = follow(commits.committed());
      await pass(times.patienceMs - 1);
      expect([early.fate, second.fate]).toEqual(['waiting', 'waiting']);
      await pass(1);
      expect([early.fate, second.fate]).toEqual([Unconfirmed, Unconfirmed]);
      const late = follow(commits.committed());
      await pass(times.commitTimeoutMs);
      expect(late.fate).toBe('waiting');
      await log.answer();
      await log.answer();
      expect(late.fate).toBe('durable');
      expect(told).toMatchObject({ commits: [[fact(1)], [fact(2)]], lost: [expect.any(Error)], back: 1 });
    });

    it('tells the same to those who come later, however long it takes', async () => {
      const { append, commits, log } = script;
      append(1);
      await log.answer(connectionClosed());
      for (let round = 0; round < 3; round++) {
        const caller = follow(commits.confirmed());
        await pass(times.patienceMs - 1);
        expect(caller.fate).toBe('waiting');
        await pass(1);
        expect(caller.fate).toBe(Unconfirmed);
      }
      await pass(times.commitTimeoutMs);
      await log.answer();
      await log.answer();
    });

    it.each([
      ['25006', 'a server that only reads'],
      ['40P01', 'a deadlock'],
      ['53100', 'a full disk'],
      ['55000', 'a database that takes no connections'],
      ['57P03', 'a server that starts up'],
      ['3D000', 'a database that is not there'],
    ])('outlasts %s (%s)', async (code) => {
      const { append, log, told } = script;
      append(1);
      await log.answer(sqlError(code));
      await pass(times.retryMs);
      await log.answer();
      expect(told).toMatchObject({ lost: [sqlError(code)], back: 1, broken: [], commits: [[fact(1)]] });
    });
  });
});
