/** The check of pools beside the default one finds what is wrong, and nothing where all is well. */
import { describe, expect, it } from 'vitest';
import { checkLine, type Departure } from './check-line.ts';
import type { Answer, Call, LoggedFact } from './history.ts';
import * as questions from './questions.ts';

const answer = (status: number, body: Record<string, unknown>): Answer => ({
  status,
  error: typeof body.error === 'string' ? body.error : null,
  replayed: false,
  body,
  shown: null,
});

function asked(userId: string, askedAt: number, given: Answer | null, fence: number | null = null): Call {
  const held = { tokenId: 'x', leaseId: 'y', userId, fence: fence ?? 0 };
  const {
    method: _,
    path: __,
    json: ___,
    ...question
  } = fence === null ? questions.allocate(userId, 100, null) : questions.release(held, 'lease', null);
  return { ...question, process: 'one', askedAt, answeredAt: given && askedAt + 1, answer: given };
}

const fact = (seq: number, type: string, userId: string, fence: number): LoggedFact => ({
  seq,
  type,
  reason: '',
  tokenId: 'x',
  userId,
  fence,
  at: seq,
  expiresAt: null,
});

const granted = (fence: number) => answer(200, { token_id: 'x', fence });
const expired = answer(409, { error: 'wait_expired' });
const log = [fact(1, 'activated', 'ada', 1), fact(2, 'released', 'ada', 1), fact(3, 'activated', 'bob', 3)];
const calls = [
  asked('ada', 0, granted(1)),
  asked('ada', 5, answer(200, {}), 1),
  asked('bob', 9000, granted(3)),
  asked('cy', 1, expired),
];

describe('the check of pools beside the default one', () => {
  it('finds nothing in a sound history', () => {
    expect(checkLine(calls, [], log)).toEqual([]);
    expect(checkLine([...calls, asked('dee', 2, null)], [{ userId: 'dee', at: 3 }], log)).toEqual([]);
  });

  it.each<[string, RegExp, Call[], Departure[], LoggedFact[]]>([
    ['a lease that was refused', /^I10: cy was refused/, calls, [], [...log, fact(4, 'activated', 'cy', 4)]],
    [
      'two leases for one question',
      /^I9: bob asked once/,
      calls,
      [],
      [...log, fact(4, 'activated', 'bob', 3)],
    ],
    ['a lease that is lost', /^I14: the lease of bob/, calls, [], log.slice(0, 2)],
    ['a release that is lost', /^I14: the release of lease 1/, calls, [], [log[0]!, log[2]!]],
    [
      'another lease than was told',
      /^I14: bob was told/,
      calls,
      [],
      [...log.slice(0, 2), fact(3, 'activated', 'bob', 4)],
    ],
    [
      'a grant to somebody who has gone',
      /^I10: dee had gone/,
      [...calls, asked('dee', 2, null)],
      [{ userId: 'dee', at: 100 }],
      [...log, fact(4, 'activated', 'dee', 4)],
    ],
  ])('finds %s', (_, violation, calls, departures, log) => {
    expect(checkLine(calls, departures, log)).toEqual([expect.stringMatching(violation)]);
  });
});
