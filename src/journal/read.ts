/** Reading the log: pages of facts and of leases, newest or oldest first, each by an index. */
import { aliasedTable, and, asc, desc, eq, gt, inArray, lt, sql } from 'drizzle-orm';
import { type AnyPgColumn, unionAll } from 'drizzle-orm/pg-core';
import type { Proof } from '../lease/command.ts';
import { endedAt } from '../lease/evolve.ts';
import type {
  Ending,
  FactFilter,
  FactView,
  LeaseView,
  OrderedPage,
  Page,
  PastLease,
  TokenView,
} from '../lease/view.ts';
import type { Drizzle } from './database.ts';
import { isKept } from './pruning.ts';
import { prunedTokens, tokenEvents, tokens } from './schema.ts';
import { tokenState } from './token-state.ts';

const publicColumns = {
  seq: tokenEvents.seq,
  tokenId: tokenEvents.tokenId,
  type: tokenEvents.type,
  reason: tokenEvents.reason,
  userId: tokenEvents.userId,
  fence: tokenEvents.fence,
  at: tokenEvents.at,
  expiresAt: tokenEvents.expiresAt,
  metadata: tokenEvents.metadata,
};

export function readFacts(
  db: Drizzle,
  pool: string,
  filter: FactFilter,
  page: OrderedPage,
): Promise<FactView[]> {
  const { seq } = tokenEvents;
  return db
    .select(publicColumns)
    .from(tokenEvents)
    .where(
      and(
        eq(tokenEvents.pool, pool),
        isKept(pool),
        filter.tokenId === undefined ? undefined : eq(tokenEvents.tokenId, filter.tokenId),
        filter.type === undefined ? undefined : eq(tokenEvents.type, filter.type),
        filter.userId === undefined ? undefined : eq(tokenEvents.userId, filter.userId),
        page.cursor === undefined
          ? undefined
          : page.order === 'asc'
            ? gt(seq, page.cursor)
            : lt(seq, page.cursor),
      ),
    )
    .orderBy(page.order === 'asc' ? asc(seq) : desc(seq))
    .limit(page.limit);
}

/** A token, if it is there, and its newest leases, both of one moment. */
export function readToken(
  db: Drizzle,
  pool: string,
  tokenId: string,
  limit: number,
): Promise<{ token: TokenView; history: LeaseView[] } | null> {
  return db.transaction(
    async (tx) => {
      const [row] = await tx
        .select()
        .from(tokens)
        .where(and(eq(tokens.pool, pool), eq(tokens.id, tokenId)));
      if (row === undefined) return null;
      const { seq: _, ...token } = tokenState(row);
      return { token, history: await readHistory(tx, pool, tokenId, { limit }) };
    },
    { isolationLevel: 'repeatable read', accessMode: 'read only' },
  );
}

/** The leases of a token, newest first. A lease ended with the first ending after its grant. */
export async function readHistory(
  db: Drizzle,
  pool: string,
  tokenId: string,
  page: Page,
): Promise<LeaseView[]> {
  const ending = aliasedTable(tokenEvents, 'ending');
  const grants = readGrants(db, pool, tokenId, page).as('grants');
  const end = db
    .select({ type: ending.type, reason: ending.reason, at: ending.at, expiresAt: ending.expiresAt })
    .from(ending)
    .where(
      and(
        eq(ending.pool, pool),
        eq(ending.tokenId, tokenId),
        gt(ending.seq, grants.seq),
        inArray(ending.type, ['released', 'expired']),
      ),
    )
    .orderBy(asc(ending.seq))
    .limit(1)
    .as('lease_end');
  const rows = await db
    .select({
      seq: grants.seq,
      userId: grants.userId,
      activatedAt: grants.activatedAt,
      end: { type: end.type, reason: end.reason, at: end.at, expiresAt: end.expiresAt },
    })
    .from(grants)
    .leftJoinLateral(end, sql`true`)
    .orderBy(desc(grants.seq))
    .limit(page.limit);
  return rows.map(({ seq, userId, activatedAt, end }) => ({
    seq: seq!,
    userId: userId!,
    activatedAt: activatedAt!,
    endedAt: end && endedAt({ type: end.type, at: end.at, expiresAt: end.expiresAt! }),
    endReason: (end?.reason ?? null) as LeaseView['endReason'],
  }));
}

/** The newest grants of a token, and with them the one that has been pruned of a lease that outlasted it. */
function readGrants(db: Drizzle, pool: string, tokenId: string, { limit, cursor }: Page) {
  const beyond = (seq: AnyPgColumn) => (cursor === undefined ? undefined : lt(seq, cursor));
  const kept = db
    .select({ seq: tokenEvents.seq, userId: tokenEvents.userId, activatedAt: tokenEvents.at })
    .from(tokenEvents)
    .where(
      and(
        eq(tokenEvents.pool, pool),
        isKept(pool),
        eq(tokenEvents.tokenId, tokenId),
        eq(tokenEvents.type, 'activated'),
        beyond(tokenEvents.seq),
      ),
    )
    .orderBy(desc(tokenEvents.seq))
    .limit(limit);
  const { fence, userId, activatedAt } = prunedTokens;
  const pruned = db
    .select({ seq: fence, userId, activatedAt })
    .from(prunedTokens)
    .where(
      and(
        eq(prunedTokens.pool, pool),
        eq(prunedTokens.id, tokenId),
        eq(prunedTokens.status, 'active'),
        beyond(fence),
      ),
    );
  return unionAll(pruned, kept);
}

/** How the newest lease of the token that fits the proof ended; null if none that fits has. */
export async function readEnding(
  db: Drizzle,
  pool: string,
  tokenId: string,
  { leaseId, userId }: Proof,
): Promise<Ending | null> {
  const [row] = await db
    .select()
    .from(tokenEvents)
    .where(
      and(
        eq(tokenEvents.pool, pool),
        eq(tokenEvents.tokenId, tokenId),
        // By its id there is one at most, and the fewer conditions, the surer the index on lease ids is chosen.
        leaseId === undefined ? isKept(pool) : eq(tokenEvents.leaseId, leaseId),
        userId === undefined ? undefined : eq(tokenEvents.userId, userId),
        // Written as in the index on lease ids, which serves only a query that says the same.
        sql`${tokenEvents.type} in ('released', 'expired')`,
      ),
    )
    .orderBy(desc(tokenEvents.seq))
    .limit(1);
  return (
    (row && {
      reason: row.reason as Ending['reason'],
      endedAt: endedAt({ type: row.type, at: row.at, expiresAt: row.expiresAt! }),
    }) ??
    null
  );
}

/** By the index on the endings of leases, and then by the numbers that it says: the log may be as long as it likes. */
export async function readPastLease(
  db: Drizzle,
  within: string | null,
  leaseId: string,
): Promise<PastLease | null> {
  const [end] = await db
    .select()
    .from(tokenEvents)
    .where(
      and(
        eq(tokenEvents.leaseId, leaseId),
        within === null ? undefined : eq(tokenEvents.pool, within),
        sql`${tokenEvents.type} in ('released', 'expired')`,
      ),
    )
    .orderBy(asc(tokenEvents.seq))
    .limit(1);
  if (end === undefined || end.tokenId === null) return null;
  const { pool, tokenId, userId, fence, expiresAt } = end;
  const [grant] = await readGrants(db, pool, tokenId, { limit: 1, cursor: fence! + 1 });
  const [next] = await db
    .select({ userId: tokenEvents.userId, fence: tokenEvents.fence, activatedAt: tokenEvents.at })
    .from(tokenEvents)
    .where(
      and(
        eq(tokenEvents.pool, pool),
        eq(tokenEvents.tokenId, tokenId),
        eq(tokenEvents.type, 'activated'),
        gt(tokenEvents.seq, end.seq),
      ),
    )
    .orderBy(asc(tokenEvents.seq))
    .limit(1);
  return {
    pool,
    tokenId,
    userId: userId!,
    fence: fence!,
    activatedAt: grant?.seq === fence ? grant!.activatedAt : null,
    expiresAt: expiresAt!,
    endedAt: endedAt({ type: end.type, at: end.at, expiresAt: expiresAt! }),
    endReason: end.reason as PastLease['endReason'],
    next: next === undefined ? null : { ...next, userId: next.userId!, fence: next.fence! },
  };
}
