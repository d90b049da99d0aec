/**
 * Logs in which everything has happened: grants, evictions, renewals, endings of every kind, rests, maintenance, tokens
 * that come and go, changes of options, restarts, and a pool that was deleted and made again.
 */
import { readPoolNames } from '../../src/journal/auditing.ts';
import type { Database } from '../../src/journal/database.ts';
import type { PoolJournal } from '../../src/journal/pool-journal.ts';
import { SqlStore } from '../../src/journal/sql-store.ts';
import type { Fact } from '../../src/lease/fact.ts';
import { type Lease, statusOf, type TokenState } from '../../src/lease/lease.ts';
import type { PoolOptions } from '../../src/lease/pool-options.ts';
import { newLeaseId } from '../../src/random.ts';
import { verifyLog } from '../../src/verify/verify-log.ts';
import type { DatabaseKind, Where } from './databases.ts';
import { newToken, openDatabase, openJournals, preparedDatabase, requestOf, Scribe } from './journal.ts';
import { Seeded } from './seeded.ts';
import { start, twoMinutes } from './world.ts';

export const shapedSize = 4;

/** Each kind of pool that there is; `default` is the plainest. */
export const shapedPools: Record<string, Partial<PoolOptions>> = {
  default: { size: shapedSize },
  elastic: {
    membership: 'elastic',
    size: 5,
    whenFull: 'wait',
    coolDownMs: 300,
    idleTtlMs: 1200,
    maxPerUser: 3,
    maxLifetimeMs: twoMinutes,
  },
  named: {
    size: 3,
    eviction: 'oldest',
    minHoldMs: 400,
    tokens: [
      { name: 'one', labels: { os: 'linux' } },
      { name: 'two', labels: { os: 'linux' } },
      { name: 'three', labels: {} },
    ],
  },
};

/** Lets chance at the pools, which are opened anew a few times; then nobody has the database open. */
export async function shapedLog(kind: DatabaseKind, seed: number, steps = 60): Promise<Where> {
  const chance = new Seeded(seed);
  const where = await preparedDatabase(kind);
  let at = start;
  for (let run = 0; run < 3; run++) {
    const database = await openDatabase(where);
    const declared = Object.entries(shapedPools).map(([pool, options]) => requestOf(pool, options));
    const { journal, opened } = await openJournals(database, declared, at);
    const lives = opened.map(
      ({ pool, options, tokens, seq }) =>
        new Life(journal.pool(pool), options, tokens, new Scribe({ seq, tokens }), chance, at),
    );
    for (const life of lives) life.pass('ttl_expired_while_down');
    for (let step = 0; step < steps; step++) for (const life of lives) life.step();
    // Whole again, so that the next opening finds leases that ran out, and others that did not.
    for (const life of lives) life.allocate(10, { run });
    for (const life of lives) life.allocate(twoMinutes, { nested: { b: [1, 'two'], a: null } });
    at = Math.max(...lives.map((life) => life.at)) + 1000;
    const brief = requestOf('brief', { size: 2 });
    const { journal: made } = journal.make(brief, at);
    made.appendOfPool({ type: 'closed', at });
    await made.committed();
    await database.close();
  }
  return where;
}

/** One pool, of whose rules it knows as much as it takes to break none. */
class Life {
  readonly #journal: PoolJournal;
  readonly #scribe: Scribe;
  readonly #chance: Seeded;
  readonly #tokens = new Map<string, TokenState>();
  /** When it was used last, by the number of the fact. */
  readonly #used = new Map<string, number>();
  #options: PoolOptions;

  constructor(
    journal: PoolJournal,
    options: PoolOptions,
    tokens: readonly TokenState[],
    scribe: Scribe,
    chance: Seeded,
    at: number,
  ) {
    this.#journal = journal;
    this.#options = options;
    this.#scribe = scribe;
    this.#chance = chance;
    scribe.at = at;
    for (const token of tokens) {
      this.#tokens.set(token.tokenId, token);
      this.#used.set(token.tokenId, token.seq);
    }
  }

  get at(): number {
    return this.#scribe.at;
  }

  step(): void {
    const chance = this.#chance;
    this.pass();
    const all = [...this.#tokens.values()];
    const token = all.length > 0 ? chance.of(all) : undefined;
    const what = chance.of([
      'allocate',
      'allocate',
      'allocate',
      'renew',
      'renew',
      'release',
      'clean',
      'wait',
      'turn',
      'move',
      'change',
    ] as const);
    if (what === 'allocate') {
      const metadata = chance.of([null, { job: chance.below(9) }, { z: 1, a: 'ü"|' }]);
      this.allocate(1 + chance.below(2000), metadata);
    } else if (what === 'wait') this.#scribe.at += chance.of([0, 1, 500, 1500]);
    else if (what === 'clean' && chance.below(3) === 0) {
      for (const each of all) if (each.lease) this.#end(each.tokenId, 'cleanup');
    } else if (what === 'move' && this.#options.membership === 'elastic') this.#move(token);
    else if (what === 'change') this.#change();
    else if (token !== undefined) this.#use(what, token);
  }

  /** What is due by now. */
  pass(reason: 'ttl_expired' | 'ttl_expired_while_down' = 'ttl_expired'): void {
    for (const { tokenId, lease, withdrawn, restsUntil, keptUntil } of [...this.#tokens.values()]) {
      if (lease !== null && lease.expiresAt <= this.at)
        this.#write(this.#scribe.expired(tokenId, this.#waits(tokenId, lease.expiresAt, reason), reason));
      else if (withdrawn === null && restsUntil !== null && restsUntil <= this.at)
        this.#write(this.#scribe.rested(tokenId, { keptUntil: this.#keptFrom(this.at) }));
      else if (keptUntil !== null && keptUntil <= this.at)
        this.#write(this.#scribe.deleted(tokenId, 'idle_ttl_expired'));
    }
  }

  allocate(ttlMs: number, metadata: Lease['metadata']): void {
    const userId = this.#chance.of(['ada', 'bob']);
    const all = [...this.#tokens.values()];
    const held = all.filter(({ lease }) => lease?.userId === userId).length;
    if (held >= (this.#options.maxPerUser ?? Infinity)) return;
    const given = { userId, ttlMs, metadata, leaseId: newLeaseId(this.at) };
    const free = all.find(
      (token) => statusOf(token) === 'available' && (token.keptUntil ?? Infinity) > this.at,
    );
    if (free) {
      this.#write(this.#scribe.activated(free.tokenId, given));
      return;
    }
    const { whenFull, eviction, minHoldMs } = this.#options;
    if (whenFull !== 'evict') return;
    // Of those alike, as nobody has asked for labels.
    const used = ({ tokenId, lease }: TokenState) =>
      eviction === 'lru' ? this.#used.get(tokenId)! : lease!.fence;
    const [first] = all
      .filter(
        ({ lease, withdrawn }) => lease && withdrawn === null && this.at - lease.activatedAt >= minHoldMs,
      )
      .sort((a, b) => used(a) - used(b));
    if (!first) return;
    this.#write(this.#scribe.released(first.tokenId, `${eviction}_eviction`));
    this.#write(this.#scribe.activated(first.tokenId, given, 'allocated_after_eviction'));
  }

  #use(
    what: 'renew' | 'release' | 'turn' | 'clean' | 'move',
    { tokenId, lease, withdrawn, restsUntil }: TokenState,
  ): void {
    if (what === 'renew' && lease !== null && withdrawn === null) {
      const latest = lease.activatedAt + (this.#options.maxLifetimeMs ?? Infinity);
      const asked = this.at + 1 + this.#chance.below(3000);
      this.#write(this.#scribe.renewed(tokenId, Math.max(lease.expiresAt, Math.min(asked, latest))));
    } else if (what === 'release' && lease !== null) this.#end(tokenId, 'released_by_client');
    else if (what === 'turn' && withdrawn !== null) {
      // A rest has gone on meanwhile.
      const rests = restsUntil !== null && restsUntil > this.at;
      const keptUntil = lease === null && !rests ? this.#keptFrom(this.at) : null;
      this.#write(this.#scribe.restored(tokenId, { restsUntil: rests ? restsUntil : null, keptUntil }));
    } else if (what === 'turn') {
      this.#write(this.#scribe.withdrawn(tokenId, this.#chance.of([null, 'a new battery'])));
      if (lease !== null && this.#chance.below(2) === 0) this.#end(tokenId, 'maintenance');
    }
  }

  #move(token: TokenState | undefined): void {
    if (this.#tokens.size < this.#options.size) {
      const traits = newToken(
        this.#chance.of([{}, { name: `n${this.#scribe.seq}`, labels: { os: 'linux' } }]),
      );
      this.#write(this.#scribe.created(traits, 'token_created', { keptUntil: this.#keptFrom(this.at) }));
    } else if (token !== undefined) {
      if (token.lease !== null) this.#end(token.tokenId, 'token_deleted');
      this.#write(this.#scribe.deleted(token.tokenId));
    }
  }

  /** Grows, or shrinks by what is free. */
  #change(): void {
    if (this.#options.membership === 'elastic' || this.#options.tokens !== null) return;
    const more = this.#tokens.size <= shapedSize;
    this.#options = { ...this.#options, size: this.#tokens.size + (more ? 1 : -1) };
    const free = [...this.#tokens.values()].find((each) => statusOf(each) === 'available');
    if (!more && free === undefined) return;
    this.#scribe.seq = this.#journal.appendOfPool({ type: 'changed', options: this.#options, at: this.at });
    if (more) this.#write(this.#scribe.created(newToken(), 'pool_grown'));
    else this.#write(this.#scribe.deleted(free!.tokenId, 'pool_shrunk'));
  }

  #end(tokenId: string, reason: 'released_by_client' | 'cleanup' | 'maintenance' | 'token_deleted'): void {
    this.#write(this.#scribe.released(tokenId, reason, this.#waits(tokenId, this.at, reason)));
  }

  /** How long it rests, or is kept, from the end of its lease on. */
  #waits(tokenId: string, at: number, reason: string): Partial<TokenState> {
    const { withdrawn } = this.#tokens.get(tokenId)!;
    const { coolDownMs } = this.#options;
    if (reason === 'token_deleted') return {};
    const rests = coolDownMs > 0 && reason !== 'released_by_client';
    if (rests) return { restsUntil: at + coolDownMs };
    return withdrawn === null ? { keptUntil: this.#keptFrom(at) } : {};
  }

  #keptFrom(at: number): number | null {
    return this.#options.idleTtlMs === null ? null : at + this.#options.idleTtlMs;
  }

  #write(fact: Fact): void {
    this.#journal.append(fact);
    const { tokenId, seq, type, after } = fact;
    if (after === null) this.#tokens.delete(tokenId);
    else this.#tokens.set(tokenId, { ...after, seq });
    if (type === 'activated' || type === 'renewed' || type === 'restored') this.#used.set(tokenId, seq);
  }
}

/** What is found in the log of a pool, as 'I3 at 5: the fact is missing'. */
export async function found(database: Pick<Database, 'db'>, pool = 'default'): Promise<string[]> {
  const store = new SqlStore(database as Database);
  const log = {
    standing: () => store.standing(pool),
    portion: (...asked: [number | null, number, number]) => store.portion(pool, ...asked),
  };
  const { violations, violationsTotal, sound } = await verifyLog(log);
  if (sound !== (violationsTotal === 0)) throw new Error('sound, with violations, or the other way round');
  return violations.map(({ invariant, seq, message }) => `${invariant} at ${seq}: ${message}`);
}

/** The same, of all pools that there is anything of. */
export async function foundInAll(database: Pick<Database, 'db'>): Promise<string[]> {
  const names = await readPoolNames(database.db);
  const all: string[] = [];
  for (const pool of names) all.push(...(await found(database, pool)).map((each) => `${pool}: ${each}`));
  return all;
}
