/** Processes of the earlier version, which knew one pool and counted no openings, on the same database. */
import { sql } from 'drizzle-orm';
import { beforeEach, describe, expect, it } from 'vitest';
import { rootCause } from '../src/cause.ts';
import type { Database } from '../src/journal/database.ts';
import { databaseKinds } from './support/databases.ts';
import { emptyDatabase, logOf, openJournals, requestOf } from './support/journal.ts';
import { foundInAll } from './support/shaped-log.ts';
import { start } from './support/world.ts';

describe.each(databaseKinds)('an earlier version on %s', (kind) => {
  let database: Database;

  beforeEach(async () => {
    database = await emptyDatabase(kind);
  });

  /** Its first statement of an opening, which in a new database leaves its row for the last one. */
  const open = async (seq: number) => {
    const opening = sql`
      insert into token_events (pool, seq, token_id, type, reason, user_id, lease_id, fence, at, expires_at, metadata, digest)
      values ('default', ${seq}, null, 'opened', 'pool_opened', null, null, null, ${new Date(start).toISOString()}, null, null, '')`;
    try {
      await database.db.transaction(async (tx) => {
        await tx.execute(opening);
        await tx.execute(sql`update pools set opened_seq = ${seq} where pool = 'default'`);
      });
    } catch (error) {
      throw rootCause(error);
    }
  };
  /** Its commit, of one token. */
  const append = (seq: number) =>
    database.db.execute(sql`
      with recorded as (
        insert into token_events
        select 'default', ${seq}, id, 'withdrawn', 'maintenance_begun', null, null, null, now(), null, null, ''
        from tokens where pool = 'default' and ordinal = 1 returning seq)
      update tokens set seq = ${seq} from recorded where pool = 'default' and ordinal = 1`);
  const refused = 'a newer version of Leasehold serves this database';

  it('opens no pool, be there one or none', async () => {
    await expect(open(1)).rejects.toThrow(refused);
    const { journal } = await openJournals(database, [requestOf('default'), requestOf('b')]);
    const before = await logOf(database);
    await expect(open(2)).rejects.toThrow(refused);
    await expect(open(3)).rejects.toThrow(refused);
    expect(await logOf(database)).toEqual(before);
    // Whoever serves the pools has not been followed.
    journal.pool('b').appendOfPool({ type: 'closed', at: start });
    await journal.pool('default').confirmed();
    expect(await foundInAll(database)).toEqual([]);
  });

  it('writes on where it had opened the pool, until that is opened again', async () => {
    await openJournals(database, [requestOf('default')]);
    await append(2);
    await openJournals(database, []);
    await expect(append(3)).rejects.toThrow();
    expect((await logOf(database)).map(({ type }) => type)).toEqual(['opened', 'withdrawn', 'opened']);
  });
});
