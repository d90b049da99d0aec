/** The log and the tokens as the database has them, by SQL of this file's own: the service is not asked about itself. */
import { join } from 'node:path';
import { PGlite } from '@electric-sql/pglite';
import postgres from 'postgres';
import type { Where } from '../support/databases.ts';
import type { LoggedFact, Snapshot, TokenRow } from './history.ts';

type Query = (text: string) => Promise<Record<string, unknown>[]>;

/** Of one moment. An embedded database must have nobody else who has it open. */
export async function readSnapshot({ databaseUrl, dataDir }: Where, pool = 'default'): Promise<Snapshot> {
  return databaseUrl ? readPostgres(databaseUrl, pool) : readPGlite(dataDir, pool);
}

async function readPostgres(url: string, pool: string): Promise<Snapshot> {
  const client = postgres(url, { max: 1, onnotice: () => {} });
  try {
    return (await client.begin('isolation level repeatable read read only', (transaction) =>
      read((text) => transaction.unsafe(text), pool),
    )) as Snapshot;
  } finally {
    await client.end();
  }
}

async function readPGlite(folder: string, pool: string): Promise<Snapshot> {
  const database = await PGlite.create(join(folder, 'pglite'));
  try {
    return await read(async (text) => (await database.query<Record<string, unknown>>(text)).rows, pool);
  } finally {
    await database.close();
  }
}

const ms = (column: string, name: string) => `round(extract(epoch from ${column}) * 1000)::float8 as ${name}`;
const state = `id, fence::float8 as fence, user_id, ${ms('expires_at', 'expires_at')}, seq::float8 as seq`;

async function read(query: Query, pool: string): Promise<Snapshot> {
  const pools = await query(`select pruned_seq::float8 as floor from pools where pool = '${pool}'`);
  const log = await query(`
    select seq::float8 as seq, type, reason, token_id, user_id, fence::float8 as fence,
           ${ms('at', 'at')}, ${ms('expires_at', 'expires_at')}
    from token_events where pool = '${pool}' order by token_events.seq`);
  const tokens = await query(`select ordinal, ${state} from tokens where pool = '${pool}' order by ordinal`);
  const pruned = await query(`select 0 as ordinal, ${state} from pruned_tokens where pool = '${pool}'`);
  return {
    log: log.map(factOf),
    tokens: tokens.map(tokenOf),
    floor: (pools[0]?.floor as number | undefined) ?? 0,
    floorTokens: pruned.map(tokenOf),
  };
}

const factOf = (row: Record<string, unknown>): LoggedFact =>
  ({
    seq: row.seq,
    type: row.type,
    reason: row.reason,
    tokenId: row.token_id,
    userId: row.user_id,
    fence: row.fence,
    at: row.at,
    expiresAt: row.expires_at,
  }) as LoggedFact;

const tokenOf = (row: Record<string, unknown>): TokenRow =>
  ({
    id: row.id,
    ordinal: row.ordinal,
    fence: row.fence,
    userId: row.user_id,
    expiresAt: row.expires_at,
    seq: row.seq,
  }) as TokenRow;
