/**
 * A pool as one would explain it, told its log fact by fact: arrays, a look at everything at each step, no timers.
 * Breaks at the first fact that the rules do not allow, and remembers every state there has been.
 */
import { chainStart, digestOf } from '../../src/journal/chain.ts';
import type { Lease } from '../../src/lease/lease.ts';
import { must } from './broken.ts';
import type { LogRow } from './ground.ts';

/** Whether whoever wrote an expiry had just become ready, or had just woken up, at that instant. */
export type Noticing = (at: number) => boolean;

export interface PastLease extends Lease {
  tokenId: string;
  /** null while it lasts. */
  end: { seq: number; at: number; reason: string } | null;
}

export class SequentialPool {
  readonly log: LogRow[] = [];
  /** After each fact, by its seq: the lease of each token, in the order of their making. */
  readonly states: (readonly (Lease | null)[])[];
  /** Every lease there has been, oldest first. */
  readonly leases: PastLease[] = [];
  readonly tokenIds: readonly string[];
  /** Tokens nobody holds, the longest free first. */
  readonly #free: string[];
  /** Tokens somebody holds, the least recently used first. */
  readonly #used: string[] = [];
  readonly #held = new Map<string, PastLease>();
  readonly #seqs = new Map<string, number>();

  constructor(tokenIds: readonly string[]) {
    this.tokenIds = tokenIds;
    this.#free = [...tokenIds];
    this.states = [tokenIds.map(() => null)];
  }

  get seq(): number {
    return this.log.length;
  }

  /** The seq of the fact that made the token what it is. */
  seqOf(tokenId: string): number {
    return this.#seqs.get(tokenId) ?? 0;
  }

  /** Leases that are over by `at`, and are not ended. */
  overdue(at: number): PastLease[] {
    return [...this.#held.values()].filter(({ expiresAt }) => expiresAt <= at);
  }

  tell(row: LogRow, noticing: Noticing): void {
    const last = this.log.at(-1);
    must(row.seq === this.seq + 1, 'I3', () => `fact ${row.seq} follows fact ${this.seq}`);
    const digest = digestOf(last?.digest ?? chainStart, row);
    must(row.digest === digest, 'I8', () => `the digest of fact ${row.seq} does not fit the log`);
    must(row.at >= (last?.at ?? row.at), 'I3', () => `time runs backwards at fact ${row.seq}`);
    this.#checkWhatItFollows(row, last);
    if (row.type !== 'opened' && row.type !== 'expired') this.#checkThatNoneIsOver(row);
    this.#carryOut(row, noticing);
    this.log.push(row);
    if (row.tokenId !== null) this.#seqs.set(row.tokenId, row.seq);
    const state = this.tokenIds.map((tokenId) => leaseOf(this.#held.get(tokenId)));
    this.states.push(state);
  }

  /** An eviction is two facts in a row, and a release of all leases leaves none. */
  #checkWhatItFollows(row: LogRow, last: LogRow | undefined): void {
    const newcomer = row.reason === 'allocated_after_eviction';
    const evicted = last?.reason === 'lru_eviction';
    const sameToken = row.tokenId === last?.tokenId && row.at === last?.at;
    must(
      newcomer === evicted && (!evicted || sameToken),
      'I7',
      () => `fact ${row.seq} tears an eviction apart`,
    );
    if (last?.reason === 'cleanup' && row.reason !== 'cleanup')
      must(this.#used.length === 0, 'I13', () => `the release of all left leases before fact ${row.seq}`);
  }

  /** Whatever is over by then has to be ended first. */
  #checkThatNoneIsOver(row: LogRow): void {
    const [over] = this.overdue(row.at);
    must(over === undefined, 'I6', () => `lease ${over?.fence} is over, and live at fact ${row.seq}`);
  }

  #carryOut(row: LogRow, noticing: Noticing): void {
    if (row.type === 'activated') this.#activate(row);
    else if (row.type === 'renewed') this.#renew(row);
    else if (row.type === 'released') this.#release(row);
    else if (row.type === 'expired') this.#expire(row, noticing);
  }

  #activate(row: LogRow): void {
    const { tokenId, seq, at, fence, leaseId, userId, expiresAt, metadata } = row;
    const before = this.#held.get(tokenId!);
    must(before === undefined, 'I1', () => `fact ${seq} grants what lease ${before?.fence} holds`);
    must(this.#free.includes(tokenId!), 'I2', () => `fact ${seq} grants an unknown token`);
    must(fence === seq, 'I3', () => `the fence of grant ${seq} is ${fence}`);
    // What was evicted for it has been freed just now, and is the only one.
    must(this.#free[0] === tokenId, 'I7', () => `grant ${seq} is not of the token that was free for longest`);
    const lease: PastLease = {
      tokenId: tokenId!,
      leaseId: leaseId!,
      userId: userId!,
      fence,
      activatedAt: at,
      expiresAt: expiresAt!,
      ttlMs: expiresAt! - at,
      metadata,
      end: null,
    };
    this.#free.shift();
    this.#used.push(lease.tokenId);
    this.#held.set(lease.tokenId, lease);
    this.leases.push(lease);
  }

  #renew(row: LogRow): void {
    const lease = this.#leaseOf(row);
    must(row.expiresAt! >= lease.expiresAt, 'I12', () => `fact ${row.seq} shortens lease ${lease.fence}`);
    lease.expiresAt = row.expiresAt!;
    move(this.#used, this.#used, lease.tokenId);
  }

  #release(row: LogRow): void {
    const lease = this.#leaseOf(row);
    if (row.reason === 'lru_eviction') {
      must(this.#free.length === 0, 'I7', () => `fact ${row.seq} evicts although a token is free`);
      const first = this.#used[0];
      must(first === row.tokenId, 'I7', () => `fact ${row.seq} evicts what was not used least recently`);
    }
    this.#end(lease, row, row.at);
  }

  #expire(row: LogRow, noticing: Noticing): void {
    const lease = this.#leaseOf(row);
    const { expiresAt, fence } = lease;
    const lateMs = row.at - expiresAt;
    must(lateMs >= 0, 'I5', () => `lease ${fence} expired ${-lateMs} ms early`);
    must(row.expiresAt === expiresAt, 'I8', () => `fact ${row.seq} ends another deadline`);
    must(lateMs === 0 || noticing(row.at), 'I6', () => `lease ${fence} expired ${lateMs} ms late`);
    this.#end(lease, row, expiresAt);
  }

  #end(lease: PastLease, row: LogRow, at: number): void {
    lease.end = { seq: row.seq, at, reason: row.reason };
    this.#held.delete(lease.tokenId);
    move(this.#used, this.#free, lease.tokenId);
  }

  #leaseOf({ seq, tokenId, leaseId, fence, userId }: LogRow): PastLease {
    const lease = this.#held.get(tokenId!);
    const fits = lease?.leaseId === leaseId && lease?.fence === fence && lease?.userId === userId;
    must(lease !== undefined && fits, 'I4', () => `fact ${seq} is of a lease that its token does not have`);
    return lease;
  }
}

function move(from: string[], to: string[], tokenId: string): void {
  from.splice(from.indexOf(tokenId), 1);
  to.push(tokenId);
}

function leaseOf(past: PastLease | undefined): Lease | null {
  if (past === undefined) return null;
  const { tokenId: _, end: __, ...lease } = past;
  return lease;
}
