/**
 * The one statement of a commit: facts into `token_events`, and what they leave behind into `tokens`. One
 * statement is one transaction, and one parameter a table keeps it prepared whatever the number of facts.
 */
import { and, eq, sql } from 'drizzle-orm';
import { evolve } from '../lease/evolve.ts';
import type { Fact } from '../lease/fact.ts';
import type { TokenState } from '../lease/lease.ts';
import type { Drizzle } from './database.ts';
import { tokenEvents, tokens } from './schema.ts';

/** Milliseconds, as a number of the JSON parameter, to an instant. */
const toInstant = (column: string) => sql.raw(`to_timestamp(${column} / 1000)`);

export function prepareAppend(db: Drizzle, pool: string): (facts: readonly Fact[]) => Promise<void> {
  const recorded = db.$with('recorded').as(
    db
      .insert(tokenEvents)
      .select(
        sql`select ${pool}::text, seq, token_id, type, reason, user_id, lease_id, fence,
              ${toInstant('at')}, ${toInstant('expires_at')}, metadata
            from json_to_recordset(${sql.placeholder('facts')}::text::json) as fact(
              seq bigint, token_id uuid, type text, reason text, user_id text, lease_id uuid, fence bigint,
              at float8, expires_at float8, metadata jsonb)`,
      )
      .returning({ seq: tokenEvents.seq }),
  );
  const append = db
    .with(recorded)
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
    .prepare('append');

  return async (facts) => {
    const states = new Map<string, TokenState>();
    for (const fact of facts) states.set(fact.tokenId, evolve(fact));
    await append.execute({
      facts: JSON.stringify(facts.map(factRow)),
      states: JSON.stringify(Array.from(states.values(), stateRow)),
    });
  };
}

const factRow = ({ seq, tokenId, type, reason, at, lease }: Fact) => ({
  seq,
  token_id: tokenId,
  type,
  reason,
  user_id: lease.userId,
  lease_id: lease.leaseId,
  fence: lease.fence,
  at,
  expires_at: lease.expiresAt,
  metadata: type === 'activated' ? lease.metadata : null,
});

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
