/**
 * The one statement of a commit: facts into `token_events`, and what they leave behind into `tokens`. One
 * statement is one transaction, and one parameter a table keeps it prepared whatever the number of facts.
 */
import { and, eq, sql } from 'drizzle-orm';
import { evolve } from '../lease/evolve.ts';
import type { TokenState } from '../lease/lease.ts';
import { loggedFact } from './chain.ts';
import type { Drizzle } from './database.ts';
import { insertKeyed } from './keyed.ts';
import { tokenEvents, tokens } from './schema.ts';
import type { Entries, SealedFact, Store } from './store.ts';

/** Milliseconds, as a number of the JSON parameter, to an instant. */
const toInstant = (column: string) => sql.raw(`to_timestamp(${column} / 1000)`);

export function prepareAppend(db: Drizzle, pool: string): Store['append'] {
  const facts = prepareFacts(db, pool, false);
  const factsAndOutcomes = prepareFacts(db, pool, true);
  const outcomes = insertKeyed(db, pool, {
    onlyIf: sql`not exists (
      select from ${tokenEvents}
      where ${tokenEvents.pool} = ${pool} and ${tokenEvents.seq} > ${sql.placeholder('lastSeq')}::bigint)`,
  }).prepare('append_outcomes');
  return async (entries, lastSeq) => {
    if (entries.facts.length > 0) {
      await (entries.outcomes.length > 0 ? factsAndOutcomes : facts).execute(parametersOf(entries));
    } else if (entries.outcomes.length > 0) {
      await outcomes.execute({ outcomes: JSON.stringify(entries.outcomes), lastSeq });
    }
  };
}

function prepareFacts(db: Drizzle, pool: string, withOutcomes: boolean) {
  const recorded = db.$with('recorded').as(
    db
      .insert(tokenEvents)
      .select(
        sql`select ${pool}::text, seq, token_id, type, reason, user_id, lease_id, fence,
              ${toInstant('at')}, ${toInstant('expires_at')}, metadata, digest
            from json_to_recordset(${sql.placeholder('facts')}::text::json) as fact(
              seq bigint, token_id uuid, type text, reason text, user_id text, lease_id uuid, fence bigint,
              at float8, expires_at float8, metadata jsonb, digest text)`,
      )
      .returning({ seq: tokenEvents.seq }),
  );
  const kept = db.$with('kept').as(insertKeyed(db, pool).returning({ key: sql`key`.as('key') }));
  return db
    .with(...(withOutcomes ? [recorded, kept] : [recorded]))
    .update(tokens)
    .set({
      status: sql`state.status`,
      userId: sql`state.user_id`,
      leaseId: sql`state.lease_id`,
      fence: sql`state.fence`,
      activatedAt: sql`${toInstant('state.activated_at')}`,
      expiresAt: sql`${toInstant('state.expires_at')}`,
      ttlMs: sql`state.ttl_ms`,
      metadata: sql`state.metadata`,
      seq: sql`state.seq`,
    })
    .from(
      sql`json_to_recordset(${sql.placeholder('states')}::text::json) as state(
            token_id uuid, seq bigint, status text, user_id text, lease_id uuid, fence bigint,
            activated_at float8, expires_at float8, ttl_ms bigint, metadata jsonb)`,
    )
    .where(and(eq(tokens.pool, pool), eq(tokens.id, sql`state.token_id`)))
    .prepare(withOutcomes ? 'append_facts_and_outcomes' : 'append_facts');
}

function parametersOf({ facts, outcomes }: Entries): Record<string, string> {
  const states = new Map<string, TokenState>();
  for (const fact of facts) states.set(fact.tokenId, evolve(fact));
  return {
    facts: JSON.stringify(facts.map(factRow)),
    states: JSON.stringify(Array.from(states.values(), stateRow)),
    outcomes: JSON.stringify(outcomes),
  };
}

function factRow(fact: SealedFact) {
  const { seq, tokenId, type, reason, userId, leaseId, fence, at, expiresAt, metadata } = loggedFact(fact);
  return {
    seq,
    token_id: tokenId,
    type,
    reason,
    user_id: userId,
    lease_id: leaseId,
    fence,
    at,
    expires_at: expiresAt,
    metadata,
    digest: fact.digest,
  };
}

const stateRow = ({ tokenId, lease, seq }: TokenState) => ({
  token_id: tokenId,
  seq,
  status: lease ? 'active' : 'available',
  user_id: lease?.userId,
  lease_id: lease?.leaseId,
  fence: lease?.fence,
  activated_at: lease?.activatedAt,
  expires_at: lease?.expiresAt,
  ttl_ms: lease?.ttlMs,
  metadata: lease?.metadata,
});
