/** A pool as one would explain it: arrays, a look at everything at each step, and no timers. */
import type { Labels, TokenTraits } from '../../src/lease/lease.ts';
import type { PoolOptions } from '../../src/lease/pool-options.ts';

export interface ModelProof {
  userId?: string;
  leaseId?: string;
}

export interface ModelLease {
  leaseId: string;
  userId: string;
  ttlMs: number;
  activatedAt: number;
  expiresAt: number;
  /** When it was granted, and when it was used last, in turns. */
  granted: number;
  used: number;
}

export interface ModelAsking {
  userId: string;
  leaseIds: string[];
  ttlMs: number;
  labels?: Labels | undefined;
  onExisting?: 'new' | 'return' | 'renew' | undefined;
  wait?: { priority: number } | undefined;
}

export interface ModelToken extends TokenTraits {
  lease: ModelLease | null;
  restsUntil: number | null;
  keptUntil: number | null;
  withdrawn: boolean;
  leaving: boolean;
  place: 'free' | 'used' | 'aside' | 'gone';
  /** Since when it is there, in turns; of its newest fact; and since when what ends by itself is under way. */
  since: number;
  told: number;
  armed: number;
}

/** What is answered: a refusal, or how it was granted; null for what has simply been done. */
export type ModelAnswer = string | null;

export class ModelPool {
  options: PoolOptions;
  tokens: ModelToken[] = [];
  line: (ModelAsking & { priority: number })[] = [];
  /** Every fact, as `type token`. */
  facts: string[] = [];
  served: string[] = [];
  #turn = 0;
  /** When those in line were served last. */
  #at = 0;

  constructor(options: PoolOptions, traits: readonly TokenTraits[]) {
    this.options = options;
    for (const each of traits) this.tokens.push(this.#fresh(each, null));
  }

  /** Time passes with its timers: everything at its own instant, and then those who wait are served. */
  advance(to: number): void {
    for (;;) {
      const due = this.#due(to).map((token) => dueAt(token)!);
      const wakings = this.#wakings().filter((at) => at > this.#at && at <= to);
      const next = Math.min(...due, ...wakings);
      if (next > to) break;
      this.pass(next);
    }
  }

  /** Time has passed unseen: all that is due ends, and those who wait are served by what is left of it. */
  pass(at: number): void {
    for (let due = this.#due(at); due.length > 0; due = this.#due(at)) {
      for (const token of due) this.#endWhatIsDue(token);
    }
    this.#serve(at);
  }

  allocate(at: number, asked: ModelAsking): ModelAnswer {
    const answer = this.#ask(at, asked);
    this.#serve(at);
    return answer;
  }

  #ask(at: number, asked: ModelAsking): ModelAnswer {
    const { options } = this;
    const { userId, leaseIds, labels, onExisting = 'new', ttlMs } = asked;
    const own = this.tokens.filter(({ lease }) => lease?.userId === userId);
    const newest = this.#newestOf(asked);
    if (newest && onExisting === 'return') return `held ${newest.tokenId}`;
    if (newest && onExisting === 'renew') return this.renew(at, newest.tokenId, {}, ttlMs);
    const waiting = this.line.filter((each) => each.userId === userId).length;
    if (options.maxPerUser !== null && own.length + waiting + leaseIds.length > options.maxPerUser)
      return 'user_limit_reached';
    const free = this.#free(labels);
    if (free.length >= leaseIds.length) return this.#grantAll(at, asked);
    const possible = this.tokens.filter((token) => !token.leaving && fits(token, labels));
    if (leaseIds.length > options.size) return 'no_such_token';
    if (labels && options.membership === 'fixed' && possible.length < leaseIds.length) return 'no_such_token';
    const enough = free.length + this.#evictable(at, labels).length >= leaseIds.length;
    if (options.whenFull === 'evict' && enough) return this.#grantAll(at, asked);
    if (leaseIds.length === 1 && (asked.wait || options.whenFull === 'wait')) {
      if (this.line.length >= options.queueMax) return 'queue_full';
      const { priority } = asked.wait ?? { priority: 0 };
      this.line.push({ ...asked, priority });
      // Sorting keeps the order of those of one priority.
      this.line.sort((a, b) => b.priority - a.priority);
      return 'waits';
    }
    return 'pool_full';
  }

  leave(leaseId: string): void {
    this.line = this.line.filter(({ leaseIds }) => leaseIds[0] !== leaseId);
  }

  renew(at: number, tokenId: string, proof: ModelProof, ttlMs?: number): ModelAnswer {
    const token = this.#proven(tokenId, proof);
    if (typeof token === 'string') return token;
    if (token.withdrawn || token.leaving) return 'token_withdrawn';
    const lease = token.lease!;
    const latest = lease.activatedAt + (this.options.maxLifetimeMs ?? Number.POSITIVE_INFINITY);
    const asked = Math.min(at + (ttlMs ?? lease.ttlMs), latest);
    lease.expiresAt = Math.max(lease.expiresAt, asked);
    this.#tell('renewed', token);
    lease.used = token.armed = this.#turn;
    return null;
  }

  release(at: number, tokenId: string, proof: ModelProof): ModelAnswer {
    const token = this.#proven(tokenId, proof);
    if (typeof token === 'string') return token;
    this.#end('released', token, at, true);
    this.#serve(at);
    return null;
  }

  releaseAll(at: number): void {
    const held = [...this.#inOrderOfUse(), ...this.#asideOnes().filter(({ lease }) => lease)];
    for (const token of held) this.#end('released', token, at, false);
    this.#serve(at);
  }

  create(at: number, traits: TokenTraits): ModelAnswer {
    if (this.options.membership === 'fixed') return 'pool_not_elastic';
    if (this.tokens.length >= this.options.size) return 'pool_limit_reached';
    this.#add(at, traits);
    this.#serve(at);
    return null;
  }

  delete(at: number, tokenId: string): ModelAnswer {
    if (this.options.membership === 'fixed') return 'pool_not_elastic';
    const token = this.#find(tokenId);
    if (!token) return 'not_found';
    token.leaving = true;
    if (token.lease) this.#end('released', token, at, false);
    else this.#remove(token);
    this.#serve(at);
    return null;
  }

  withdraw(at: number, tokenId: string, endLease: boolean): ModelAnswer {
    const token = this.#find(tokenId);
    if (!token) return 'not_found';
    token.withdrawn = true;
    token.keptUntil = null;
    this.#tell('withdrawn', token);
    this.#place(token);
    if (token.lease && endLease) this.#end('released', token, at, false);
    // Nothing has come free by it, but its user may be allowed another one now.
    this.#serve(at);
    return null;
  }

  restore(at: number, tokenId: string): ModelAnswer {
    const token = this.#find(tokenId);
    if (!token) return 'not_found';
    if (!token.withdrawn) return 'token_not_withdrawn';
    token.withdrawn = false;
    if (token.restsUntil !== null && token.restsUntil <= at) token.restsUntil = null;
    if (!token.lease && token.restsUntil === null) token.keptUntil = this.#keptFrom(at);
    this.#tell('restored', token);
    if (token.lease) token.lease.used = this.#turn;
    // The timer of a lease goes on.
    if (!token.lease) token.armed = this.#turn;
    this.#place(token);
    this.#serve(at);
    return null;
  }

  change(at: number, options: PoolOptions, newTokens: readonly TokenTraits[]): void {
    this.options = options;
    this.facts.push('changed');
    for (const traits of newTokens) this.#add(at, traits);
    this.#settle();
    this.#serve(at);
  }

  /** Another process goes on with what is in the log. */
  restart(at: number): void {
    this.line = [];
    const rows = [...this.tokens].sort(
      (a, b) => Number(a.lease !== null) - Number(b.lease !== null) || a.told - b.told,
    );
    for (const token of rows) {
      token.leaving = false;
      token.since = token.armed = ++this.#turn;
      token.place = placeOf(token);
      // The log knows the newest fact of a token, whatever it was.
      if (token.lease) token.lease.used = token.told;
    }
    this.tokens = rows;
    for (const token of [...rows])
      if (token.lease && token.lease.expiresAt <= at)
        this.#end('expired', token, token.lease.expiresAt, false);
    this.#settle();
    this.pass(at);
  }

  #fresh(traits: TokenTraits, keptUntil: number | null): ModelToken {
    const turn = ++this.#turn;
    const nothing = { lease: null, restsUntil: null, withdrawn: false, leaving: false };
    return { ...traits, ...nothing, keptUntil, place: 'free', since: turn, told: turn, armed: turn };
  }

  #add(at: number, traits: TokenTraits): void {
    const token = this.#fresh(traits, this.#keptFrom(at));
    this.tokens.push(token);
    this.#tell('created', token);
  }

  #remove(token: ModelToken): void {
    this.tokens = this.tokens.filter((other) => other !== token);
    token.place = 'gone';
    this.#tell('deleted', token);
  }

  /** Those that there is no place for leave, and nobody else does. */
  #settle(): void {
    const { options } = this;
    const kindOf = ({ name, labels }: { name: string | null; labels: Labels }) =>
      options.tokens === null ? '' : JSON.stringify([name, Object.entries(labels).sort()]);
    const kinds = options.tokens?.map(kindOf) ?? Array.from({ length: options.size }, () => '');
    const ranked = [...this.tokens].sort(
      (a, b) => this.#rank(b) - this.#rank(a) || this.#within(b) - this.#within(a),
    );
    const left = new Set<ModelToken>();
    for (const token of ranked) {
      const index = kinds.indexOf(kindOf(token));
      if (index < 0) left.add(token);
      else kinds.splice(index, 1);
    }
    for (const token of [...this.tokens]) {
      token.leaving = left.has(token);
      if (token.leaving && !token.lease) this.#remove(token);
      else this.#place(token);
    }
  }

  /** Who leaves before whom: the lower first. */
  #rank({ leaving, place, lease }: ModelToken): number {
    if (leaving) return 0;
    if (place === 'free') return 2;
    if (place === 'used') return 4;
    return lease ? 3 : 1;
  }

  #within(token: ModelToken): number {
    return token.place === 'used' ? this.#use(token) : token.since;
  }

  #use({ lease }: ModelToken): number {
    return this.options.eviction === 'lru' ? lease!.used : lease!.granted;
  }

  #grantAll(at: number, asked: ModelAsking): ModelAnswer {
    for (const leaseId of asked.leaseIds) {
      const [free] = this.#free(asked.labels);
      const token = free ?? this.#evictable(at, asked.labels)[0]!;
      if (!free) this.#tell('released', token);
      this.#grant(at, token, asked, leaseId);
    }
    return null;
  }

  #grant(at: number, token: ModelToken, { userId, ttlMs }: ModelAsking, leaseId: string): void {
    this.#tell('activated', token);
    const turn = this.#turn;
    const expiresAt = at + ttlMs;
    token.lease = { leaseId, userId, ttlMs, activatedAt: at, expiresAt, granted: turn, used: turn };
    token.keptUntil = null;
    token.armed = turn;
    this.#place(token);
  }

  /** Those in line get what they can, again and again, until nobody can get anything. */
  #serve(at: number): void {
    this.#at = at;
    do this.#showHeld(at);
    while (this.#offer(at));
  }

  /** Who would rather have what their user holds is answered as if they came now. */
  #showHeld(at: number): void {
    for (const waiter of this.line.filter((each) => this.#isContent(each))) {
      const [leaseId] = waiter.leaseIds as [string];
      this.leave(leaseId);
      const { tokenId } = this.#newestOf(waiter)!;
      this.served.push(`${leaseId} ${this.#ask(at, waiter) ?? tokenId}`);
    }
  }

  /** Whether anybody was granted anything. */
  #offer(at: number): boolean {
    let served = false;
    for (const waiter of [...this.line]) {
      if (this.#hasEnough(waiter.userId) || this.#isContent(waiter)) continue;
      const [free] = this.#free(waiter.labels);
      // Nothing is evicted for those in line in the instant of its grant.
      const [used] = this.options.whenFull === 'evict' ? this.#evictable(at, waiter.labels, 1) : [];
      const token = free ?? used;
      if (!token) continue;
      if (!free) this.#tell('released', token);
      this.leave(waiter.leaseIds[0]!);
      this.#grant(at, token, waiter, waiter.leaseIds[0]!);
      this.served.push(`${waiter.leaseIds[0]} ${token.tokenId}`);
      served = true;
    }
    return served;
  }

  #isContent(waiter: ModelAsking): boolean {
    return (waiter.onExisting ?? 'new') !== 'new' && this.#newestOf(waiter) !== undefined;
  }

  /** What the user was granted last, of what would do. */
  #newestOf({ userId, labels }: ModelAsking): ModelToken | undefined {
    return this.tokens
      .filter((token) => token.lease?.userId === userId && fits(token, labels))
      .sort((a, b) => a.lease!.granted - b.lease!.granted)
      .at(-1);
  }

  #hasEnough(userId: string): boolean {
    const held = this.tokens.filter(({ lease }) => lease?.userId === userId).length;
    return held >= (this.options.maxPerUser ?? Number.POSITIVE_INFINITY);
  }

  /** When a lease will have been held for long enough to be evicted for somebody in line. */
  #wakings(): number[] {
    if (this.options.whenFull !== 'evict' || this.line.length === 0) return [];
    const heldMs = Math.max(this.options.minHoldMs, 1);
    return this.#inOrderOfUse().map(({ lease }) => lease!.activatedAt + heldMs);
  }

  /** Ends the lease; what follows begins at `over`. */
  #end(type: string, token: ModelToken, over: number, isLetGo: boolean): void {
    const { leaving, withdrawn } = token;
    const rests = !leaving && !isLetGo && this.options.coolDownMs > 0;
    token.lease = null;
    token.restsUntil = rests ? over + this.options.coolDownMs : null;
    token.keptUntil = !rests && !withdrawn && !leaving ? this.#keptFrom(over) : null;
    this.#tell(type, token);
    token.armed = this.#turn;
    if (leaving) this.#remove(token);
    else this.#place(token);
  }

  #endWhatIsDue(token: ModelToken): void {
    if (token.lease) this.#end('expired', token, token.lease.expiresAt, false);
    else if (token.restsUntil !== null) {
      token.keptUntil = this.#keptFrom(token.restsUntil);
      token.restsUntil = null;
      this.#tell('rested', token);
      token.armed = this.#turn;
      this.#place(token);
    } else this.#remove(token);
  }

  /** What ends by itself by then: the earliest first, and of one instant what was begun first. */
  #due(at: number): ModelToken[] {
    return this.tokens
      .filter((token) => dueAt(token) !== null && dueAt(token)! <= at)
      .sort((a, b) => dueAt(a)! - dueAt(b)! || a.armed - b.armed);
  }

  #keptFrom(at: number): number | null {
    return this.options.idleTtlMs === null ? null : at + this.options.idleTtlMs;
  }

  #free(labels: Labels | undefined): ModelToken[] {
    return this.tokens
      .filter((token) => token.place === 'free' && fits(token, labels))
      .sort((a, b) => a.since - b.since);
  }

  #evictable(at: number, labels: Labels | undefined, leastMs = 0): ModelToken[] {
    const granted = at - Math.max(this.options.minHoldMs, leastMs);
    return this.#inOrderOfUse().filter((token) => fits(token, labels) && token.lease!.activatedAt <= granted);
  }

  #inOrderOfUse(): ModelToken[] {
    return this.tokens.filter(({ place }) => place === 'used').sort((a, b) => this.#use(a) - this.#use(b));
  }

  #asideOnes(): ModelToken[] {
    return this.tokens.filter(({ place }) => place === 'aside').sort((a, b) => a.since - b.since);
  }

  #find(tokenId: string): ModelToken | undefined {
    return this.tokens.find((each) => each.tokenId === tokenId);
  }

  #proven(tokenId: string, { userId, leaseId }: ModelProof): ModelToken | string {
    const token = this.#find(tokenId);
    if (!token) return 'not_found';
    if (!token.lease) return 'token_not_active';
    const proven =
      (userId === undefined || userId === token.lease.userId) &&
      (leaseId === undefined || leaseId === token.lease.leaseId);
    return proven ? token : 'lease_mismatch';
  }

  #place(token: ModelToken): void {
    const place = placeOf(token);
    if (token.place === place) return;
    token.place = place;
    token.since = ++this.#turn;
  }

  #tell(type: string, token: ModelToken): void {
    token.told = ++this.#turn;
    this.facts.push(`${type} ${token.tokenId}`);
  }
}

export function fits({ labels }: { labels: Labels }, asked: Labels | undefined): boolean {
  return Object.entries(asked ?? {}).every(([name, value]) => labels[name] === value);
}

function placeOf({ lease, restsUntil, withdrawn, leaving }: ModelToken): ModelToken['place'] {
  if (restsUntil !== null || withdrawn || leaving) return 'aside';
  return lease ? 'used' : 'free';
}

function dueAt({ lease, restsUntil, keptUntil, withdrawn }: ModelToken): number | null {
  if (lease) return lease.expiresAt;
  return withdrawn ? null : (restsUntil ?? keptUntil);
}
