/** What one answer shows is of one moment, however much happens while it is read. */
import { expect, it } from 'vitest';
import { type DatabaseKind, databaseKinds, freshDatabase } from './support/databases.ts';
import { pause, type ServiceProcess, startService, until } from './support/process.ts';
import { checkLog, type LeaseSeen, Told } from './support/told.ts';

const reads: Record<DatabaseKind, number> = { postgres: 600, pglite: 200 };

interface TokenSeen {
  id: string;
  status: 'available' | 'active';
  user_id: string | null;
  activated_at: string | null;
  history: { user_id: string; activated_at: string; ended_at: string | null; end_reason: string | null }[];
}

/** The token says of itself what its newest lease says of it. */
function expectOneMoment({ status, user_id, activated_at, history }: TokenSeen): void {
  const [newest, ...older] = history;
  if (status === 'active') {
    expect(newest).toEqual({ user_id, activated_at, ended_at: null, end_reason: null });
  } else if (newest) expect(newest.ended_at).not.toBeNull();
  expect(older.filter(({ ended_at }) => ended_at === null)).toEqual([]);
}

/** Reads the tokens in turn; gives how often each status was seen. */
async function readTokens(
  service: ServiceProcess,
  ids: readonly string[],
  reads: number,
): Promise<Record<TokenSeen['status'], number>> {
  const seen = { available: 0, active: 0 };
  for (let read = 0; read < reads; read++) {
    const { status, body } = await service.get<TokenSeen>(`/api/tokens/${ids[read % ids.length]}`);
    expect(status).toBe(200);
    expectOneMoment(body);
    seen[body.status]++;
  }
  return seen;
}

/** Takes tokens and gives them back, with breaks in which one is free now and then. */
async function takeTokens(
  service: ServiceProcess,
  userId: string,
  told: Told,
  going: () => boolean,
): Promise<void> {
  for (let round = 0; going(); round++) {
    const grant = await service.post<LeaseSeen>('/api/tokens/allocate', { user_id: userId });
    expect(grant.status).toBe(200);
    told.note('activated', grant.body);
    const { token_id, lease_id } = grant.body;
    const release = await service.post(`/api/tokens/${token_id}/release`, { lease_id });
    // It may have been evicted meanwhile.
    if (release.status === 200) told.note('released', grant.body);
    else expect(release.status).toBe(410);
    await pause((round % 4) * 20);
  }
}

it.each(databaseKinds)('shows a token and its history as of one moment under load on %s', async (kind) => {
  const service = await startService(await freshDatabase(kind), { POOL_SIZE: '2' });
  const { body } = await service.get<{ tokens: { id: string }[] }>('/api/tokens');
  const ids = body.tokens.map(({ id }) => id);
  const told = new Told();
  let done = false;
  const users = Array.from({ length: 8 }, (_, index) =>
    takeTokens(service, `user ${index}`, told, () => !done),
  );
  await until('there is something to see', () => told.acknowledged.length > 50);
  const reading = readTokens(service, ids, reads[kind]).finally(() => {
    done = true;
  });
  const [seen] = await Promise.all([reading, ...users]);
  // Both were there to be seen.
  expect(Math.min(seen.active, seen.available)).toBeGreaterThan(reads[kind] / 20);
  await checkLog(service, told);
});
