/**
 * A pool as one would explain it, told its log fact by fact: arrays, a look at everything at each step, no timers.
 * Breaks at the first fact that the rules do not allow, and remembers every state there has been.
 */
import { chainStart, digestOf } from '../../src/journal/chain.ts';
import type { NewToken } from '../../src/journal/store.ts';
import { readOptions } from '../../src/journal/stored-options.ts';
import type { Labels, Lease } from '../../src/lease/lease.ts';
import type { PoolOptions } from '../../src/lease/pool-options.ts';
import { must } from './broken.ts';
import type { LogRow, TokenRow } from './ground.ts';
import {
  evictable,
  excess,
  fits,
  free,
  heldBy,
  heldIn,
  type PoolState,
  shortage,
  wouldBeTwice,
} from './pool-state.ts';

/** Whether whoever wrote what ended by itself had just become ready, or had just woken up, at that instant. */
export type Noticing = (at: number) => boolean;

/** What a grant was asked for with. */
export interface GrantAsk {
  labels?: Labels | undefined;
}

export interface PastLease extends Lease {
  tokenId: string;
  /** null while it lasts. */
  end: { seq: number; at: number; reason: string } | null;
}

const none: PoolState = { options: null, tokens: [] };

export class SequentialPool {
  readonly name: string;
  readonly log: LogRow[] = [];
  /** After each fact, by its seq. */
  readonly states: PoolState[] = [none];
  /** Every lease there has been, oldest first. */
  readonly leases: PastLease[] = [];
  /** Every token there has been, in the order of their making. */
  readonly tokenIds: string[] = [];
  /** The state before the eviction that is under way. */
  #evicting: PoolState | null = null;
  /** A release of all leases is under way. */
  #isClearing = false;
  /** A token that leaves, and is free: it must be deleted before anything else. */
  #leaving: string | null = null;

  constructor(name: string) {
    this.name = name;
  }

  get seq(): number {
    return this.log.length;
  }

  get state(): PoolState {
    return this.states.at(-1)!;
  }

  /** Throws away what cannot be: the tokens of a pool that there is not. */
  get options(): PoolOptions {
    const { options } = this.state;
    must(options !== null, 'I8', () => `pool '${this.name}' is used, and is not there`);
    return options;
  }

  tell(row: LogRow, made: readonly NewToken[], ask: GrantAsk | null, noticing: Noticing): void {
    const last = this.log.at(-1);
    must(row.seq === this.seq + 1, 'I3', () => `fact ${row.seq} follows fact ${this.seq}`);
    const digest = digestOf(last?.digest ?? chainStart, row);
    must(row.digest === digest, 'I8', () => `the digest of fact ${row.seq} does not fit the log`);
    must(row.at >= (last?.at ?? row.at), 'I3', () => `time runs backwards at fact ${row.seq}`);
    this.#checkWhatItFollows(row, last);
    if (isOfCommand(row)) this.#checkThatNothingIsLeftUndone(row);
    this.states.push(this.#after(row, made, ask, noticing));
    this.log.push(row);
  }

  /** Leases, rests and the like that are over by `at`, and are not ended. */
  overdue(at: number): TokenRow[] {
    return this.state.tokens.filter((token) => (dueAt(token) ?? Number.POSITIVE_INFINITY) <= at);
  }

  /** An eviction is two facts in a row, a release of all leases leaves none, and who leaves is gone at once. */
  #checkWhatItFollows(row: LogRow, last: LogRow | undefined): void {
    const newcomer = row.reason === 'allocated_after_eviction';
    const evicted = this.#evicting !== null;
    const sameToken = row.tokenId === last?.tokenId && row.at === last?.at;
    must(
      newcomer === evicted && (!evicted || sameToken),
      'I7',
      () => `fact ${row.seq} tears an eviction apart`,
    );
    const goesOn = row.reason === last?.reason || row.type === 'deleted' || row.type === 'released';
    if (this.#isClearing && !goesOn) {
      const isClear = heldIn(this.state).length === 0;
      must(isClear, 'I13', () => `the release of all left leases before fact ${row.seq}`);
      this.#isClearing = false;
    }
    const isGone = row.type === 'deleted' && row.tokenId === this.#leaving;
    must(this.#leaving === null || isGone, 'drain', () => `fact ${row.seq} is before what leaves has gone`);
    this.#leaving = null;
  }

  /** Whatever is over by then has to be ended first, and those too many that nobody holds have to be gone. */
  #checkThatNothingIsLeftUndone(row: LogRow): void {
    const [over] = this.overdue(row.at);
    must(over === undefined, 'I6', () => `what ${over?.tokenId} is in is over at fact ${row.seq}`);
    const isDrained = excess(this.state) <= heldIn(this.state).length;
    must(isDrained, 'drain', () => `there are too many tokens at fact ${row.seq}, which nobody holds`);
    const short = shortage(this.state);
    must(short === 0, 'I2', () => `there are ${short} tokens too few at fact ${row.seq}`);
  }

  #after(row: LogRow, made: readonly NewToken[], ask: GrantAsk | null, noticing: Noticing): PoolState {
    switch (row.type) {
      case 'opened':
        return this.#open(row, made);
      case 'changed': {
        const options = optionsIn(row);
        must(!wouldBeTwice(this.state, options), 'I2', () => `fact ${row.seq} has a thing held twice`);
        return { ...this.state, options };
      }
      case 'closed':
        must(heldIn(this.state).length === 0, 'I13', () => `fact ${row.seq} closes a pool with leases`);
        return none;
      case 'created':
        return this.#create(row, made);
      case 'deleted':
        return this.#delete(row, noticing);
      default: {
        const token = this.state.tokens.find(({ tokenId }) => tokenId === row.tokenId);
        must(token !== undefined, 'I2', () => `fact ${row.seq} is of an unknown token`);
        const after = { ...token, ...this.#change(row, token, ask, noticing), seq: row.seq };
        return { ...this.state, tokens: this.state.tokens.map((each) => (each === token ? after : each)) };
      }
    }
  }

  /** By another process; or made, with its options. The order of use is that of the facts then. */
  #open(row: LogRow, made: readonly NewToken[]): PoolState {
    if (row.metadata === null) {
      this.options;
      return { ...this.state, tokens: this.state.tokens.map((token) => ({ ...token, usedSeq: token.seq })) };
    }
    must(this.state.options === null, 'I8', () => `fact ${row.seq} makes a pool that is there`);
    const options = optionsIn(row);
    const size = options.membership === 'fixed' ? options.size : 0;
    // Others may have been created in the same commit.
    const tokens = made
      .map((token) => newToken(token))
      .sort((a, b) => a.ordinal - b.ordinal)
      .slice(0, size);
    must(tokens.length === size, 'I2', () => `the pool is made with ${tokens.length} tokens, not ${size}`);
    this.tokenIds.push(...tokens.map(({ tokenId }) => tokenId));
    return { options, tokens };
  }

  #create({ seq, tokenId, at, reason, metadata }: LogRow, made: readonly NewToken[]): PoolState {
    const { membership, size, idleTtlMs } = this.options;
    const { tokens } = this.state;
    const details = (metadata ?? {}) as { name?: string; labels?: Labels };
    const { name = null, labels = {} } = details;
    const isElastic = membership === 'elastic';
    must(isElastic === (reason === 'token_created'), 'I2', () => `fact ${seq} adds to a fixed pool`);
    const hasRoom = tokens.length - excess(this.state) < size;
    must(hasRoom, 'I2', () => `fact ${seq} makes more than ${size} tokens`);
    const row = made.find((each) => each.tokenId === tokenId);
    // One that is made and gone in one commit has no row.
    const ordinal = row?.ordinal ?? Number.MAX_SAFE_INTEGER;
    const keptUntil = idleTtlMs === null ? null : at + idleTtlMs;
    this.tokenIds.push(tokenId!);
    const token = { ...newToken({ tokenId: tokenId!, name, labels, ordinal }), keptUntil, seq };
    return { ...this.state, tokens: [...tokens, token] };
  }

  #delete({ seq, tokenId, at, reason }: LogRow, noticing: Noticing): PoolState {
    const token = this.state.tokens.find((each) => each.tokenId === tokenId);
    must(token !== undefined, 'I2', () => `fact ${seq} deletes an unknown token`);
    must(token.lease === null, 'I1', () => `fact ${seq} deletes a token that somebody holds`);
    if (reason === 'pool_shrunk')
      must(excess(this.state) > 0, 'I2', () => `fact ${seq} deletes a token that has its place`);
    else must(this.options.membership === 'elastic', 'I2', () => `fact ${seq} takes from a fixed pool`);
    if (reason === 'idle_ttl_expired') {
      const isIdle = token.withdrawn === null && token.keptUntil !== null;
      must(isIdle, 'idle', () => `fact ${seq} deletes what is to be kept`);
      onTime(seq, token.keptUntil!, at, noticing);
    }
    return { ...this.state, tokens: this.state.tokens.filter((each) => each !== token) };
  }

  #change(row: LogRow, token: ModelToken, ask: GrantAsk | null, noticing: Noticing): Partial<ModelToken> {
    const { seq, at, type } = row;
    const { idleTtlMs } = this.options;
    const keptUntil = idleTtlMs === null ? null : at + idleTtlMs;
    switch (type) {
      case 'activated':
        return this.#activate(row, token, ask);
      case 'renewed':
        return this.#renew(row, token);
      case 'released':
        return this.#release(row, token);
      case 'expired':
        return this.#expire(row, token, noticing);
      case 'rested': {
        const { restsUntil, lease, withdrawn } = token;
        const rests = restsUntil !== null && lease === null && withdrawn === null;
        must(rests, 'cool-down', () => `fact ${seq} ends a rest that there is not`);
        onTime(seq, restsUntil, at, noticing);
        return { restsUntil: null, keptUntil: idleTtlMs === null ? null : restsUntil + idleTtlMs };
      }
      case 'withdrawn': {
        const { note = null } = (row.metadata ?? {}) as { note?: string };
        return { withdrawn: { note }, keptUntil: null };
      }
      case 'restored': {
        must(token.withdrawn !== null, 'maintenance', () => `fact ${seq} brings back what was not away`);
        const restsUntil = (token.restsUntil ?? at) > at ? token.restsUntil : null;
        const isFree = token.lease === null && restsUntil === null;
        // Who holds it has used it by that.
        return { withdrawn: null, restsUntil, keptUntil: isFree ? keptUntil : null, usedSeq: seq };
      }
      default:
        must(false, 'I8', () => `fact ${seq} is of no known type`);
    }
  }

  #activate(row: LogRow, token: ModelToken, ask: GrantAsk | null): Partial<ModelToken> {
    const { tokenId, seq, at, fence, leaseId, userId, expiresAt, metadata } = row;
    const labels = ask?.labels;
    must(token.lease === null, 'I1', () => `fact ${seq} grants what lease ${token.lease?.fence} holds`);
    must(fence === seq, 'I3', () => `the fence of grant ${seq} is ${fence}`);
    must(fits(token, labels), 'labels', () => `grant ${seq} is of a token with other labels`);
    must(token.restsUntil === null, 'cool-down', () => `grant ${seq} is of a token that rests`);
    must(token.withdrawn === null, 'maintenance', () => `grant ${seq} is of a token in maintenance`);
    const [first] = free(this.state, labels);
    must(first === token, 'I7', () => `grant ${seq} is not of the token that was free for longest`);
    const { maxPerUser } = this.options;
    const isWithin = maxPerUser === null || heldBy(this.state, userId!).length < maxPerUser;
    must(isWithin, 'limit', () => `grant ${seq} is one more than the user may hold`);
    if (this.#evicting) this.#mustBeToEvict(this.#evicting, row, labels);
    const lease: Lease = {
      ...{ leaseId: leaseId!, userId: userId!, fence, activatedAt: at },
      ...{ expiresAt: expiresAt!, ttlMs: expiresAt! - at, metadata },
    };
    this.#evicting = null;
    this.leases.push({ ...lease, tokenId: tokenId!, end: null });
    return { lease, keptUntil: null, usedSeq: seq };
  }

  /** Those too many leave when their leases have run out: which of the first in the order of use is not said. */
  #mustBeToEvict(before: PoolState, { seq, at, tokenId }: LogRow, labels: Labels | undefined): void {
    must(free(before, labels).length === 0, 'I7', () => `grant ${seq} evicts although a token is free`);
    const { minHoldMs, eviction } = this.options;
    const candidates = evictable(before, labels, at - minHoldMs);
    const place = candidates.findIndex((each) => each.tokenId === tokenId);
    must(place >= 0, 'min hold', () => `grant ${seq} evicts what had just been granted`);
    must(place <= excess(before), 'I7', () => `grant ${seq} evicts what is not the first by ${eviction}`);
  }

  #renew(row: LogRow, token: ModelToken): Partial<ModelToken> {
    const lease = leaseOf(row, token);
    must(row.expiresAt! >= lease.expiresAt, 'I12', () => `fact ${row.seq} shortens lease ${lease.fence}`);
    must(token.withdrawn === null, 'maintenance', () => `fact ${row.seq} renews what is to run out`);
    const { maxLifetimeMs } = this.options;
    const latest = Math.max(lease.expiresAt, lease.activatedAt + (maxLifetimeMs ?? Number.POSITIVE_INFINITY));
    must(row.expiresAt! <= latest, 'lifetime', () => `fact ${row.seq} renews beyond the longest lifetime`);
    const renewed = { ...lease, expiresAt: row.expiresAt! };
    this.#past(lease).expiresAt = row.expiresAt!;
    return { lease: renewed, usedSeq: row.seq };
  }

  #release(row: LogRow, token: ModelToken): Partial<ModelToken> {
    const { reason, seq, at } = row;
    const lease = leaseOf(row, token);
    if (reason === 'lru_eviction' || reason === 'oldest_eviction') {
      const { whenFull, eviction } = this.options;
      const isTheRule = whenFull === 'evict' && reason === `${eviction}_eviction`;
      must(isTheRule, 'I7', () => `fact ${seq} evicts in another way than the pool does`);
      this.#evicting = this.state;
    }
    if (reason === 'cleanup' || reason === 'pool_deleted') this.#isClearing = true;
    if (reason === 'token_deleted') this.#leaving = token.tokenId;
    return this.#end(lease, row, token, at);
  }

  #expire(row: LogRow, token: ModelToken, noticing: Noticing): Partial<ModelToken> {
    const lease = leaseOf(row, token);
    must(row.expiresAt === lease.expiresAt, 'I8', () => `fact ${row.seq} ends another deadline`);
    onTime(row.seq, lease.expiresAt, row.at, noticing);
    return this.#end(lease, row, token, lease.expiresAt);
  }

  /** What follows the lease: a rest, or being kept for a while; or nothing, where the token leaves. */
  #end(lease: Lease, { seq, reason, metadata }: LogRow, token: ModelToken, at: number): Partial<ModelToken> {
    this.#past(lease).end = { seq, at, reason };
    const { coolDownMs, idleTtlMs } = this.options;
    const wasLetGo = reason === 'released_by_client' || reason === 'caller_gone';
    const restsUntil = coolDownMs > 0 && !wasLetGo ? at + coolDownMs : null;
    const isKept = restsUntil === null && idleTtlMs !== null && token.withdrawn === null;
    const keptUntil = isKept ? at + idleTtlMs : null;
    const isPlain = metadata === null && (restsUntil !== null || keptUntil !== null);
    if (isPlain && excess(this.state) > 0 && token.withdrawn === null) this.#leaving = token.tokenId;
    const leaves = this.#leaving === token.tokenId || (isPlain && excess(this.state) > 0);
    return { lease: null, ...(leaves ? noFollowing : { restsUntil, keptUntil }) };
  }

  #past(lease: Lease): PastLease {
    return this.leases.findLast(({ fence }) => fence === lease.fence)!;
  }
}

type ModelToken = PoolState['tokens'][number];

const noFollowing = { restsUntil: null, keptUntil: null };

const newToken = ({ tokenId, name, labels, ordinal }: Omit<NewToken, 'pool' | 'madeSeq'>): ModelToken => ({
  ...{ tokenId, name, labels, ordinal, lease: null, restsUntil: null, keptUntil: null, withdrawn: null },
  ...{ seq: 0, usedSeq: 0 },
});

function optionsIn({ metadata }: LogRow): PoolOptions {
  const options = readOptions(metadata);
  must(options !== null, 'I8', () => 'a fact that tells of options has none');
  return options;
}

function dueAt({ lease, restsUntil, keptUntil, withdrawn }: TokenRow): number | null {
  if (lease !== null) return lease.expiresAt;
  return withdrawn === null ? (restsUntil ?? keptUntil) : null;
}

/** Whether somebody asked for it, and not the time, or the start of a process. */
const isOfCommand = ({ type, reason }: LogRow): boolean =>
  type !== 'opened' &&
  type !== 'expired' &&
  type !== 'rested' &&
  (type !== 'deleted' || reason === 'deleted_by_client') &&
  reason !== 'pool_grown';

function onTime(seq: number, due: number, at: number, noticing: Noticing): void {
  const lateMs = at - due;
  must(lateMs >= 0, 'I5', () => `fact ${seq} is ${-lateMs} ms early`);
  must(lateMs === 0 || noticing(at), 'I6', () => `fact ${seq} is ${lateMs} ms late`);
}

function leaseOf({ seq, leaseId, fence, userId }: LogRow, { lease }: ModelToken): Lease {
  const isIts = lease?.leaseId === leaseId && lease?.fence === fence && lease?.userId === userId;
  must(lease !== null && isIts, 'I4', () => `fact ${seq} is of a lease that its token does not have`);
  return lease;
}
