/** A log in which everything has happened: grants, evictions, renewals, endings of every kind, restarts, metadata. */
import type { Database } from '../../src/journal/database.ts';
import { SqlStore } from '../../src/journal/sql-store.ts';
import { verifyLog } from '../../src/verify/verify-log.ts';
import type { DatabaseKind, Where } from './databases.ts';
import { preparedDatabase } from './journal.ts';
import { Seeded } from './seeded.ts';
import { createWorld, ok, SteppedClock, twoMinutes, type World } from './world.ts';

export const shapedSize = 4;

/** Lets random users at a service, which is started anew a few times; then nobody has the database open. */
export async function shapedLog(kind: DatabaseKind, seed: number, steps = 60): Promise<Where> {
  const chance = new Seeded(seed);
  const where = await preparedDatabase(kind);
  let world = await createWorld({ where, size: shapedSize });
  for (let run = 0; run < 3; run++) {
    for (let step = 0; step < steps; step++) await take(world, chance);
    // Whole again, so that the next process finds leases that ran out, and others that did not.
    ok(await world.service.allocate({ ttlMs: 10, metadata: { run } }));
    ok(await world.service.allocate({ ttlMs: twoMinutes, metadata: { nested: { b: [1, 'two'], a: null } } }));
    await world.close();
    if (run < 2) {
      const clock = new SteppedClock(world.clock.now() + 1000);
      world = await createWorld({ where, size: shapedSize, clock });
    }
  }
  return where;
}

async function take({ service, clock }: World, chance: Seeded): Promise<void> {
  const tokens = ok(await service.tokens('all', { limit: shapedSize })).tokens;
  const { tokenId } = chance.of(tokens);
  switch (chance.of(['allocate', 'allocate', 'allocate', 'renew', 'renew', 'release', 'clean', 'wait'])) {
    case 'allocate': {
      const metadata = chance.of([undefined, { job: chance.below(9) }, { z: 1, a: 'ü"|' }]);
      ok(
        await service.allocate({
          userId: chance.of(['ada', 'bob']),
          ttlMs: 1 + chance.below(2000),
          metadata,
        }),
      );
      break;
    }
    case 'renew':
      await service.renew({ tokenId, ttlMs: 1 + chance.below(3000) });
      break;
    case 'release':
      await service.release({ tokenId });
      break;
    case 'clean':
      if (chance.below(3) === 0) ok(await service.releaseAll());
      break;
    case 'wait':
      clock.advance(chance.of([0, 1, 500, 1500]));
      break;
  }
}

/** What is found in the database's log, as 'I3 at 5: the fact is missing'. */
export async function found(database: Pick<Database, 'db'>, pool = 'default'): Promise<string[]> {
  const { violations, violationsTotal, sound } = await verifyLog(new SqlStore(database as Database, pool));
  if (sound !== (violationsTotal === 0)) throw new Error('sound, with violations, or the other way round');
  return violations.map(({ invariant, seq, message }) => `${invariant} at ${seq}: ${message}`);
}
