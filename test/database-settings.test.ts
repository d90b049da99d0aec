/** A Postgres whose own settings are odd: how it writes instants is its affair, what they are is not. */
import postgres from 'postgres';
import { expect, it, onTestFinished } from 'vitest';
import { freshPostgres } from './support/databases.ts';
import { type ServiceProcess, startService } from './support/process.ts';
import { type LeaseSeen, readLog } from './support/told.ts';

interface TokenSeen {
  status: string;
  activated_at: string;
  expires_at: string;
  history: { activated_at: string; ended_at: string | null }[];
}

/** A superuser's connection to a database that greets every session with these settings. */
async function oddDatabase(settings: Record<string, string>) {
  const databaseUrl = await freshPostgres();
  const name = new URL(databaseUrl).pathname.slice(1);
  const client = postgres(databaseUrl, { max: 1 });
  onTestFinished(() => client.end({ timeout: 0 }));
  for (const [setting, value] of Object.entries(settings)) {
    await client.unsafe(`alter database ${name} set ${setting} = '${value}'`);
  }
  return { client, where: { databaseUrl, dataDir: '' } };
}

async function allocate(service: ServiceProcess, userId: string) {
  const ask = { user_id: userId, ttl_ms: 600_001 };
  return (await service.post<LeaseSeen & { activated_at: string }>('/api/tokens/allocate', ask)).body;
}

const tokenOf = async (service: ServiceProcess, { token_id }: LeaseSeen) =>
  (await service.get<TokenSeen>(`/api/tokens/${token_id}`)).body;

it.each([
  ['SQL, DMY', 'Asia/Kathmandu'],
  ['German', 'America/St_Johns'],
  ['Postgres, MDY', 'Pacific/Chatham'],
])(
  'keeps every instant to the millisecond where DateStyle is %s and TimeZone %s',
  async (DateStyle, TimeZone) => {
    const { client, where } = await oddDatabase({ DateStyle, TimeZone });
    const first = await startService(where);
    const [ada, bob] = [await allocate(first, 'ada'), await allocate(first, 'bob')];
    const proof = { lease_id: ada.lease_id };
    expect((await first.post(`/api/tokens/${ada.token_id}/release`, proof)).status).toBe(200);
    const log = await readLog(first);
    const [opened, granted, , released] = log;
    expect(granted).toMatchObject({ at: ada.activated_at, expires_at: ada.expires_at });
    const held = { status: 'active', activated_at: bob.activated_at, expires_at: bob.expires_at };
    const shown = await tokenOf(first, bob);
    expect(shown).toMatchObject({ ...held, history: [{ activated_at: bob.activated_at, ended_at: null }] });
    const ended = await tokenOf(first, ada);
    expect(ended.history).toMatchObject([{ activated_at: ada.activated_at, ended_at: released!.at }]);
    expect(released!.at >= ada.activated_at && opened!.at <= ada.activated_at).toBe(true);
    const late = await first.post(`/api/tokens/${ada.token_id}/keep-alive`, proof);
    expect(late).toMatchObject({ status: 410, body: { ended_at: released!.at } });
    expect(await first.stop()).toEqual({ code: 0, signal: null });

    const again = await startService(where);
    expect(await tokenOf(again, bob)).toMatchObject(held);
    expect((await tokenOf(again, ada)).history).toEqual(ended.history);
    expect((await readLog(again)).slice(0, log.length)).toEqual(log);
    // What the database itself has, whatever way it writes it.
    const [stored] = await client<{ ms: string }[]>`
    select (extract(epoch from expires_at) * 1000)::bigint as ms from tokens where id = ${bob.token_id}`;
    expect(Number(stored!.ms)).toBe(Date.parse(bob.expires_at));
  },
);
