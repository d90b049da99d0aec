/**
 * What must hold of the log by itself, whatever clients were told: [I1] [I2] [I3] [I5] [I7] [I8] [I11] [I12] [I13].
 * Each look is at one fact and the pool before it.
 */
import type { LoggedFact, Snapshot, TokenRow, Violation } from './history.ts';

const reasons: Record<string, string[]> = {
  opened: ['pool_opened'],
  activated: ['allocated', 'allocated_after_eviction'],
  renewed: ['renewed_by_client'],
  released: ['released_by_client', 'lru_eviction', 'cleanup'],
  expired: ['ttl_expired', 'ttl_expired_while_down'],
};

/** A token while the log is walked; `seq` is that of the last fact that used or freed it. */
type Standing = Pick<TokenRow, 'id' | 'ordinal' | 'fence' | 'expiresAt' | 'seq'>;

export function checkLog(snapshot: Snapshot, size: number): Violation[] {
  return new LogWalk(snapshot, size).violations();
}

class LogWalk {
  readonly #snapshot: Snapshot;
  readonly #size: number;
  readonly #found: Violation[] = [];
  readonly #tokens: Map<string, Standing>;
  readonly #counts = { activated: 0, ended: 0 };
  #lastFence: number;
  #lastAt = Number.NEGATIVE_INFINITY;

  constructor(snapshot: Snapshot, size: number) {
    this.#snapshot = snapshot;
    this.#size = size;
    const first = new Map(snapshot.floorTokens.map((row) => [row.id, row]));
    const never = { fence: null, expiresAt: null, seq: 0 };
    this.#tokens = new Map(
      snapshot.tokens.map(({ id, ordinal }) => [id, { ...never, ...first.get(id), id, ordinal }]),
    );
    this.#lastFence = Math.max(0, ...snapshot.floorTokens.map(({ fence }) => fence ?? 0));
  }

  violations(): Violation[] {
    const { log, floor, tokens } = this.#snapshot;
    this.#must(tokens.length === this.#size, `I2: the pool has ${tokens.length} tokens, not ${this.#size}`);
    const liveBefore = this.#live.length;
    for (const [index, fact] of log.entries()) {
      const expected = floor + index + 1;
      this.#must(fact.seq === expected, `I3: seq ${fact.seq} stands where ${expected} belongs`);
      this.#take(fact, log[index - 1], log[index + 1]);
    }
    this.#compareTokens(liveBefore);
    return this.#found;
  }

  #must(holds: boolean, otherwise: Violation): void {
    if (!holds) this.#found.push(otherwise);
  }

  get #live(): Standing[] {
    return [...this.#tokens.values()].filter(({ fence }) => fence !== null);
  }

  #take(fact: LoggedFact, before: LoggedFact | undefined, after: LoggedFact | undefined): void {
    const { seq, type, reason, at } = fact;
    this.#must(
      reasons[type]?.includes(reason) === true,
      `I8: seq ${seq} is '${type}' because of '${reason}'`,
    );
    this.#must(at >= this.#lastAt, `I5: time runs backwards at seq ${seq}, by ${this.#lastAt - at} ms`);
    this.#lastAt = Math.max(this.#lastAt, at);
    if (type === 'opened') return;
    const token = this.#tokens.get(fact.tokenId ?? '');
    if (!token) return void this.#found.push(`I2: seq ${seq} is about a token that the pool does not have`);
    if (type === 'activated') this.#activated(fact, token, before);
    else this.#ofLease(fact, token);
    if (type === 'released') this.#released(fact, token, after);
    if (type === 'expired') this.#expired(fact, token, before);
    const isLive = type === 'activated' || type === 'renewed';
    Object.assign(token, {
      seq,
      fence: isLive ? fact.fence : null,
      expiresAt: isLive ? fact.expiresAt : null,
    });
    if (type === 'activated') this.#counts.activated++;
    else if (!isLive) this.#counts.ended++;
    // One step ends all of them: what was live before its last fact is not live after it.
    if (reason === 'cleanup' && after?.reason !== 'cleanup')
      this.#must(
        this.#live.length === 0,
        `I13: ${this.#live.length} leases outlived the clean-up at seq ${seq}`,
      );
  }

  #activated({ seq, reason, fence, at, expiresAt }: LoggedFact, token: Standing, before?: LoggedFact): void {
    this.#must(token.fence === null, `I1: seq ${seq} grants a token that lease ${token.fence} holds`);
    this.#must(fence === seq, `I3: the fence of seq ${seq} is ${fence}`);
    this.#must((fence ?? 0) > this.#lastFence, `I3: fence ${fence} follows ${this.#lastFence}`);
    this.#must(expiresAt! > at, `I5: the lease of seq ${seq} is over before it begins`);
    this.#lastFence = Math.max(this.#lastFence, fence ?? 0);
    const evicted = before?.reason === 'lru_eviction' && before.tokenId === token.id;
    const says = reason === 'allocated_after_eviction';
    this.#must(says === evicted, `I7: seq ${seq} is '${reason}' after '${before?.reason}'`);
    if (says) return;
    const first = earliest([...this.#tokens.values()].filter((each) => each.fence === null));
    this.#must(first === token, `I7: seq ${seq} grants a token that another one has been free longer than`);
  }

  /** Of facts that move or end a lease: there must be one, that one, and it must not be over. */
  #ofLease({ seq, type, fence, at, expiresAt }: LoggedFact, token: Standing): void {
    this.#must(
      token.fence !== null && token.fence === fence,
      `I1: seq ${seq} is '${type}' of lease ${fence}, but lease ${token.fence} is live`,
    );
    if (type === 'expired' || token.expiresAt === null) return;
    this.#must(at < token.expiresAt, `I12: seq ${seq} is '${type}' of a lease whose deadline had passed`);
    if (type === 'renewed')
      this.#must(expiresAt! >= token.expiresAt, `I12: seq ${seq} moves a deadline back`);
  }

  #released({ seq, reason }: LoggedFact, token: Standing, after?: LoggedFact): void {
    if (reason !== 'lru_eviction') return;
    this.#must(this.#live.length === this.#tokens.size, `I7: seq ${seq} evicts while a token is free`);
    this.#must(
      earliest(this.#live) === token,
      `I7: seq ${seq} evicts one that is not the least recently used`,
    );
    const serves = after?.reason === 'allocated_after_eviction' && after.tokenId === token.id;
    this.#must(serves, `I7: seq ${seq} evicts for nobody`);
  }

  #expired({ seq, reason, at, expiresAt }: LoggedFact, token: Standing, before?: LoggedFact): void {
    this.#must(
      expiresAt === token.expiresAt,
      `I8: seq ${seq} expires a lease with another deadline than its own`,
    );
    const deadline = token.expiresAt ?? expiresAt!;
    this.#must(at >= deadline, `I5: seq ${seq} ends a lease ${deadline - at} ms before its deadline`);
    if (reason !== 'ttl_expired_while_down') return;
    const isFirst = before === undefined || before.type === 'opened' || before.reason === reason;
    this.#must(isFirst, `I8: seq ${seq} says that nobody served, after '${before?.reason}'`);
  }

  /** The table beside the log, which was written by other code than this. */
  #compareTokens(liveBefore: number): void {
    for (const row of this.#snapshot.tokens) {
      const token = this.#tokens.get(row.id)!;
      const same = row.fence === token.fence && row.expiresAt === token.expiresAt && row.seq === token.seq;
      this.#must(same, `I8: token ${row.id} is ${shown(row)} in its row, and ${shown(token)} in the log`);
    }
    const live = this.#snapshot.tokens.filter(({ fence }) => fence !== null).length;
    const { activated, ended } = this.#counts;
    this.#must(
      liveBefore + activated === live + ended,
      `I11: ${liveBefore} + ${activated} activated, but ${live} active + ${ended} ended`,
    );
  }
}

const shown = ({ fence, expiresAt, seq }: Standing): string => `[${fence}, ${expiresAt}, ${seq}]`;

/** The one whose last fact is the oldest. */
function earliest(tokens: readonly Standing[]): Standing | undefined {
  let first = tokens[0];
  for (const token of tokens) {
    if (token.seq < first!.seq || (token.seq === first!.seq && token.ordinal < first!.ordinal)) first = token;
  }
  return first;
}
