/** A long history, written faster than a service could live it: sound, chained, and of a pool that is always full. */
import { randomUUID } from 'node:crypto';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import postgres from 'postgres';
import { digestOf, type LoggedFact } from '../../src/journal/chain.ts';

const perCopy = 50_000;
const ttlMs = 3_600_000;
const users = Array.from({ length: 1000 }, () => randomUUID());

interface Held {
  leaseId: string;
  userId: string;
  fence: number;
  activatedAt: number;
}

/**
 * Continues the log of the pool `default`, which is opened and has no lease, with `count` facts from the instant
 * `from` until `to`. Every token is held in the end, for an hour from its grant. No process may serve it meanwhile.
 */
export async function writeLongLog(url: string, count: number, from: number, to: number): Promise<void> {
  const sql = postgres(url, { max: 1, onnotice: () => {} });
  try {
    const [last] = await sql<{ seq: string; digest: string }[]>`
      select seq, digest from token_events where pool = 'default' order by seq desc limit 1`;
    const tokens = await sql<{ id: string }[]>`select id from tokens where pool = 'default' order by ordinal`;
    const history = new History(
      Number(last!.seq),
      last!.digest,
      tokens.map(({ id }) => id),
    );
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
  #seq: number;
  #digest: string;
  readonly #order: string[];
  readonly #held = new Map<string, Held & { seq: number; expiresAt: number }>();

  constructor(seq: number, digest: string, tokens: readonly string[]) {
    this.#seq = seq;
    this.#digest = digest;
    this.#order = [...tokens];
  }

  /** The row of the next fact, as `copy` reads it. */
  next(at: number): string {
    this.#seq++;
    const used = this.#order.at(-1)!;
    const newest = this.#held.get(used);
    // Only the token used last, so that the order of use stays.
    if (this.#seq % 10 === 0 && newest !== undefined) return this.#renew(used, newest, at);
    const tokenId = this.#order[0]!;
    const held = this.#held.get(tokenId);
    if (held !== undefined) {
      this.#held.delete(tokenId);
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
    for (const id of this.#order) if (!this.#held.has(id)) yield { id, status: 'available', seq: this.#seq };
  }

  #renew(tokenId: string, held: Held & { seq: number; expiresAt: number }, at: number): string {
    held.seq = this.#seq;
    held.expiresAt = at + ttlMs;
    return this.#row('renewed', 'renewed_by_client', tokenId, held, at);
  }

  #row(
    type: LoggedFact['type'],
    reason: LoggedFact['reason'],
    tokenId: string,
    { userId, leaseId, fence, expiresAt }: Held & { expiresAt: number },
    at: number,
  ): string {
    const seq = this.#seq;
    const fact = { seq, tokenId, type, reason, userId, leaseId, fence, at, expiresAt, metadata: null };
    this.#digest = digestOf(this.#digest, fact);
    const instants = [new Date(at).toISOString(), new Date(expiresAt).toISOString()];
    return `${['default', seq, tokenId, type, reason, userId, leaseId, fence, ...instants, '\\N', this.#digest].join('\t')}\n`;
  }
}
