/** A long history, written faster than a service could live it: sound, chained, and of a pool that is always full. */
import { randomUUID } from 'node:crypto';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import postgres from 'postgres';
import { chainStart, digestOf, type LoggedFact } from '../../src/journal/chain.ts';
import type { Json } from '../../src/lease/lease.ts';

const perCopy = 50_000;
const ttlMs = 3_600_000;
const users = Array.from({ length: 1000 }, () => randomUUID());

interface Lease {
  leaseId: string;
  userId: string;
  fence: number;
  activatedAt: number;
  expiresAt: number;
}

interface Held extends Lease {
  /** Of its last use. */
  seq: number;
}

/**
 * Gives the pool `default`, which has been opened and never used, a log of `count` facts from the instant `from`
 * until `to`. Every token is held in the end, for an hour from its grant. No process may serve it meanwhile.
 */
export async function writeLongLog(url: string, count: number, from: number, to: number): Promise<void> {
  const sql = postgres(url, { max: 1, onnotice: () => {} });
  try {
    const tokens = await sql<{ id: string }[]>`select id from tokens where pool = 'default' order by ordinal`;
    const [pool] = await sql<{ options: Json }[]>`select options from pools where pool = 'default'`;
    const history = new History(
      tokens.map(({ id }) => id),
      pool!.options,
    );
    await sql`delete from token_events where pool = 'default'`;
    await sql`update pools set opened_seq = 1 where pool = 'default'`;
    const msPerFact = (to - from) / count;
    for (let written = 0; written < count; written += perCopy) {
      const rows: string[] = [];
      for (let each = written; each < Math.min(count, written + perCopy); each++)
        rows.push(history.next(Math.floor(from + each * msPerFact)));
      await pipeline(Readable.from(rows), await sql`copy token_events from stdin`.writable());
    }
    for (const state of history.states()) {
      await sql`update tokens set ${sql(state)} where pool = 'default' and id = ${state.id}`;
    }
    await sql`vacuum analyze token_events`;
  } finally {
    await sql.end();
  }
}

/** The least recently used token is taken from its holder for the next one; one lease in ten is renewed. */
class History {
  #seq = 0;
  /** The newest release: of the token that is next, if it has not been granted since. */
  #freed = 0;
  #digest = chainStart;
  readonly #order: string[];
  readonly #held = new Map<string, Held>();

  readonly #options: Json;

  /** The first fact tells of the options that the pool is made with. */
  constructor(tokens: readonly string[], options: Json) {
    this.#options = options;
    this.#order = [...tokens];
  }

  /** The row of the next fact, as `copy` reads it. */
  next(at: number): string {
    if (++this.#seq === 1) return this.#row('opened', 'pool_opened', null, null, at);
    const used = this.#order.at(-1)!;
    const newest = this.#held.get(used);
    // Only the token used last, so that the order of use stays.
    if (this.#seq % 10 === 0 && newest !== undefined) return this.#renew(used, newest, at);
    const tokenId = this.#order[0]!;
    const held = this.#held.get(tokenId);
    if (held !== undefined) {
      this.#held.delete(tokenId);
      this.#freed = this.#seq;
      return this.#row('released', 'lru_eviction', tokenId, held, at);
    }
    const granted = {
      leaseId: randomUUID(),
      userId: users[this.#seq % users.length]!,
      fence: this.#seq,
      activatedAt: at,
      expiresAt: at + ttlMs,
      seq: this.#seq,
    };
    this.#held.set(tokenId, granted);
    this.#order.push(this.#order.shift()!);
    return this.#row('activated', 'allocated', tokenId, granted, at);
  }

  *states() {
    for (const [id, { leaseId, userId, fence, activatedAt, expiresAt, seq }] of this.#held) {
      yield {
        id,
        status: 'active',
        user_id: userId,
        lease_id: leaseId,
        fence,
        activated_at: new Date(activatedAt),
        expires_at: new Date(expiresAt),
        ttl_ms: ttlMs,
        seq,
      };
    }
    // Where the last fact was a release.
    for (const id of this.#order)
      if (!this.#held.has(id)) yield { id, status: 'available', seq: this.#freed };
  }

  #renew(tokenId: string, held: Held, at: number): string {
    held.seq = this.#seq;
    held.expiresAt = at + ttlMs;
    return this.#row('renewed', 'renewed_by_client', tokenId, held, at);
  }

  #row(
    type: LoggedFact['type'],
    reason: LoggedFact['reason'],
    tokenId: string | null,
    lease: Lease | null,
    at: number,
  ): string {
    const { userId, leaseId, fence, expiresAt } = lease ?? noLease;
    const seq = this.#seq;
    const metadata = type === 'opened' ? this.#options : null;
    const fact = { seq, tokenId, type, reason, userId, leaseId, fence, at, expiresAt, metadata };
    this.#digest = digestOf(this.#digest, fact);
    const columns = ['default', seq, tokenId, type, reason, userId, leaseId, fence, instant(at)];
    const row = [
      ...columns,
      expiresAt && instant(expiresAt),
      metadata && JSON.stringify(metadata),
      this.#digest,
    ];
    return `${row.map((value) => value ?? '\\N').join('\t')}\n`;
  }
}

const noLease = { userId: null, leaseId: null, fence: null, expiresAt: null };

const instant = (at: number): string => new Date(at).toISOString();
