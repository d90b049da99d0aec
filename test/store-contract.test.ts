/** What a journal stands on, held to one contract: the two databases of real services, and the one of simulations. */
import { describe, expect, it } from 'vitest';
import { chainStart, digestOf, type LoggedFact, loggedFact } from '../src/journal/chain.ts';
import { failureOf } from '../src/journal/database.ts';
import { keptMs } from '../src/journal/keyed.ts';
import { SqlStore } from '../src/journal/sql-store.ts';
import { type KeyedOutcome, type Opening, SizeMismatch, type Store } from '../src/journal/store.ts';
import type { Fact } from '../src/lease/fact.ts';
import { verifyLog } from '../src/verify/verify-log.ts';
import { calmStore, type Shared, sharedMemory } from './simulation/calm-store.ts';
import { MemoryDatabase } from './simulation/memory-database.ts';
import { databaseKinds, freshPostgres } from './support/databases.ts';
import { emptyDatabase, openDatabase, Scribe } from './support/journal.ts';
import { idOf } from './support/pool.ts';
import { start } from './support/world.ts';

const kinds = ['memory', ...databaseKinds] as const;
const unknown = idOf(99);

async function freshStore(kind: (typeof kinds)[number]): Promise<Store> {
  if (kind === 'memory') return calmStore(sharedMemory());
  return new SqlStore(await emptyDatabase(kind), 'default');
}

let made = 0;
const request = (size = 3, at = start) => ({ size, at: () => at, newTokenId: () => idOf(made++ % size) });

/** A store whose pool is open, and what is needed to append to it as a journal does. */
class Opened {
  readonly scribe: Scribe;
  #seq: number;
  #digest: string;
  readonly store: Store;

  static async on(store: Store): Promise<Opened> {
    made = 0;
    return new Opened(store, await store.openPool(request()));
  }

  constructor(store: Store, opening: Opening) {
    this.store = store;
    this.scribe = new Scribe(opening);
    this.#seq = opening.seq;
    this.#digest = opening.digest;
  }

  seal(facts: Fact[]) {
    return facts.map((fact) => {
      this.#digest = digestOf(this.#digest, loggedFact(fact));
      return { ...fact, digest: this.#digest };
    });
  }

  async append(facts: Fact[], outcomes: KeyedOutcome[] = []): Promise<void> {
    await this.store.append({ facts: this.seal(facts), outcomes }, this.#seq);
    this.#seq = facts.at(-1)?.seq ?? this.#seq;
  }
}

const outcome = (key: string, at = start, more: Partial<KeyedOutcome> = {}): KeyedOutcome => ({
  key,
  at,
  fingerprint: 'the same',
  outcome: { ok: [1, null, 'x'] },
  ...more,
});

/** How the error is understood that a call fails with. */
const failing = (call: Promise<unknown>): Promise<string> => call.then(() => 'none', failureOf);

describe.each(kinds)('a store, on %s', (kind) => {
  it('opens a pool with its tokens, each time by a fact of its own [I3]', async () => {
    const store = await freshStore(kind);
    const seen: unknown[] = [];
    const open = (at: number) =>
      store.openPool({
        ...request(),
        at: (instants) => {
          seen.push(instants);
          return at;
        },
      });
    made = 0;
    const first = await open(start);
    const second = await open(start + 5);
    const tokens = [0, 1, 2].map((index) => ({ tokenId: idOf(index), lease: null, seq: 0 }));
    expect([first.tokens, second.tokens]).toEqual([tokens, tokens]);
    expect([first.seq, second.seq]).toEqual([1, 2]);
    const opened = (seq: number, at: number) => ({ seq, at, ...openedFact }) as LoggedFact;
    expect(first.digest).toBe(digestOf(chainStart, opened(1, start)));
    expect(second.digest).toBe(digestOf(first.digest, opened(2, start + 5)));
    const database = expect.any(Number);
    expect(seen).toEqual([
      { database, last: null },
      { database, last: start },
    ]);
  });

  it('opens no pool of another size, and writes nothing then [I2]', async () => {
    const store = await freshStore(kind);
    await store.checkSize(4);
    await Opened.on(store);
    await expect(store.checkSize(4)).rejects.toThrow(SizeMismatch);
    await expect(store.openPool(request(4))).rejects.toThrow(SizeMismatch);
    await store.checkSize(3);
    expect(await store.hasFactsAfter(1)).toBe(false);
  });

  it('gives the tokens in their order of use: the free ones, then those with a lease [I8]', async () => {
    const store = await freshStore(kind);
    const { scribe, append } = bound(await Opened.on(store));
    const metadata = { a: [1, { b: null }], ü: '"' };
    await append([scribe.activated(idOf(2), { metadata }), scribe.activated(idOf(0))]);
    await append([scribe.released(idOf(0)), scribe.activated(idOf(1)), scribe.renewed(idOf(2))]);
    const { tokens } = await store.openPool(request());
    expect(tokens.map(({ tokenId, seq }) => [tokenId, seq])).toEqual([
      [idOf(0), 4],
      [idOf(1), 5],
      [idOf(2), 6],
    ]);
    expect(tokens.map(({ lease }) => lease?.metadata)).toEqual([undefined, null, metadata]);
  });

  it('appends facts whole or not at all: a seq that is taken is a conflict [I3][I8]', async () => {
    const store = await freshStore(kind);
    const mine = await Opened.on(store);
    await mine.append([mine.scribe.activated(idOf(0))]);
    const before = await store.facts({}, { order: 'asc', limit: 10 });
    const [taken, free] = [mine.scribe.activated(idOf(1)), mine.scribe.activated(idOf(2))];
    const colliding = mine.seal([
      { ...free, seq: 9 },
      { ...taken, seq: 2 },
    ] as Fact[]);
    const appended = store.append({ facts: colliding, outcomes: [outcome('a')] }, 2);
    expect(await failing(appended)).toBe('conflict');
    const twice = mine.seal([
      { ...free, seq: 9 },
      { ...taken, seq: 9 },
    ] as Fact[]);
    expect(await failing(store.append({ facts: twice, outcomes: [] }, 2))).toBe('conflict');
    expect(await store.facts({}, { order: 'asc', limit: 10 })).toEqual(before);
    expect(await store.keyed('a', 0)).toBeNull();
    expect((await store.token(idOf(2), 1)).token.lease).toBeNull();
  });

  it('fences out who held the pool before, by the next opening [I1]', async () => {
    const store = await freshStore(kind);
    const first = await Opened.on(store);
    await Opened.on(store);
    expect(await failing(first.append([first.scribe.activated(idOf(0))]))).toBe('conflict');
    expect((await store.token(idOf(0), 1)).token.lease).toBeNull();
  });

  it('takes no fact that the schema does not', async () => {
    const { append, scribe } = bound(await Opened.on(await freshStore(kind)));
    expect(await failing(append([scribe.activated(idOf(0), { leaseId: 'no uuid' })]))).toBe('bug');
  });

  it('knows the digest of each fact, and whether there are later ones', async () => {
    const store = await freshStore(kind);
    const mine = await Opened.on(store);
    const [fact] = mine.seal([mine.scribe.activated(idOf(0))]);
    await store.append({ facts: [fact!], outcomes: [] }, 1);
    expect([await store.digestAt(2), await store.digestAt(3)]).toEqual([fact!.digest, null]);
    expect([await store.hasFactsAfter(1), await store.hasFactsAfter(2)]).toEqual([true, false]);
  });

  it('keeps outcomes with the facts they go with, or by themselves while nobody else has written [I9]', async () => {
    const store = await freshStore(kind);
    const mine = await Opened.on(store);
    await mine.append([mine.scribe.activated(idOf(0))], [outcome('with')]);
    await mine.append([], [outcome('alone')]);
    await store.append({ facts: [], outcomes: [outcome('too late')] }, 1);
    expect(await store.keyed('with', start - 1)).toEqual(outcome('with'));
    expect(await store.keyed('alone', start - 1)).toEqual(outcome('alone'));
    expect(await store.keyed('too late', 0)).toBeNull();
    expect(await store.keyed('with', start)).toBeNull();
  });

  it('writes an outcome anew once it is 24 hours old, and not before [I9]', async () => {
    const store = await freshStore(kind);
    const mine = await Opened.on(store);
    const changed = { fingerprint: 'another', outcome: { ok: 2 } };
    await mine.append([], [outcome('a')]);
    await mine.append([], [outcome('a', start + keptMs - 1, changed)]);
    expect(await store.keyed('a', 0)).toEqual(outcome('a'));
    await mine.append([], [outcome('a', start + keptMs, changed)]);
    expect(await store.keyed('a', 0)).toEqual(outcome('a', start + keptMs, changed));
  });

  it('takes no key twice in one append', async () => {
    const store = await freshStore(kind);
    const mine = await Opened.on(store);
    await expect(mine.append([], [outcome('a'), outcome('a')])).rejects.toThrow();
    expect(await store.keyed('a', 0)).toBeNull();
  });

  it('reads its log as the one in memory does', async () => {
    const [store, model] = [await freshStore(kind), new MemoryDatabase(() => start)];
    const mine = await Opened.on(store);
    made = 0;
    await model.openPool(request());
    for (const facts of lifeOf(mine.scribe)) {
      const entries = { facts: mine.seal(facts), outcomes: [] };
      await store.append(entries, 0);
      await model.append(entries, 0);
    }
    expect(await answersOf(store)).toEqual(await answersOf(model));
  });
});

/** Facts of every type, several a token, some of the same user. */
function lifeOf(scribe: Scribe): Fact[][] {
  const [a, b] = [idOf(0), idOf(1)];
  const leases = [1, 2, 3, 4].map((id) => ({ leaseId: idOf(100 + id), userId: id % 2 ? 'ada' : 'bob' }));
  const commits = [
    () => [
      scribe.activated(a, { ...leases[0], metadata: { z: 1, a: [null] } }),
      scribe.activated(b, leases[1]),
    ],
    () => [scribe.renewed(a), scribe.released(b, 'cleanup')],
    () => [scribe.expired(a), scribe.activated(a, leases[2])],
    () => [scribe.released(a, 'lru_eviction'), scribe.activated(a, leases[3])],
  ];
  return commits.map((write) => {
    scribe.at += 1000;
    return write();
  });
}

/** Everything that can be asked, in many ways. */
async function answersOf(store: Pick<Store, 'facts' | 'history' | 'ending' | 'token'>): Promise<unknown[]> {
  const answers: unknown[] = [];
  const filters = [
    {},
    { tokenId: idOf(0) },
    { type: 'activated' },
    { userId: 'ada', tokenId: idOf(1) },
  ] as const;
  const pages = [{ limit: 3 }, { limit: 100 }, { limit: 2, cursor: 4 }];
  for (const page of pages) {
    for (const order of ['asc', 'desc'] as const)
      for (const filter of filters) answers.push(await store.facts(filter, { order, ...page }));
    for (const index of [0, 1, 2, 99]) answers.push(await store.history(idOf(index), page));
  }
  for (const tokenId of [idOf(0), idOf(1), idOf(2)]) answers.push(await store.token(tokenId, 2));
  for (const tokenId of [idOf(0), idOf(1), unknown]) {
    const proofs = [{}, { userId: 'ada' }, { leaseId: idOf(101) }, { leaseId: idOf(104), userId: 'ada' }];
    for (const proof of proofs) answers.push(await store.ending(tokenId, proof));
  }
  return answers;
}

describe.each(['memory', 'postgres'] as const)('two stores on one database, on %s', (kind) => {
  it('hold the pool one after the other, a courtesy that goes with the connection', async () => {
    const [first, second] = await twoStores(kind);
    expect([await first.hold(), await second.hold()]).toEqual([true, false]);
    expect([first.held, second.held]).toEqual([true, false]);
    expect(await first.hold()).toBe(true);
    await first.reset();
    expect(first.held).toBe(false);
    await expect.poll(() => second.hold()).toBe(true);
    // Who has lost it can write until somebody opens the pool, and gets it back if it is free.
    const mine = await Opened.on(first);
    await mine.append([mine.scribe.activated(idOf(0))]);
    expect(first.held).toBe(false);
    await second.close();
    await expect.poll(() => first.hold()).toBe(true);
  });
});

describe.each(kinds)('pruning a store in %s', (kind) => {
  it('takes the oldest facts, never the newest, and leaves what can be checked from there on', async () => {
    const store = await freshStore(kind);
    const { scribe, append } = bound(await Opened.on(store));
    await append([scribe.activated(idOf(0)), scribe.activated(idOf(1), { metadata: { b: 1, a: [2] } })]);
    scribe.at += 1000;
    await append([scribe.renewed(idOf(1)), scribe.released(idOf(0))]);
    expect(await store.prune(start, 10)).toBe(0);
    expect(await store.prune(start + 1, 2)).toBe(2);
    expect(await verifyLog(store)).toMatchObject({ sound: true, fromSeq: 3, headSeq: 5, facts: 3 });
    expect(await store.prune(Number.MAX_SAFE_INTEGER / 1000, 10)).toBe(2);
    expect(await verifyLog(store)).toMatchObject({ sound: true, fromSeq: 5, headSeq: 5, facts: 1 });
    const { prunedTokens } = await store.standing();
    expect(prunedTokens.map(({ id, status, metadata }) => [id, status, metadata])).toEqual(
      expect.arrayContaining([
        [idOf(0), 'active', null],
        [idOf(1), 'active', { b: 1, a: [2] }],
      ]),
    );
    await append([scribe.released(idOf(1))]);
    expect(await verifyLog(store)).toMatchObject({ sound: true, headSeq: 6 });
  });

  it('takes outcomes that are old, or too many', async () => {
    const store = await freshStore(kind);
    await Opened.on(store);
    for (const [place, key] of ['a', 'b', 'c', 'd'].entries()) {
      await store.append(
        { facts: [], outcomes: [{ key, fingerprint: 'f', outcome: {}, at: start + place }] },
        1,
      );
    }
    expect(await store.pruneKeyed(start - 1, 4, 10)).toBe(0);
    expect(await store.pruneKeyed(start, 4, 10)).toBe(1);
    expect(await store.pruneKeyed(start, 1, 1)).toBe(1);
    expect(await store.pruneKeyed(start, 1, 10)).toBe(1);
    const kept = await Promise.all(['a', 'b', 'c', 'd'].map((key) => store.keyed(key, 0)));
    expect(kept.map((each) => each?.key)).toEqual([undefined, undefined, undefined, 'd']);
  });
});

async function twoStores(kind: 'memory' | 'postgres'): Promise<[Store, Store]> {
  if (kind === 'memory') {
    const shared: Shared = sharedMemory();
    return [calmStore(shared), calmStore(shared)];
  }
  const where = { databaseUrl: await freshPostgres(), dataDir: '' };
  return [
    new SqlStore(await openDatabase(where), 'default'),
    new SqlStore(await openDatabase(where), 'default'),
  ];
}

/** Its functions, to be called without it. */
const bound = (opened: Opened) => ({ scribe: opened.scribe, append: opened.append.bind(opened) });

const openedFact = {
  tokenId: null,
  type: 'opened',
  reason: 'pool_opened',
  userId: null,
  leaseId: null,
  fence: null,
  expiresAt: null,
  metadata: null,
};
