/** The checker is believed only because it finds what is wrong: each of its checks is shown a history that is. */
import { describe, expect, it } from 'vitest';
import { judge } from './check.ts';
import type { Call, History, LoggedFact } from './history.ts';
import { soundHistory } from './sound-history.ts';

/** What is done to a sound history, whose parts are at hand. */
type Breaking = (
  history: History,
  fact: (seq: number) => LoggedFact,
  call: (askedAt: number) => Call,
) => void;

function broken(breaking: Breaking): string[] {
  const history = structuredClone(soundHistory());
  const { log } = history.snapshot;
  const facts = new Map(log.map((fact) => [fact.seq, fact]));
  breaking(
    history,
    (seq) => facts.get(seq)!,
    (askedAt) => history.calls.find((call) => call.askedAt === askedAt)!,
  );
  history.snapshot.log.sort((a, b) => a.seq - b.seq);
  return judge(history).violations;
}

/** Takes facts away, and closes the gap in the numbers; fences stay what they are. */
function without({ snapshot }: History, ...seqs: number[]): void {
  snapshot.log = snapshot.log.filter(({ seq }) => !seqs.includes(seq));
  for (const [index, fact] of snapshot.log.entries()) fact.seq = index + 1;
}

const iso = (ms: number): string => new Date(ms).toISOString();

const brokenLogs: [string, RegExp, Breaking][] = [
  ['a gap in the numbers', /^I3: seq 7 stands where 6/, ({ snapshot }) => snapshot.log.splice(5, 1)],
  [
    'a fence that is not the number of its fact',
    /^I3: the fence of seq 8 is 80/,
    (_, fact) => (fact(8).fence = 80),
  ],
  ['a fence that does not rise', /^I3: fence 2 follows 5/, (_, fact) => (fact(8).fence = 2)],
  [
    'two live leases of a token',
    /^I1: seq \d+ grants a token that lease 5 holds/,
    (history) => without(history, 7),
  ],
  [
    'the end of a lease that is not live',
    /^I1: seq 7 is 'released' of lease 4, but/,
    (_, fact) => (fact(7).fence = 4),
  ],
  [
    'a token that is not of the pool',
    /^I2: seq 3 is about a token/,
    (_, fact) => (fact(3).tokenId = 'token x'),
  ],
  ['a pool of another size', /^I2: the pool has 2 tokens, not 3/, (history) => (history.size = 3)],
  [
    'a lease that ends before its deadline',
    /^I5: seq 9 ends a lease 5 ms before/,
    (_, fact) => (fact(9).at = 2120),
  ],
  ['time that runs backwards', /^I5: time runs backwards at seq 10/, (_, fact) => (fact(10).at = 2000)],
  [
    'a lease that is over before it begins',
    /^I5: the lease of seq 8/,
    (_, fact) => (fact(8).expiresAt = 125),
  ],
  [
    'an eviction while a token is free',
    /^I7: seq 3 evicts while a token is free/,
    (history) => without(history, 3),
  ],
  [
    'an eviction of one who was not the least recently used',
    /^I7: seq 4 evicts one that is not the least recently used/,
    (_, fact) => Object.assign(fact(4), { tokenId: 'token b', userId: 'bob', fence: 3 }),
  ],
  ['an eviction for nobody', /^I7: seq 4 evicts for nobody/, (_, fact) => (fact(5).reason = 'allocated')],
  [
    'a grant that says it evicted and did not',
    /^I7: seq 8 is 'allocated_after/,
    (_, fact) => (fact(8).reason = 'allocated_after_eviction'),
  ],
  [
    'a grant of a token that was not free for longest',
    /^I7: seq 11 grants a token that another/,
    (_, fact) => (fact(11).tokenId = 'token b'),
  ],
  [
    'a fact with a reason of another',
    /^I8: seq 9 is 'expired' because of 'cleanup'/,
    (_, fact) => (fact(9).reason = 'cleanup'),
  ],
  [
    'an expiry with another deadline',
    /^I8: seq 9 expires a lease with another/,
    (_, fact) => (fact(9).expiresAt = 2124),
  ],
  [
    'a lease that ran out unserved, though it was served',
    /^I8: seq 9 says that nobody served/,
    (_, fact) => (fact(9).reason = 'ttl_expired_while_down'),
  ],
  [
    'a row that differs from the log',
    /^I8: token token b is \[3/,
    ({ snapshot }) => (snapshot.tokens[1]!.fence = 3),
  ],
  [
    'a sum that does not come out',
    /^I11: 0 \+ 5 activated, but 1 active/,
    ({ snapshot }) => (snapshot.tokens[1]!.fence = 3),
  ],
  ['a renewal that shortens', /^I12: seq 6 moves a deadline back/, (_, fact) => (fact(6).expiresAt = 10_000)],
  [
    'a renewal that revives',
    /^I12: seq 6 is 'renewed' of a lease whose/,
    (_, fact) => (fact(3).expiresAt = 70),
  ],
  [
    'a clean-up that leaves a lease',
    /^I13: 1 leases outlived the clean-up at seq 7/,
    (_, fact) => (fact(7).reason = 'cleanup'),
  ],
];

const brokenAnswers: [string, RegExp, Breaking][] = [
  [
    'an acknowledged grant that is not there',
    /^I14: allocate \(eve\).*no such grant/,
    (history) => without(history, 11, 12, 13),
  ],
  [
    'an acknowledged renewal that is not there',
    /^I14 I17: 'renewed' of lease 3 at seq \[\]/,
    (history) => without(history, 6),
  ],
  [
    'a renewal with another deadline',
    /^I14 I17: 'renewed' of lease 3/,
    (_, __, call) => (call(70).answer!.body.expires_at = iso(9)),
  ],
  [
    'a grant of another token',
    /^I14: the grant to ada/,
    (_, __, call) => (call(10).answer!.body.token_id = 'token b'),
  ],
  [
    'a clean-up that says another number',
    /^I14 I17: the clean-ups/,
    (_, __, call) => (call(2195).answer!.body.released = 2),
  ],
  [
    'a refusal that granted all the same',
    /^I17: the grant to ada is at seq 2, but allocate/,
    (_, __, call) => Object.assign(call(10).answer!, { status: 400, error: 'invalid_request' }),
  ],
  [
    'a 503 that says it did nothing, and granted',
    /^I17: the grant to ada/,
    (_, __, call) => Object.assign(call(10).answer!, { status: 503, error: 'unavailable' }),
  ],
  [
    'a refused release that released',
    /^I14 I17: 'released' of lease 5/,
    (_, __, call) => Object.assign(call(100).answer!, { status: 409, error: 'lease_mismatch' }),
  ],
  [
    'a grant that nobody asked for',
    /^I8: nobody asked for the grant to ada/,
    (history) => history.calls.shift(),
  ],
  ['a release without a lease that succeeds', /^I4: release/, (_, __, call) => (call(100).fence = null)],
  [
    'another evicted user than in the log',
    /^I7: allocate \(cy\).*names bob/,
    (_, __, call) => (call(50).answer!.body.evicted = { user_id: 'bob' }),
  ],
  [
    'two grants to one question',
    /^I9: dee asked once and got 2 leases/,
    (_, fact) => (fact(11).userId = 'dee'),
  ],
  [
    'a repetition that is answered otherwise',
    /^I9: one key, different answers/,
    (_, __, call) => (call(160).answer!.body.fence = 4),
  ],
  [
    'a repetition that is not called one',
    /^I9: done more than once/,
    (_, __, call) => (call(160).answer!.replayed = false),
  ],
  [
    'a key that is in use by nobody',
    /^I9: in use by nobody/,
    (_, __, call) => (call(180).answer!.error = 'idempotency_key_in_use'),
  ],
  [
    'a key refused as reused that was not',
    /^I9: a key of its own/,
    (_, __, call) => (call(180).key = 'key z'),
  ],
  ['an answer of a bug', /^I15: list.*: a bug/, (_, __, call) => (call(85).answer!.status = 500)],
];

const brokenOrders: [string, RegExp, Breaking][] = [
  [
    'changes against the order of time',
    /^I15: allocate \(bob.*before this was asked/,
    (_, __, call) => Object.assign(call(10), { askedAt: 45, answeredAt: 48 }),
  ],
  [
    'a repetition that shows a lease as it was',
    /^I15: at no place.*allocate \(bob/,
    (_, __, call) => (call(160).answer!.body.expires_at = iso(10_035)),
  ],
  [
    'a repetition that shows a lease that is over',
    /^I15: at no place.*allocate \(bob/,
    (_, __, call) => (call(2350).answer = call(160).answer),
  ],
  [
    'a repetition that is told of another end',
    /^I15: at no place.*allocate \(bob/,
    (_, __, call) => (call(2350).answer!.body.reason = 'lru_eviction'),
  ],
  [
    'a list that shows the past',
    /^I15: at no place.*list/,
    (_, __, call) => (call(85).answer!.shown![1]![2] = iso(10_035)),
  ],
  [
    'a list that leaves a token out',
    /^I15: at no place.*list/,
    (_, __, call) => call(85).answer!.shown!.pop(),
  ],
  [
    'a list that counts otherwise',
    /^I15: at no place.*list/,
    (_, __, call) => (call(85).answer!.body.counts = { available: 1, active: 1, total: 2 }),
  ],
  [
    'a list that is asked for too late',
    /^I15: at no place.*list/,
    (_, __, call) => Object.assign(call(85), { askedAt: 115, answeredAt: 117 }),
  ],
  [
    'a list that knows the future',
    /^I15: at no place.*list/,
    (_, __, call) => Object.assign(call(85), { askedAt: 62, answeredAt: 65 }),
  ],
  [
    'a token that is shown otherwise',
    /^I15: at no place.*token a/,
    (_, __, call) => (call(2130).answer!.body.fence = 8),
  ],
  [
    'a history that is not true',
    /^I15: at no place.*token a/,
    (_, __, call) => ((call(2130).answer!.body.history as { ended_at: string }[])[0]!.ended_at = iso(2126)),
  ],
  [
    'a history that leaves a lease out',
    /^I15: at no place.*token a/,
    (_, __, call) => void (call(2130).answer!.body.history as unknown[]).pop(),
  ],
  [
    'facts that are not those of the log',
    /^I15: at no place.*events/,
    (_, __, call) => ((call(2300).answer!.body.events as { at: string }[])[1]!.at = iso(1)),
  ],
  [
    'facts that are not the newest',
    /^I15: at no place.*events/,
    (_, __, call) => void (call(2300).answer!.body.events as unknown[]).shift(),
  ],
  [
    'a lease that ended for another reason',
    /^I15: at no place.*release/,
    (_, __, call) => (call(111).answer!.body.reason = 'cleanup'),
  ],
  [
    'a mismatch with the holder',
    /^I15: at no place.*release/,
    (_, __, call) => Object.assign(call(140), { fence: 8, userId: 'dee' }),
  ],
  [
    'a token said to be free that is held',
    /^I15: at no place.*release/,
    (_, __, call) => {
      call(140).tokenId = 'token b';
      call(140).answer!.error = 'token_not_active';
    },
  ],
  [
    'a token said to be free whose lease runs out only later',
    /^I5: over 1970 ms early: allocate \(dee\)/,
    (_, __, call) => (call(140).answer!.error = 'token_not_active'),
  ],
  [
    'a clean-up that finds nothing where there is something',
    /^I15: at no place.*release_all/,
    (_, __, call) => Object.assign(call(2400), { askedAt: 130, answeredAt: 132 }),
  ],
  [
    'a token said not to be there that is',
    /^I15: at no place.*token b/,
    (_, __, call) => (call(14_500).tokenId = 'token b'),
  ],
  [
    'a read that goes back behind another one',
    /^I15: at no place.*events/,
    (history, _, call) => {
      // Of the time before the clean-up, which a read that had been answered before had seen.
      const later = { ...structuredClone(call(2300)), askedAt: 2190, answeredAt: 2192 };
      history.calls = history.calls.filter(({ kind }) => kind !== 'release_all').concat(later);
      const events = later.answer!.body.events as unknown[];
      call(2300).answer!.body.events = events.slice(1);
    },
  ],
];

const brokenTimes: [string, RegExp, Breaking][] = [
  [
    'a lease that ends early by its holder’s clock',
    /^I5: over \d+ ms early: allocate \(dee\)/,
    (history) => {
      for (const call of history.calls)
        if (call.askedAt > 200) call.askedAt = (call.askedAt - 2000) / 10 + 200;
      for (const call of history.calls) if (call.askedAt > 200) call.answeredAt = call.askedAt + 1;
    },
  ],
  [
    'a lease that lasts too long by its holder’s clock',
    /^I6: live \d+ ms too long: allocate \(dee\)/,
    (_, fact, call) => {
      // The clean-up comes first, and is asked for when the lease is long over.
      [fact(9).seq, fact(10).seq] = [10, 9];
      Object.assign(call(2195), { askedAt: 4195, answeredAt: 4205 });
    },
  ],
  [
    'a lease that is shown past its deadline',
    /^I6: lease 3 shown \d+ ms past/,
    (history) => {
      for (const call of history.calls) if (call.askedAt >= 85) call.askedAt += 30_000;
      for (const call of history.calls) if (call.askedAt >= 85) call.answeredAt = call.askedAt + 10;
    },
  ],
];

describe('the checker', () => {
  it('finds nothing where nothing is wrong', () => {
    const { violations, lateness } = judge(soundHistory());
    expect(violations).toEqual([]);
    expect(lateness).toEqual({ served: [1], whileDown: [1000] });
  });

  it.each([...brokenLogs, ...brokenAnswers, ...brokenOrders, ...brokenTimes])(
    'finds %s',
    (_, pattern, breaking) => {
      expect(broken(breaking)).toEqual(expect.arrayContaining([expect.stringMatching(pattern)]));
    },
  );

  it('accepts an answer that was lost, whether or not it was done', () => {
    expect(broken((_, __, call) => Object.assign(call(10), { answer: null, answeredAt: null }))).toEqual([]);
    expect(
      broken((history, __, call) =>
        history.calls.push({
          ...call(85),
          kind: 'release',
          fence: 3,
          askedAt: 2150,
          answeredAt: null,
          answer: null,
        }),
      ),
    ).toEqual([]);
  });

  it('takes a fact for that of the request that was asked in its time', () => {
    const violations = broken((history, __, call) => {
      const renewal = call(70);
      Object.assign(renewal, { key: 'key r', answer: null, answeredAt: null });
      const body = { reason: 'cleanup', ended_at: new Date(2200).toISOString() };
      const answer = { status: 410, error: 'lease_ended', replayed: true, body, shown: null };
      history.calls.push(
        { ...renewal, askedAt: 2360, answeredAt: 2370, answer },
        { ...renewal, key: null, askedAt: 13_500 },
      );
    });
    expect(violations).toEqual([]);
  });
});
