/**
 * The one statement of a commit: facts of any pools into `token_events`, and what they leave behind into `tokens` and
 * `pools`. One statement is one transaction, and one parameter a table keeps it prepared whatever the number of facts.
 * All of it is written by the number of this process's opening, or not at all.
 */
import { type SQL, sql } from 'drizzle-orm';
import { statusOf, type TokenState } from '../lease/lease.ts';
import type { Drizzle } from './database.ts';
import { insertKeyed } from './keyed.ts';
import { openings, pastTokens, pools, tokenEvents, tokens } from './schema.ts';
import {
  Conflict,
  type Entries,
  type NewToken,
  type PastToken,
  type PoolState,
  type SealedFact,
} from './store.ts';
import { storedOptions } from './stored-options.ts';

/** Milliseconds, as a number of the JSON parameter, to an instant. */
const toInstant = (column: string) => sql.raw(`to_timestamp(${column} / 1000)`);

/** The rows of a placeholder. */
const rows = (name: string, columns: string) =>
  sql`json_to_recordset(${sql.placeholder(name)}::text::json) as ${sql.raw(`${name}(${columns})`)}`;

/**
 * The row of the opening that this is written by, if it is the newest: nobody can open the pools until this is
 * written, and what waits here for somebody who does finds none.
 */
const guard = sql`select from ${openings} where ${openings.number} = ${sql.placeholder('opening')}::bigint for share`;
const isNewest = sql`exists (select from guard)`;

const factColumns = `pool text, seq bigint, token_id uuid, type text, reason text, user_id text, lease_id uuid, fence bigint,
  at float8, expires_at float8, metadata jsonb, digest text`;
const leaseColumns = `status text, user_id text, lease_id uuid, fence bigint, activated_at float8, expires_at float8,
  ttl_ms bigint, metadata jsonb, rests_until float8, kept_until float8, withdrawn boolean, withdrawn_note text, seq bigint`;
const leaseNames = leaseColumns.split(',').map((column) => column.trim().split(' ')[0]!);
const asColumn = (table: string) => (column: string) => {
  if (column === 'withdrawn') return `coalesce(${table}.withdrawn, false)`;
  return /_at$|_until$/.test(column) ? `to_timestamp(${table}.${column} / 1000)` : `${table}.${column}`;
};

const recorded = sql`
  insert into ${tokenEvents} (pool, seq, token_id, type, reason, user_id, lease_id, fence, at, expires_at, metadata, digest)
  select pool, seq, token_id, type, reason, user_id, lease_id, fence,
    ${toInstant('at')}, ${toInstant('expires_at')}, metadata, digest
  from ${rows('facts', factColumns)} where ${isNewest}`;

const moved = sql`
  update ${tokens} set ${sql.raw(leaseNames.map((name) => `${name} = ${asColumn('states')(name)}`).join(', '))}
  from ${rows('states', `pool text, id uuid, ${leaseColumns}`)}
  where tokens.pool = states.pool and tokens.id = states.id and ${isNewest}`;

const made = sql`
  insert into ${tokens} (pool, id, ordinal, made_seq, name, labels, ${sql.raw(leaseNames.join(', '))})
  select pool, id, ordinal, made_seq, name, labels, ${sql.raw(leaseNames.map(asColumn('made_tokens')).join(', '))}
  from ${rows('made_tokens', `pool text, id uuid, ordinal bigint, made_seq bigint, name text, labels jsonb, ${leaseColumns}`)}
  where ${isNewest}`;

const gone = sql`
  delete from ${tokens} using ${rows('gone_tokens', 'pool text, id uuid')}
  where tokens.pool = gone_tokens.pool and tokens.id = gone_tokens.id and ${isNewest}`;

const cleared = sql`
  delete from ${tokens} using ${rows('closed_pools', 'pool text')}
  where tokens.pool = closed_pools.pool and ${isNewest}`;

const remembered = sql`
  insert into ${pastTokens} (pool, id, name, labels, ordinal, made_seq, gone_seq)
  select pool, id, name, labels, ordinal, made_seq, gone_seq
  from ${rows('past_tokens', 'pool text, id uuid, name text, labels jsonb, ordinal bigint, made_seq bigint, gone_seq bigint')}
  where ${isNewest}`;

const known = sql`
  insert into ${pools} (pool, opened_seq, options, closed, tokens_digest, last_ordinal, chain_seq, chain_digest)
  select pool, opened_seq, options, closed, tokens_digest, last_ordinal, 0, ''
  from ${rows('pool_states', 'pool text, opened_seq bigint, options jsonb, closed boolean, tokens_digest text, last_ordinal bigint')}
  where ${isNewest}
  on conflict (pool) do update set opened_seq = excluded.opened_seq, options = excluded.options,
    closed = excluded.closed, tokens_digest = excluded.tokens_digest, last_ordinal = excluded.last_ordinal`;

/** Appends as `Store` promises. */
export function prepareAppend(db: Drizzle): (entries: Entries, opening: number) => Promise<void> {
  const prepare = (name: string, parts: Record<string, SQL>) => {
    const named = Object.entries(parts).map(([part, statement]) => db.$with(part, {}).as(statement));
    return db
      .with(db.$with('guard', {}).as(guard), ...named)
      .select({ openings: sql`count(*)`.mapWith(Number) })
      .from(sql`guard`)
      .prepare(name);
  };
  const outcomes = insertKeyed(
    rows('outcomes', 'pool text, key text, fingerprint text, outcome jsonb, at float8'),
    isNewest,
  );
  const facts = { recorded, moved };
  const append = {
    nothing: prepare('append_nothing', {}),
    outcomes: prepare('append_outcomes', { kept: outcomes.ifNotKept }),
    facts: prepare('append_facts', facts),
    factsAndOutcomes: prepare('append_facts_and_outcomes', { ...facts, kept: outcomes.anyway }),
    all: prepare('append_all', { ...facts, kept: outcomes.anyway, made, gone, cleared, remembered, known }),
  };
  const statementFor = ({ facts, outcomes, pools }: Entries) => {
    if (pools.length > 0) return append.all;
    if (facts.length > 0) return outcomes.length > 0 ? append.factsAndOutcomes : append.facts;
    return outcomes.length > 0 ? append.outcomes : append.nothing;
  };
  return async (entries, opening) => {
    const [row] = await statementFor(entries).execute({ opening, ...parametersOf(entries) });
    if (row!.openings === 0) throw new Conflict('another process has opened the pools');
  };
}

function parametersOf(entries: Entries): Record<string, string> {
  const states = statesAfter(entries.facts);
  const made = entries.pools.length > 0 ? takeMade(entries.tokens, states) : [];
  const left: StateRow[] = [];
  const gone: { pool: string; id: string }[] = [];
  for (const fact of states.values()) {
    const { pool, after } = fact;
    if (after) left.push(stateRow(pool, fact.seq, after));
    else gone.push({ pool, id: fact.tokenId! });
  }
  const parameters = {
    facts: JSON.stringify(entries.facts.map(factRow)),
    states: JSON.stringify(left),
    outcomes: JSON.stringify(entries.outcomes),
  };
  if (entries.pools.length === 0) return parameters;
  return {
    ...parameters,
    made_tokens: JSON.stringify(made),
    gone_tokens: JSON.stringify(gone),
    closed_pools: JSON.stringify(
      entries.facts.filter(({ type }) => type === 'closed').map(({ pool }) => ({ pool })),
    ),
    past_tokens: JSON.stringify(entries.gone.map(pastRow)),
    pool_states: JSON.stringify(entries.pools.map(poolRow)),
  };
}

/** The newest fact of each token that is not gone with its pool, by pool and token. */
function statesAfter(facts: readonly SealedFact[]): Map<string, SealedFact> {
  const states = new Map<string, SealedFact>();
  for (const fact of facts) {
    if (fact.tokenId !== null) states.set(fact.pool + fact.tokenId, fact);
    else if (fact.type === 'closed')
      for (const [key, { pool }] of states) if (pool === fact.pool) states.delete(key);
  }
  return states;
}

/** The rows of those that are made and not gone again; their states are taken out of `states`. */
function takeMade(tokens: readonly NewToken[], states: Map<string, SealedFact>) {
  const made = [];
  for (const { pool, tokenId, ordinal, madeSeq, name, labels } of tokens) {
    const key = pool + tokenId;
    const newest = states.get(key);
    const traits = { ordinal, made_seq: madeSeq, name, labels };
    if (newest === undefined) {
      made.push({ pool, id: tokenId, seq: 0, status: 'available', ...traits });
      continue;
    }
    states.delete(key);
    if (newest.after) made.push({ ...stateRow(pool, newest.seq, newest.after), ...traits });
  }
  return made;
}

function factRow({ pool, seq, tokenId, type, reason, userId, leaseId, fence, ...fact }: SealedFact) {
  return {
    pool,
    seq,
    token_id: tokenId,
    type,
    reason,
    user_id: userId,
    lease_id: leaseId,
    fence,
    at: fact.at,
    expires_at: fact.expiresAt,
    metadata: fact.metadata ?? undefined,
    digest: fact.digest,
  };
}

type StateRow = ReturnType<typeof stateRow>;

/** Of what is not there, nothing is said: what is written is read again. */
function stateRow(pool: string, seq: number, state: Omit<TokenState, 'seq'>) {
  const { tokenId, lease, withdrawn } = state;
  return {
    pool,
    id: tokenId,
    seq,
    status: statusOf(state),
    user_id: lease?.userId,
    lease_id: lease?.leaseId,
    fence: lease?.fence,
    activated_at: lease?.activatedAt,
    expires_at: lease?.expiresAt,
    ttl_ms: lease?.ttlMs,
    metadata: lease?.metadata ?? undefined,
    rests_until: state.restsUntil ?? undefined,
    kept_until: state.keptUntil ?? undefined,
    withdrawn: withdrawn !== null || undefined,
    withdrawn_note: withdrawn?.note,
  };
}

const pastRow = ({ pool, tokenId, name, labels, ordinal, madeSeq, goneSeq }: PastToken) => ({
  pool,
  id: tokenId,
  name,
  labels,
  ordinal,
  made_seq: madeSeq,
  gone_seq: goneSeq,
});

const poolRow = ({ pool, openedSeq, options, tokensDigest, lastOrdinal }: PoolState) => ({
  pool,
  opened_seq: openedSeq,
  options: options && storedOptions(options),
  closed: options === null,
  tokens_digest: tokensDigest,
  last_ordinal: lastOrdinal,
});
