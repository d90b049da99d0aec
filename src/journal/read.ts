/** Reading the log: pages of facts and of leases, newest or oldest first, each by an index. */
import { aliasedTable, and, asc, desc, eq, gt, inArray, lt, sql } from 'drizzle-orm';
import type { Proof } from '../lease/command.ts';
import { endedAt } from '../lease/evolve.ts';
import type { Ending, FactFilter, FactView, LeaseView, OrderedPage, Page, TokenView } from '../lease/view.ts';
import type { Drizzle } from './database.ts';
import { tokenState } from './opening.ts';
import { tokenEvents, tokens } from './schema.ts';

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

/** A token that is there, and its newest leases, both of one moment. */
export function readToken(
  db: Drizzle,
  pool: string,
  tokenId: string,
  limit: number,
): Promise<{ token: TokenView; history: LeaseView[] }> {
  return db.transaction(
    async (tx) => {
      const [row] = await tx
        .select()
        .from(tokens)
        .where(and(eq(tokens.pool, pool), eq(tokens.id, tokenId)));
      return { token: tokenState(row!), history: await readHistory(tx, pool, tokenId, { limit }) };
    },
    { isolationLevel: 'repeatable read', accessMode: 'read only' },
  );
}

/** The leases of a token, newest first. A lease ended with the first ending after its grant. */
export async function readHistory(
  db: Drizzle,
  pool: string,
  tokenId: string,
  { limit, cursor }: Page,
): Promise<LeaseView[]> {
  const ending = aliasedTable(tokenEvents, 'ending');
  const end = db
    .select({ type: ending.type, reason: ending.reason, at: ending.at, expiresAt: ending.expiresAt })
    .from(ending)
    .where(
      and(
        eq(ending.pool, pool),
        eq(ending.tokenId, tokenId),
        gt(ending.seq, tokenEvents.seq),
        inArray(ending.type, ['released', 'expired']),
      ),
    )
    .orderBy(asc(ending.seq))
    .limit(1)
    .as('lease_end');
  const rows = await db
    .select({
      seq: tokenEvents.seq,
      userId: tokenEvents.userId,
      activatedAt: tokenEvents.at,
      end: { type: end.type, reason: end.reason, at: end.at, expiresAt: end.expiresAt },
    })
    .from(tokenEvents)
    .leftJoinLateral(end, sql`true`)
    .where(
      and(
        eq(tokenEvents.pool, pool),
        eq(tokenEvents.tokenId, tokenId),
        eq(tokenEvents.type, 'activated'),
        cursor === undefined ? undefined : lt(tokenEvents.seq, cursor),
      ),
    )
    .orderBy(desc(tokenEvents.seq))
    .limit(limit);
  return rows.map(({ seq, userId, activatedAt, end }) => ({
    seq,
    userId: userId!,
    activatedAt,
    endedAt: end && endedAt({ type: end.type, at: end.at, expiresAt: end.expiresAt! }),
    endReason: (end?.reason ?? null) as LeaseView['endReason'],
  }));
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
        leaseId === undefined ? undefined : eq(tokenEvents.leaseId, leaseId),
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
