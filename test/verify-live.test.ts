/** Checking a log that goes on being written, is being pruned, or is no longer waited for. */
import { describe, expect, it } from 'vitest';
import type { AuditedLog, Standing } from '../src/journal/audited.ts';
import { Journal } from '../src/journal/journal.ts';
import { SqlStore } from '../src/journal/sql-store.ts';
import { NeverOpened, verifyLog } from '../src/verify/verify-log.ts';
import { databaseKinds } from './support/databases.ts';
import { free, full, HandwrittenLog } from './support/handwritten-log.ts';
import { emptyDatabase, openJournal } from './support/journal.ts';
import { idOf } from './support/pool.ts';
import { commitTimes } from './support/world.ts';

/** A log in memory, whose reads are counted and can be followed by something. */
class AuditedMemory implements AuditedLog {
  readonly log: HandwrittenLog;
  standings = 0;
  portions = 0;
  afterPortion = (_portions: number) => {};

  constructor(log: HandwrittenLog) {
    this.log = log;
  }

  async standing(): Promise<Standing> {
    this.standings++;
    return structuredClone(this.log.standing);
  }

  async portion(afterSeq: number | null, headSeq: number, most: number) {
    const after = afterSeq ?? Number.NEGATIVE_INFINITY;
    const facts = this.log.facts.filter(({ seq }) => seq > after && seq <= headSeq).slice(0, most);
    this.afterPortion(++this.portions);
    return structuredClone(facts);
  }

  /** Forgets the facts up to `seq`, by which the tokens must all be free. */
  prune(seq: number): void {
    const { log } = this;
    const before = log.facts.filter((fact) => fact.seq <= seq);
    log.facts.splice(0, before.length);
    const { digest } = before.at(-1)!;
    const { options } = log.standing.pool!;
    const left = { prunedSize: 2, prunedOrdinal: 2, prunedOptions: options };
    Object.assign(log.standing.pool!, { ...left, prunedSeq: seq, chainSeq: seq, chainDigest: digest });
    const last = (id: string) => before.findLast(({ tokenId }) => tokenId === id)?.seq ?? 0;
    log.standing.prunedTokens = [0, 1].map((index) => free(idOf(index), last(idOf(index))));
  }
}

/** As many grants and releases, in turn, of one token. */
function long(grants: number): HandwrittenLog {
  const log = new HandwrittenLog().opened();
  for (let grant = 0; grant < grants; grant++) log.granted(0).ended(0);
  return log;
}

describe('a check in portions', () => {
  it.each([1, 2, 3, 1000])('finds the same in portions of %i', async (portionFacts) => {
    const sound = await verifyLog(new AuditedMemory(long(10)), { portionFacts });
    expect(sound).toMatchObject({ sound: true, facts: 21, fromSeq: 1, headSeq: 21 });
    const broken = long(10);
    broken.facts.splice(4, 3);
    broken.facts[9]!.reason = 'cleanup';
    const { violations } = await verifyLog(new AuditedMemory(broken), { portionFacts });
    expect(violations.map(({ invariant, seq }) => `${invariant} at ${seq}`)).toEqual([
      'I3 at 5',
      'I8 at 8',
      'I1 at 8',
      'I8 at 13',
      'I11 at null',
    ]);
  });

  it('begins anew where pruning has overtaken it', async () => {
    const memory = new AuditedMemory(long(10));
    memory.afterPortion = (portions) => {
      if (portions === 2) memory.prune(11);
    };
    const found = await verifyLog(memory, { portionFacts: 3 });
    expect(found).toMatchObject({ sound: true, facts: 10, fromSeq: 12, headSeq: 21, violations: [] });
    expect(memory.standings).toBe(2);
  });

  it('does so where all that was to be read has been pruned', async () => {
    const memory = new AuditedMemory(long(10));
    memory.afterPortion = (portions) => {
      if (portions === 2) {
        memory.log.granted(0).ended(0);
        memory.prune(21);
      }
    };
    expect(await verifyLog(memory, { portionFacts: 3 })).toMatchObject({
      sound: true,
      facts: 2,
      fromSeq: 22,
    });
  });

  it('finds facts missing that vanish while it reads, and have not been pruned [I3]', async () => {
    const memory = new AuditedMemory(long(10));
    memory.afterPortion = (portions) => {
      if (portions === 2) memory.log.facts.splice(12);
    };
    const { violations } = await verifyLog(memory, { portionFacts: 3 });
    expect(violations[0]).toMatchObject({
      invariant: 'I3',
      seq: 13,
      message: 'the facts up to 21 are missing',
    });
  });

  it('gives up where it is overtaken again and again', async () => {
    const memory = new AuditedMemory(long(100));
    memory.afterPortion = (portions) => memory.prune(1 + 10 * portions);
    await expect(verifyLog(memory, { portionFacts: 2 })).rejects.toThrow(
      'pruned faster than they can be read',
    );
    expect(memory.standings).toBeLessThan(10);
  });

  it('tells how far it has come', async () => {
    const told: number[] = [];
    await verifyLog(new AuditedMemory(long(10)), {
      portionFacts: 8,
      progress: ({ facts }) => told.push(facts),
    });
    expect(told).toEqual([8, 16, 21]);
  });

  it('stops when it is told to', async () => {
    const memory = new AuditedMemory(long(100));
    const stop = new AbortController();
    memory.afterPortion = (portions) => {
      if (portions === 3) stop.abort();
    };
    const stopped = verifyLog(memory, { portionFacts: 2, signal: stop.signal });
    await expect(stopped).rejects.toThrow('aborted');
    expect(memory.portions).toBeLessThan(6);
  });

  it('has nothing to say where no pool has ever been', async () => {
    const nothing = new AuditedMemory(new HandwrittenLog());
    Object.assign(nothing.log.standing, { pool: null, tokens: [] });
    await expect(verifyLog(nothing)).rejects.toThrow(NeverOpened);
  });

  it('finds tokens whose log is gone', async () => {
    const gone = full();
    gone.facts.length = 0;
    Object.assign(gone.standing, { pool: null, headSeq: null });
    const { sound, violations } = await verifyLog(new AuditedMemory(gone));
    expect(sound).toBe(false);
    expect(violations[0]).toMatchObject({ invariant: 'I3', tokenId: idOf(0) });
  });
});

describe.each(databaseKinds)('a check on %s', (kind) => {
  it('is of the log as it was when it began, and disturbs nobody who writes it', async () => {
    const database = await emptyDatabase(kind);
    const { journal, opening, scribe, told } = await openJournal(database);
    const { tokenId } = opening.tokens[0]!;
    const write = () => {
      journal.append(scribe.activated(tokenId));
      journal.append(scribe.released(tokenId));
    };
    for (let time = 0; time < 50; time++) write();
    await journal.committed();
    let during = 0;
    const found = await verifyLog(journal, {
      portionFacts: 10,
      progress: () => {
        write();
        during++;
      },
    });
    expect(found).toMatchObject({ sound: true, facts: 101, headSeq: 101 });
    expect(during).toBe(11);
    await journal.committed();
    expect(await verifyLog(journal)).toMatchObject({ sound: true, facts: 101 + 2 * during });
    expect(told).toMatchObject({ lost: [], fenced: 0, broken: [] });
  });

  it('reads on behind facts that are missing, however many', async () => {
    const database = await emptyDatabase(kind);
    const { journal, opening, scribe } = await openJournal(database);
    const { tokenId } = opening.tokens[0]!;
    for (let time = 0; time < 10; time++) {
      journal.append(scribe.activated(tokenId));
      journal.append(scribe.released(tokenId));
    }
    await journal.committed();
    await database.db.execute('delete from token_events where seq between 3 and 18');
    await database.db.execute('update token_events set seq = 1e12 where seq = 21');
    const { violations } = await verifyLog(
      new Journal(new SqlStore(database), commitTimes).audited('default'),
      { portionFacts: 4 },
    );
    expect(violations.filter(({ invariant }) => invariant === 'I3').map(({ message }) => message)).toEqual([
      'the facts up to 18 are missing',
      'the facts up to 999999999999 are missing',
    ]);
  });
});
