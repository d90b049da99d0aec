/** A short history in which all is as it should be, written by hand: what each check of the checker is tried on. */
import type { Answer, Call, History, LoggedFact } from './history.ts';
import type { Held } from './questions.ts';
import * as questions from './questions.ts';
import type { Question } from './recorder.ts';

const iso = (ms: number): string => new Date(ms).toISOString();
const size = 2;
const [tokenA, tokenB] = ['token a', 'token b'];
const process = 'process 1';

function fact(
  seq: number,
  at: number,
  type: string,
  reason: string,
  lease?: Partial<LoggedFact>,
): LoggedFact {
  const none = { tokenId: null, userId: null, fence: null, expiresAt: null };
  return { seq, at, type, reason, ...none, ...lease };
}

const held = (tokenId: string, userId: string, fence: number): Held => ({
  tokenId,
  userId,
  fence,
  leaseId: `lease ${fence}`,
});

function call(askedAt: number, question: Question, answer: Partial<Answer>): Call {
  const { method, path, json, ...asked } = question;
  const whole = { status: 200, error: null, replayed: false, body: {}, shown: null, ...answer };
  return { ...asked, process, askedAt, answeredAt: askedAt + 10, answer: whole };
}

const refusal = (status: number, error: string, body = {}): Partial<Answer> => ({ status, error, body });

/** The body of an answer that shows a lease. */
function leaseBody(
  { tokenId, userId, fence, at, expiresAt }: LoggedFact,
  evicted: string | null,
): Answer['body'] {
  return {
    token_id: tokenId,
    user_id: userId,
    fence,
    activated_at: iso(at),
    expires_at: iso(expiresAt!),
    expires_in_ms: 7,
    evicted: evicted && { user_id: evicted },
  };
}

/** Two tokens; clocks of clients and of the service agree, by milliseconds. */
export function soundHistory(): History {
  const ada = { tokenId: tokenA, userId: 'ada', fence: 2, expiresAt: 10_015 };
  const bob = { tokenId: tokenB, userId: 'bob', fence: 3, expiresAt: 10_035 };
  const cy = { tokenId: tokenA, userId: 'cy', fence: 5, expiresAt: 10_055 };
  const bobLater = { ...bob, expiresAt: 20_075 };
  const dee = { tokenId: tokenA, userId: 'dee', fence: 8, expiresAt: 2125 };
  const eve = { tokenId: tokenA, userId: 'eve', fence: 11, expiresAt: 13_000 };
  const log = [
    fact(1, 0, 'opened', 'pool_opened'),
    fact(2, 15, 'activated', 'allocated', ada),
    fact(3, 35, 'activated', 'allocated', bob),
    fact(4, 55, 'released', 'lru_eviction', ada),
    fact(5, 55, 'activated', 'allocated_after_eviction', cy),
    fact(6, 75, 'renewed', 'renewed_by_client', bobLater),
    fact(7, 105, 'released', 'released_by_client', cy),
    fact(8, 125, 'activated', 'allocated', dee),
    fact(9, 2126, 'expired', 'ttl_expired', dee),
    fact(10, 2200, 'released', 'cleanup', bobLater),
    fact(11, 3000, 'activated', 'allocated', eve),
    fact(12, 14_000, 'opened', 'pool_opened'),
    fact(13, 14_000, 'expired', 'ttl_expired_while_down', eve),
  ];
  const tokens = [
    { id: tokenA, ordinal: 1, fence: null, userId: null, expiresAt: null, seq: 13 },
    { id: tokenB, ordinal: 2, fence: null, userId: null, expiresAt: null, seq: 10 },
  ];
  // The token freed first is granted first: eve gets the one that dee's lease left.
  return { size, snapshot: { log, tokens, floor: 0, floorTokens: [] }, calls: callsOf(log) };
}

function callsOf(log: readonly LoggedFact[]): Call[] {
  const grant = (seq: number, evicted: string | null = null) => ({ body: leaseBody(log[seq - 1]!, evicted) });
  const cy = held(tokenA, 'cy', 5);
  const allocate = (user: string, ttlMs: number, key: string | null = null) =>
    questions.allocate(user, ttlMs, key);
  const ended = { reason: 'released_by_client', ended_at: iso(105) };
  return [
    call(10, allocate('ada', 10_000), grant(2)),
    call(30, allocate('bob', 10_000, 'key b'), grant(3)),
    call(50, allocate('cy', 10_000), grant(5, 'ada')),
    call(70, questions.renew(held(tokenB, 'bob', 3), 'lease', 20_000, null), {
      body: leaseBody(log[5]!, null),
    }),
    call(85, questions.list(), {
      body: { counts: { available: 0, active: 2, total: 2 } },
      shown: [
        [tokenA, 5, iso(10_055)],
        [tokenB, 3, iso(20_075)],
      ],
    }),
    call(100, questions.release(cy, 'lease', 'key c'), {
      body: { ok: true, token_id: tokenA, user_id: 'cy' },
    }),
    call(111, questions.release(cy, 'lease', null), refusal(410, 'lease_ended', ended)),
    call(120, allocate('dee', 2000), grant(8)),
    call(140, questions.release(cy, 'user', null), refusal(409, 'lease_mismatch')),
    call(160, allocate('bob', 10_000, 'key b'), {
      body: { ...grant(3).body, expires_at: iso(20_075) },
      replayed: true,
    }),
    call(180, allocate('bob.other', 10_001, 'key b'), refusal(422, 'idempotency_key_reused')),
    call(2130, questions.token(tokenA), { body: tokenBody(log) }),
    call(2195, questions.releaseAll('key d'), { body: { released: 1 } }),
    call(2300, questions.events(), { body: { events: eventsBody(log.slice(5, 10)) } }),
    call(2350, allocate('bob', 10_000, 'key b'), {
      ...refusal(410, 'lease_ended', { reason: 'cleanup', ended_at: iso(2200) }),
      replayed: true,
    }),
    call(2400, questions.releaseAll('key e'), { body: { released: 0 } }),
    call(2995, allocate('eve', 10_000), grant(11)),
    call(14_500, questions.token('token c'), refusal(404, 'not_found')),
  ];
}

function tokenBody(log: readonly LoggedFact[]): Answer['body'] {
  const past = (seq: number, endedAt: number, end_reason: string) => {
    const { userId, at } = log[seq - 1]!;
    return { user_id: userId, activated_at: iso(at), ended_at: iso(endedAt), end_reason };
  };
  const history = [
    past(8, 2125, 'ttl_expired'),
    past(5, 105, 'released_by_client'),
    past(2, 55, 'lru_eviction'),
  ];
  return { id: tokenA, status: 'available', user_id: null, fence: null, expires_at: null, history };
}

const eventsBody = (facts: readonly LoggedFact[]) =>
  facts.toReversed().map(({ seq, type, reason, tokenId, userId, fence, at, expiresAt }) => ({
    seq,
    type,
    reason,
    token_id: tokenId,
    user_id: userId,
    fence,
    at: iso(at),
    expires_at: iso(expiresAt!),
  }));
