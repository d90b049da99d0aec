/** What a journal stands on, held to one contract: the two databases of real services. */
import { describe, expect, it } from 'vitest';
import { chainStart, digestOf, loggedPoolFact } from '../src/journal/chain.ts';
import { failureOf } from '../src/journal/database.ts';
import { keptMs } from '../src/journal/keyed.ts';
import { PoolLog } from '../src/journal/pool-log.ts';
import { SqlStore } from '../src/journal/sql-store.ts';
import type { Entries, KeyedOutcome, Opening, SealedFact, Store } from '../src/journal/store.ts';
import { storedOptions } from '../src/journal/stored-options.ts';
import { noTokens } from '../src/journal/tokens-digest.ts';
import type { Fact } from '../src/lease/fact.ts';
import { verifyLog } from '../src/verify/verify-log.ts';
import { databaseKinds, freshPostgres } from './support/databases.ts';
import { emptyDatabase, openDatabase, optionsOf, requestOf, Scribe } from './support/journal.ts';
import { start } from './support/world.ts';

/** Others that promise the same join here. */
const kinds = databaseKinds;
const idOf = (index: number): string => `00000000-0000-4000-8000-${String(index).padStart(12, '0')}`;
const unknown = idOf(99);
const pool = 'default';

const freshStore = async (kind: (typeof kinds)[number]): Promise<Store> =>
  new SqlStore(await emptyDatabase(kind));

/** A pool of three tokens, `idOf(0)` to `idOf(2)`. */
const request = {
  ...requestOf(pool),
  tokens: [0, 1, 2].map((index) => ({ tokenId: idOf(index), name: null, labels: {} })),
};

const none: Entries = { facts: [], outcomes: [], pools: [], tokens: [], gone: [] };

/** A store whose pools are open, and what is needed to append to one of them as a journal does. */
class Opened {
  readonly scribe: Scribe;
  readonly store: Store;
  readonly opening: Opening;
  readonly log: PoolLog;

  static async on(store: Store): Promise<Opened> {
    return new Opened(store, await store.openPools({ declared: [request], at: () => start }));
  }

  constructor(store: Store, opening: Opening) {
    const [first] = opening.pools;
    this.store = store;
    this.opening = opening;
    this.scribe = new Scribe(first!);
    this.log = new PoolLog(first!, first!.tokens);
  }

  seal(facts: Fact[]): SealedFact[] {
    return facts.map((fact) => this.log.append(fact)!);
  }

  async append(facts: Fact[], outcomes: KeyedOutcome[] = []): Promise<void> {
    await this.store.append(
      { ...none, facts: this.seal(facts), outcomes: outcomes.map((each) => ({ ...each, pool })) },
      this.opening.number,
    );
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

const all = { order: 'asc', limit: 100 } as const;
const check = (store: Store, name = pool) =>
  verifyLog({
    standing: () => store.standing(name),
    portion: (...asked) => store.portion(name, ...asked),
  });

describe.each(kinds)('a store, on %s', (kind) => {
  it('opens pools with their tokens, each time by a fact of each, and counts the openings [I3]', async () => {
    const store = await freshStore(kind);
    const seen: unknown[] = [];
    const open = (at: number) =>
      store.openPools({
        declared: [request],
        at: (instants) => {
          seen.push(instants);
          return at;
        },
      });
    expect(await store.tokenCount()).toBe(0);
    const [first, second] = [await open(start), await open(start + 5)];
    expect(await store.tokenCount()).toBe(3);
    expect(second.number).toBeGreaterThan(first.number);
    const free = { lease: null, restsUntil: null, keptUntil: null, withdrawn: null, seq: 0 };
    const tokens = request.tokens.map((token, index) => ({
      ...{ ...token, ...free },
      ...{ ordinal: index + 1, madeSeq: 1 },
    }));
    const made = loggedPoolFact('opened', 'pool_opened', 1, start, storedOptions(optionsOf()));
    const opened = loggedPoolFact('opened', 'pool_opened', 2, start + 5, null);
    const digest = digestOf(chainStart, made);
    const state = { pool, options: optionsOf(), lastOrdinal: 3, tokens, tokensDigest: expect.any(String) };
    expect(first.pools).toEqual([{ ...state, seq: 1, openedSeq: 1, digest }]);
    expect(second.pools).toEqual([{ ...state, seq: 2, openedSeq: 2, digest: digestOf(digest, opened) }]);
    const database = expect.any(Number);
    expect(seen).toEqual([
      { database, last: null },
      { database, last: start },
    ]);
  });

  it('gives the pools by name, and those that are closed apart, where nothing is appended', async () => {
    const store = await freshStore(kind);
    const declared = ['b', 'a'].map((name) => requestOf(name));
    const { number, pools } = await store.openPools({ declared, at: () => start });
    expect(pools.map((each) => each.pool)).toEqual(['a', 'b']);
    const log = new PoolLog(pools[0]!, pools[0]!.tokens);
    await store.append({ ...none, ...log.close(start) }, number);
    const again = await store.openPools({ declared: [], at: () => start });
    expect(again.pools.map((each) => [each.pool, each.seq])).toEqual([['b', 2]]);
    const closed = { pool: 'a', seq: 2, openedSeq: 1, lastOrdinal: 3, options: null, tokensDigest: noTokens };
    expect(again.closed).toEqual([{ ...closed, digest: log.state.digest }]);
    expect(await check(store, 'a')).toMatchObject({ sound: true, tokens: 0, headSeq: 2 });
    const made = await store.openPools({ declared: [requestOf('a')], at: () => start });
    expect(made.pools.map((each) => [each.pool, each.seq, each.lastOrdinal])).toEqual([
      ['a', 3, 6],
      ['b', 3, 3],
    ]);
  });

  it('gives the tokens in their order of use: the free ones, then those with a lease [I8]', async () => {
    const store = await freshStore(kind);
    const { scribe, append } = bound(await Opened.on(store));
    const metadata = { a: [1, { b: null }], ü: '"' };
    await append([scribe.activated(idOf(2), { metadata }), scribe.activated(idOf(0))]);
    await append([scribe.released(idOf(0)), scribe.activated(idOf(1)), scribe.renewed(idOf(2))]);
    const { pools } = await store.openPools({ declared: [request], at: () => start });
    const { tokens } = pools[0]!;
    expect(tokens.map(({ tokenId, seq }) => [tokenId, seq])).toEqual([
      [idOf(0), 4],
      [idOf(1), 5],
      [idOf(2), 6],
    ]);
    expect(tokens.map(({ lease }) => lease?.metadata)).toEqual([undefined, null, metadata]);
  });

  it('makes, changes and drops tokens and pools with their facts [I8]', async () => {
    const store = await freshStore(kind);
    const { number } = await store.openPools({ declared: [], at: () => start });
    const log = PoolLog.ofNew('a');
    const elastic = { membership: 'elastic', whenFull: 'reject' } as const;
    const made = log.make(requestOf('a', elastic), start);
    const scribe = new Scribe({ seq: 1, tokens: [] });
    const token = (index: number) => ({ tokenId: idOf(index), name: `n${index}`, labels: { os: 'bsd' } });
    const create = [0, 1].map((index) => log.move(scribe.created(token(index))));
    await store.append(together(made, ...create), number);
    expect((await store.standing('a')).tokens.map(({ id, name, ordinal }) => [id, name, ordinal])).toEqual([
      [idOf(0), 'n0', 1],
      [idOf(1), 'n1', 2],
    ]);
    const change = log.change(optionsOf({ ...elastic, size: 2 }), start);
    scribe.seq++;
    const deletion = log.move(scribe.deleted(idOf(0)));
    const brief = log.move(scribe.created(token(2)));
    const gone = log.move(scribe.deleted(idOf(2)));
    await store.append(together(change, deletion, brief, gone), number);
    expect(await store.token('a', idOf(0), 1)).toBeNull();
    expect((await store.token('a', idOf(1), 1))?.token).toMatchObject({ ...token(1), lease: null });
    expect(await check(store, 'a')).toMatchObject({ sound: true, tokens: 1, facts: 7 });
    const next = await store.openPools({ declared: [], at: () => start });
    expect(next.pools).toMatchObject([{ options: { size: 2 }, lastOrdinal: 3 }]);
  });

  it('appends facts whole or not at all: a seq that is taken is a conflict [I3][I8]', async () => {
    const store = await freshStore(kind);
    const mine = await Opened.on(store);
    await mine.append([mine.scribe.activated(idOf(0))]);
    const before = await store.facts(pool, {}, all);
    const [one, two] = mine.seal([mine.scribe.activated(idOf(1)), mine.scribe.activated(idOf(2))]);
    const { number } = mine.opening;
    const outcomes = [{ ...outcome('a'), pool }];
    const taken = {
      ...none,
      facts: [
        { ...one!, seq: 9 },
        { ...two!, seq: 2 },
      ],
      outcomes,
    };
    expect(await failing(store.append(taken, number))).toBe('conflict');
    const twice = { ...none, facts: [one!, two!].map((fact) => ({ ...fact, seq: 9 })) };
    expect(await failing(store.append(twice, number))).toBe('conflict');
    expect(await store.facts(pool, {}, all)).toEqual(before);
    expect(await store.keyed(pool, 'a', 0)).toBeNull();
    expect((await store.token(pool, idOf(2), 1))!.token.lease).toBeNull();
  });

  it('takes nothing at all by an earlier opening, and says so where there is nothing to take [I1]', async () => {
    const store = await freshStore(kind);
    const first = await Opened.on(store);
    const second = await Opened.on(store);
    const entries = [
      none,
      { ...none, facts: first.seal([first.scribe.activated(idOf(0))]) },
      // Numbers that nobody has taken.
      { ...none, facts: second.seal([second.scribe.activated(idOf(0))]) },
      { ...none, outcomes: [{ ...outcome('a'), pool }] },
      { ...none, ...PoolLog.ofNew('new').make(requestOf('new'), start) },
    ];
    for (const each of entries)
      expect(await failing(store.append(each, first.opening.number))).toBe('conflict');
    expect(await store.facts(pool, {}, all)).toHaveLength(2);
    expect(await store.keyed(pool, 'a', 0)).toBeNull();
    expect(await store.tokenCount()).toBe(3);
    await store.append(none, second.opening.number);
  });

  it('takes no fact that the schema does not', async () => {
    const { append, scribe } = bound(await Opened.on(await freshStore(kind)));
    expect(await failing(append([scribe.activated(idOf(0), { leaseId: 'no uuid' })]))).toBe('bug');
  });

  it('knows the digest of each fact', async () => {
    const store = await freshStore(kind);
    const mine = await Opened.on(store);
    const [fact] = mine.seal([mine.scribe.activated(idOf(0))]);
    await store.append({ ...none, facts: [fact!] }, mine.opening.number);
    expect([await store.digestAt(pool, 2), await store.digestAt(pool, 3)]).toEqual([fact!.digest, null]);
    expect(await store.digestAt('another', 2)).toBeNull();
  });

  it('keeps outcomes with the facts they go with, or by themselves [I9]', async () => {
    const store = await freshStore(kind);
    const mine = await Opened.on(store);
    await mine.append([mine.scribe.activated(idOf(0))], [outcome('with')]);
    await mine.append([], [outcome('alone')]);
    expect(await store.keyed(pool, 'with', start - 1)).toEqual(outcome('with'));
    expect(await store.keyed(pool, 'alone', start - 1)).toEqual(outcome('alone'));
    expect(await store.keyed(pool, 'with', start)).toBeNull();
    expect(await store.keyed('another', 'with', 0)).toBeNull();
  });

  it('writes an outcome anew once it is 24 hours old, and not before [I9]', async () => {
    const store = await freshStore(kind);
    const mine = await Opened.on(store);
    const changed = { fingerprint: 'another', outcome: { ok: 2 } };
    await mine.append([], [outcome('a')]);
    await mine.append([], [outcome('a', start + keptMs - 1, changed)]);
    expect(await store.keyed(pool, 'a', 0)).toEqual(outcome('a'));
    await mine.append([], [outcome('a', start + keptMs, changed)]);
    expect(await store.keyed(pool, 'a', 0)).toEqual(outcome('a', start + keptMs, changed));
  });

  it('takes no key twice in one append', async () => {
    const store = await freshStore(kind);
    const mine = await Opened.on(store);
    await expect(mine.append([], [outcome('a'), outcome('a')])).rejects.toThrow();
    expect(await store.keyed(pool, 'a', 0)).toBeNull();
  });

  it('answers all that can be asked as every other store does', async () => {
    const store = await freshStore(kind);
    const mine = await Opened.on(store);
    for (const facts of lifeOf(mine.scribe)) await mine.append(facts);
    answers ??= await answersOf(store);
    expect(await answersOf(store)).toEqual(answers);
  });
});

/** What the first of them said. */
let answers: unknown[] | undefined;

/** What several calls have written, in one append. */
function together(...written: Omit<Entries, 'outcomes'>[]): Entries {
  return {
    facts: written.flatMap(({ facts }) => facts),
    outcomes: [],
    pools: written.at(-1)!.pools,
    tokens: written.flatMap(({ tokens }) => tokens),
    gone: written.flatMap(({ gone }) => gone),
  };
}

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
async function answersOf(
  store: Pick<Store, 'facts' | 'history' | 'ending' | 'token' | 'lease'>,
): Promise<unknown[]> {
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
      for (const filter of filters) answers.push(await store.facts(pool, filter, { order, ...page }));
    for (const index of [0, 1, 2, 99]) answers.push(await store.history(pool, idOf(index), page));
  }
  for (const tokenId of [idOf(0), idOf(1), idOf(2)]) answers.push(await store.token(pool, tokenId, 2));
  for (const tokenId of [idOf(0), idOf(1), unknown]) {
    const proofs = [{}, { userId: 'ada' }, { leaseId: idOf(101) }, { leaseId: idOf(104), userId: 'ada' }];
    for (const proof of proofs) answers.push(await store.ending(pool, tokenId, proof));
  }
  for (const lease of [101, 102, 103, 104, 99]) answers.push(await store.lease(pool, idOf(lease)));
  return answers;
}

describe('two stores on one server', () => {
  it('hold the pools one after the other, a courtesy that goes with the connection', async () => {
    const [first, second] = await twoStores();
    expect([await first.hold(), await second.hold()]).toEqual([true, false]);
    expect([first.held, second.held]).toEqual([true, false]);
    expect(await first.hold()).toBe(true);
    await first.reset();
    expect(first.held).toBe(false);
    await expect.poll(() => second.hold()).toBe(true);
    // Who has lost it can write until somebody opens the pools, and gets it back if it is free.
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
    expect(await store.prune(pool, start, 10)).toBe(0);
    expect(await store.prune(pool, start + 1, 2)).toBe(2);
    expect(await check(store)).toMatchObject({ sound: true, fromSeq: 3, headSeq: 5, facts: 3 });
    expect(await store.prune(pool, Number.MAX_SAFE_INTEGER / 1000, 10)).toBe(2);
    expect(await check(store)).toMatchObject({ sound: true, fromSeq: 5, headSeq: 5, facts: 1 });
    const { prunedTokens } = await store.standing(pool);
    expect(prunedTokens.map(({ id, status, metadata }) => [id, status, metadata])).toEqual(
      expect.arrayContaining([
        [idOf(0), 'active', null],
        [idOf(1), 'active', { b: 1, a: [2] }],
      ]),
    );
    await append([scribe.released(idOf(1))]);
    expect(await check(store)).toMatchObject({ sound: true, headSeq: 6 });
  });

  it('knows in which pools there are facts that can go', async () => {
    const store = await freshStore(kind);
    const { append, scribe } = bound(await Opened.on(store));
    expect(await store.due(start + 10)).toEqual([]);
    scribe.at = start + 5;
    await append([scribe.activated(idOf(0))]);
    expect(await store.due(start)).toEqual([]);
    expect(await store.due(start + 1)).toEqual([pool]);
    expect(await store.prune(pool, start + 10, 10)).toBe(1);
    expect(await store.due(start + 10)).toEqual([]);
  });

  it('takes outcomes that are old, or too many', async () => {
    const store = await freshStore(kind);
    const mine = await Opened.on(store);
    for (const [place, key] of ['a', 'b', 'c', 'd'].entries())
      await mine.append([], [outcome(key, start + place)]);
    expect(await store.pruneKeyed(start - 1, 4, 10)).toBe(0);
    expect(await store.pruneKeyed(start, 4, 10)).toBe(1);
    expect(await store.pruneKeyed(start, 1, 1)).toBe(1);
    expect(await store.pruneKeyed(start, 1, 10)).toBe(1);
    const kept = await Promise.all(['a', 'b', 'c', 'd'].map((key) => store.keyed(pool, key, 0)));
    expect(kept.map((each) => each?.key)).toEqual([undefined, undefined, undefined, 'd']);
  });
});

async function twoStores(): Promise<[Store, Store]> {
  const where = { databaseUrl: await freshPostgres(), dataDir: '' };
  return [new SqlStore(await openDatabase(where)), new SqlStore(await openDatabase(where))];
}

/** Its functions, to be called without it. */
const bound = (opened: Opened) => ({ scribe: opened.scribe, append: opened.append.bind(opened) });
