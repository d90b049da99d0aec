/** What clients of a running service were told, to be held against its log: what was acknowledged is in it. */
import { expect } from 'vitest';
import { type HttpAnswer, pause, type ServiceProcess } from './process.ts';

export interface LeaseSeen {
  token_id: string;
  user_id: string;
  lease_id: string;
  fence: number;
  expires_at: string;
}

export interface EventSeen {
  seq: number;
  type: string;
  reason: string;
  token_id: string | null;
  user_id: string | null;
  fence: number | null;
  at: string;
  expires_at: string | null;
}

interface TokenSeen {
  id: string;
  user_id: string;
  fence: number;
  expires_at: string;
}

type Acknowledged = Pick<EventSeen, 'type' | 'token_id' | 'user_id' | 'fence' | 'expires_at'>;

export class Told {
  readonly acknowledged: Acknowledged[] = [];
  /** Every answer that was neither a yes nor the end of a lease. */
  readonly refusals: HttpAnswer[] = [];
  /** How many got no answer at all. */
  unanswered = 0;

  note(type: 'activated' | 'renewed' | 'released', lease: LeaseSeen): void {
    const { token_id, user_id, fence, expires_at } = lease;
    this.acknowledged.push({ type, token_id, user_id, fence, expires_at });
  }
}

/** Keeps allocating, renewing and releasing while `going`, and notes what it is told. */
export async function useTokens(
  service: () => ServiceProcess,
  userId: string,
  told: Told,
  going: () => boolean,
): Promise<void> {
  for (let round = 0; going(); round++) {
    try {
      const refusal = await useToken(service(), userId, round, told);
      if (refusal === null) continue;
      told.refusals.push(refusal);
    } catch {
      // The connection broke: what was asked last may have been done or not.
      told.unanswered++;
    }
    await pause(20);
  }
}

async function useToken(
  service: ServiceProcess,
  userId: string,
  round: number,
  told: Told,
): Promise<HttpAnswer | null> {
  // Some run out soon, so that leases end in every way that there is.
  const ttlMs = round % 4 === 0 ? 300 : 120_000;
  const grant = await service.post<LeaseSeen>('/api/tokens/allocate', { user_id: userId, ttl_ms: ttlMs });
  if (grant.status !== 200) return grant as unknown as HttpAnswer;
  let lease = grant.body;
  told.note('activated', lease);
  const path = `/api/tokens/${lease.token_id}`;
  const proof = { lease_id: lease.lease_id };
  const renewal = await service.post<LeaseSeen>(`${path}/keep-alive`, { ...proof, ttl_ms: ttlMs + 1 });
  if (renewal.status === 200) {
    lease = renewal.body;
    told.note('renewed', lease);
  } else if (renewal.status !== 410) return renewal as unknown as HttpAnswer;
  if (round % 2 === 0) return null;
  const release = await service.post(`${path}/release`, proof);
  if (release.status === 200) told.note('released', lease);
  return release.status === 200 || release.status === 410 ? null : release;
}

/** The whole log, oldest first. */
export async function readLog(service: ServiceProcess): Promise<EventSeen[]> {
  const log: EventSeen[] = [];
  for (;;) {
    const path = `/api/events?order=asc&limit=1000&cursor=${log.at(-1)?.seq ?? 0}`;
    const page = await service.get<{ events: EventSeen[]; next_cursor: string | null }>(path);
    expect(page.status).toBe(200);
    log.push(...page.body.events);
    if (page.body.next_cursor === null) return log;
  }
}

/** Everything acknowledged is in the log once, the log is sound, and the service shows what it says. Returns it. */
export async function checkLog(service: ServiceProcess, told: Told): Promise<EventSeen[]> {
  const log = await readLog(service);
  const written = countByKey(log);
  const wrong = [...countByKey(told.acknowledged)].filter(([key, times]) => written.get(key) !== times);
  expect(wrong).toEqual([]);
  expect(log.map(({ seq }) => seq)).toEqual(log.map((_, index) => index + 1));
  const live = liveLeases(log);
  const { body } = await service.get<{ tokens: TokenSeen[] }>('/api/tokens/active?limit=10000');
  const now = Date.now();
  for (const { id, user_id, fence, expires_at } of body.tokens) {
    expect(live.get(id)).toMatchObject({ user_id, fence, expires_at });
  }
  // What the log had live is shown, unless it ran out between the two looks.
  const shown = new Set(body.tokens.map(({ id }) => id));
  const hidden = [...live.values()].filter(({ token_id }) => !shown.has(token_id!));
  expect(hidden.filter(({ expires_at }) => Date.parse(expires_at!) > now)).toEqual([]);
  return log;
}

const ofLeases: ReadonlySet<string> = new Set(['activated', 'renewed', 'released', 'expired']);

/** By token: the fact that made its live lease what it is. Fails where a token would have two [I1][I3][I5]. */
function liveLeases(log: readonly EventSeen[]): Map<string, EventSeen> {
  const live = new Map<string, EventSeen>();
  for (const event of log) {
    // What is of a token alone, and not of a lease, changes none.
    if (event.token_id === null || !ofLeases.has(event.type)) continue;
    const lease = live.get(event.token_id);
    if (event.type === 'activated') {
      expect(lease).toBeUndefined();
      expect(event.fence).toBe(event.seq);
    } else expect(event.fence).toBe(lease?.fence);
    if (event.type === 'expired') {
      expect(event.expires_at).toBe(lease?.expires_at);
      expect(event.at >= event.expires_at!).toBe(true);
    }
    if (event.type === 'activated' || event.type === 'renewed') live.set(event.token_id, event);
    else live.delete(event.token_id);
  }
  return live;
}

function countByKey(facts: readonly Acknowledged[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const fact of facts) counts.set(keyOf(fact), (counts.get(keyOf(fact)) ?? 0) + 1);
  return counts;
}

const keyOf = ({ type, token_id, user_id, fence, expires_at }: Acknowledged): string =>
  [type, token_id, user_id, fence, expires_at].join(' ');
