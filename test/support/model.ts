/** A pool as one would explain it: arrays, a look at everything at each step, and no timers. */
import { twoMinutes } from './world.ts';

export interface ModelProof {
  userId?: string;
  leaseId?: string;
}

export interface ModelLease {
  token: number;
  leaseId: string;
  userId: string;
  expiresAt: number;
}

export class ModelPool {
  /** Tokens nobody holds, the longest free first. */
  free: number[];
  /** Leases, the least recently used first. */
  leases: ModelLease[] = [];
  #grants = 0;

  constructor(size: number) {
    this.free = Array.from({ length: size }, (_, token) => token);
  }

  /** Ends what has run out, earliest deadline first, and of one instant in the order in which timers were set. */
  pass(at: number): void {
    const over = this.leases
      .filter(({ expiresAt }) => expiresAt <= at)
      .sort((a, b) => a.expiresAt - b.expiresAt);
    for (const lease of over) this.#end(lease);
  }

  /** The user who was evicted, if one was. */
  allocate(at: number, userId: string, ttlMs = twoMinutes): string | null {
    this.pass(at);
    const evicted = this.free.length === 0 ? this.leases[0]! : null;
    if (evicted) this.#end(evicted);
    const leaseId = `lease ${++this.#grants}`;
    this.leases.push({ token: this.free.shift()!, leaseId, userId, expiresAt: at + ttlMs });
    return evicted?.userId ?? null;
  }

  renew(at: number, token: number, proof: ModelProof, ttlMs: number): string | null {
    const lease = this.#proven(at, token, proof);
    if (typeof lease === 'string') return lease;
    this.leases = this.leases.filter((other) => other !== lease);
    this.leases.push({ ...lease, expiresAt: Math.max(lease.expiresAt, at + ttlMs) });
    return null;
  }

  release(at: number, token: number, proof: ModelProof): string | null {
    const lease = this.#proven(at, token, proof);
    if (typeof lease === 'string') return lease;
    this.#end(lease);
    return null;
  }

  releaseAll(at: number): number {
    this.pass(at);
    const ended = this.leases;
    for (const lease of ended) this.#end(lease);
    return ended.length;
  }

  #proven(at: number, token: number, { userId, leaseId }: ModelProof): ModelLease | string {
    this.pass(at);
    const lease = this.leases.find((each) => each.token === token);
    if (!lease) return 'token_not_active';
    const proven =
      (userId === undefined || userId === lease.userId) &&
      (leaseId === undefined || leaseId === lease.leaseId);
    return proven ? lease : 'lease_mismatch';
  }

  #end(lease: ModelLease): void {
    this.leases = this.leases.filter((other) => other !== lease);
    this.free.push(lease.token);
  }
}
