/**
 * Calls that change something, and the facts they led to: what is told is one fact, written between the call and its
 * answer, and no other call's; and each fact that somebody has to have asked for is of such a call, or of one
 * whose caller may not know.
 */
import { readOptions } from '../../src/journal/stored-options.ts';
import type { Lease } from '../../src/lease/lease.ts';
import { must } from './broken.ts';
import { type Answers, type Call, isChange, poolNames, type Request } from './calls.ts';
import { proves, same, say } from './comparing.ts';
import type { LogRow } from './ground.ts';
import { unmatched } from './matching.ts';
import { fits, heldBy, heldIn } from './pool-state.ts';
import type { SequentialPool } from './sequential-pool.ts';

export type Asked<K extends Request['do']> = Extract<Request, { do: K }>;

export class Changes {
  readonly #pool: SequentialPool;
  readonly #proofRequired: boolean;
  /** Of the calls that were told of a fact: the last fact there was by then. */
  readonly #told = new Map<Call, number>();
  /** The grants, by the number of the first call for them. */
  readonly #grants = new Map<number, LogRow[]>();

  constructor(pool: SequentialPool, proofRequired: boolean) {
    this.#pool = pool;
    this.#proofRequired = proofRequired;
  }

  granted({ number, request }: Call, row: LogRow): void {
    const { count = 1 } = request as Asked<'allocate'>;
    const before = this.#grants.get(number) ?? [];
    must(
      before.length < count,
      'I9',
      () => `fact ${row.seq} grants call ${number} one lease more than it asked for`,
    );
    this.#grants.set(number, [...before, row]);
    if (before.length === 0) this.#mustHaveNone(request as Asked<'allocate'>, row);
  }

  /** The first of the grants that were made for the request. */
  grantOf(call: Call): LogRow | undefined {
    return this.grantsOf(call)[0];
  }

  /** The call has been answered with a yes, or with `too_late`. */
  answered(call: Call, now: number): void {
    const { outcome, request } = call;
    if (request.do === 'release all' && outcome !== null && 'ok' in outcome && outcome.ok === 0) {
      this.#mustHaveBeenEmpty(call);
      return;
    }
    this.#told.set(call, this.#pool.seq);
    const row = this.#pool.log.slice(call.since).find((each) => this.#isToldOf(call, each, true));
    const broken = request.do === 'release all' ? 'I13' : 'I14';
    must(row !== undefined, broken, () => `what call ${call.number} was told is not in the log`);
    if (outcome !== null && 'refused' in outcome) {
      const isOver = this.grantsOf(call).some(({ expiresAt }) => expiresAt! <= now) || row.expiresAt! <= now;
      must(isOver, 'I6', () => `call ${call.number} was told too early that it was too late`);
    }
    for (const lease of leasesIn(call))
      must(lease.expiresAt > now, 'I6', () => `call ${call.number} was told of a lease that was over`);
    if (isCommand(request)) this.#mustBeProven(call, request, row);
    if (row.type === 'renewed') this.#mustBeInTime(call, request as Asked<'renew'>);
    if (request.do === 'allocate' && outcome !== null && 'ok' in outcome && row.type === 'activated')
      this.#mustBeAsShown(call, outcome.ok as Answers['allocate']);
  }

  /** At the end, when nothing is under way. */
  explainAll(calls: readonly Call[]): void {
    for (const call of calls) this.#mustBeAll(call);
    const told = [...this.#told.keys()];
    const rows = this.#pool.log.filter((row) => this.#isAsked(row));
    const doubly = unmatched(told, rows, (call, row) => this.#isToldOf(call, row));
    must(doubly === null, 'I9', () => `call ${doubly?.number} was told of what another call has done`);
    const known = new Set(told.map(({ keyed }) => keyed));
    const unsure = calls.filter(
      (call) => isUnsure(call) && isChange(call.request) && !(call.keyed && known.has(call.keyed)),
    );
    const participants = [...told, ...firstOfEachKey(unsure)];
    const orphan = unmatched(rows, participants, (row, call) =>
      this.#told.has(call) ? this.#isToldOf(call, row) : this.#mayHaveLedTo(call, row),
    );
    must(orphan === null, 'I17', () => `nobody was told of fact ${orphan?.seq}, or may not know of it`);
  }

  grantsOf({ number, keyed }: Call): readonly LogRow[] {
    return this.#grants.get(keyed?.first.number ?? number) ?? [];
  }

  /** The first fact of what somebody has to have asked for. */
  #isAsked(row: LogRow): boolean {
    const { type, reason, metadata } = row;
    if (type === 'activated') return this.#isFirst(row);
    if (type === 'opened') return metadata !== null && this.#pool.name !== poolNames[0];
    if (type === 'renewed' || type === 'withdrawn' || type === 'restored') return true;
    if (type === 'changed' || type === 'closed') return true;
    return (
      isReleased(row) || reason === 'token_created' || reason === 'deleted_by_client' || this.#isStart(row)
    );
  }

  /** Of the grants of a call. */
  #isFirst(row: LogRow): boolean {
    return this.#grants.get((row.metadata as { call: number }).call)?.[0] === row;
  }

  /** Of a release of all leases; tokens that were to leave go on the way. */
  #isStart({ seq, reason }: LogRow): boolean {
    const before = this.#pool.log.slice(0, seq - 1).findLast(({ type }) => type !== 'deleted');
    return reason === 'cleanup' && before?.reason !== 'cleanup';
  }

  #mayHaveLedTo(call: Call, row: LogRow, unproven = false): boolean {
    const { request } = call;
    if (row.seq <= call.since) return false;
    const { type, tokenId, metadata } = row;
    switch (request.do) {
      case 'allocate':
        return this.grantOf(call) === row || isRenewalOf(request, row);
      case 'release all':
        return this.#isStart(row);
      case 'renew':
      case 'release': {
        const isOfItsKind = request.do === 'renew' ? type === 'renewed' : isReleased(row);
        const isProven = unproven || proves(request, row as unknown as Lease);
        return isOfItsKind && tokenId === request.tokenId && isProven;
      }
      case 'withdraw': {
        const { note = null } = (metadata ?? {}) as { note?: string };
        return type === 'withdrawn' && tokenId === request.tokenId && note === request.note;
      }
      case 'restore':
        return type === 'restored' && tokenId === request.tokenId;
      case 'create': {
        const { labels = {} } = (metadata ?? {}) as { labels?: object };
        return row.reason === 'token_created' && same(labels, request.labels);
      }
      case 'delete':
        return row.reason === 'deleted_by_client' && tokenId === request.tokenId;
      case 'change':
        return type === 'changed' && isChangeTo(request, row);
      case 'make pool':
        return type === 'opened' && metadata !== null;
      case 'delete pool':
        return type === 'closed';
      default:
        return false;
    }
  }

  #isToldOf(call: Call, row: LogRow, unproven = false): boolean {
    const { request, outcome } = call;
    if (row.seq > this.#told.get(call)! || !this.#mayHaveLedTo(call, row, unproven)) return false;
    if (outcome === null) return false;
    if ('refused' in outcome) {
      const rows = row.type === 'activated' ? this.grantsOf(call) : [row];
      const { refused } = outcome;
      return refused.code === 'too_late' && rows.some(({ expiresAt }) => expiresAt === refused.endedAt);
    }
    switch (request.do) {
      case 'release all':
        return this.#heldBefore(row) === outcome.ok;
      case 'delete pool':
        return this.#endedFor(row) === outcome.ok;
      case 'create':
        return (outcome.ok as Answers['create']).tokenId === row.tokenId;
      case 'change':
      case 'make pool':
        return same((outcome.ok as Answers['change']).options, readOptions(row.metadata));
      case 'allocate':
      case 'renew':
      case 'release': {
        const { leaseId, expiresAt } = leasesShown(request, outcome.ok)[0]!;
        return leaseId === row.leaseId && expiresAt === row.expiresAt;
      }
      default:
        return true;
    }
  }

  /** Of several leases all are granted, or none. */
  #mustBeAll(call: Call): void {
    if (call.request.do !== 'allocate') return;
    const { length } = this.#grants.get(call.number) ?? [];
    const { count = 1 } = call.request;
    must(
      length === 0 || length === count,
      'batch',
      () => `call ${call.number} got ${length} of ${count} leases`,
    );
  }

  /** Who asks for what they hold already gets no other, however long they have waited. */
  #mustHaveNone({ onExisting = 'new', userId, labels }: Asked<'allocate'>, { seq, reason }: LogRow): void {
    if (onExisting === 'new') return;
    const before = this.#pool.states[reason === 'allocated_after_eviction' ? seq - 2 : seq - 1]!;
    const [held] = heldBy(before, userId).filter((token) => fits(token, labels));
    must(held === undefined, 'on existing', () => `grant ${seq} is to somebody who asked for what they held`);
  }

  #mustHaveBeenEmpty({ number, since }: Call): void {
    const isEmpty = this.#pool.states.slice(since).some((state) => heldIn(state).length === 0);
    must(isEmpty, 'I13', () => `call ${number} released nothing when there were leases`);
  }

  #mustBeProven({ number }: Call, proof: Asked<'renew' | 'release'>, row: LogRow): void {
    const isProven =
      proves(proof, row as unknown as Lease) && (!this.#proofRequired || proof.leaseId !== undefined);
    must(isProven, 'I4', () => `call ${number} did not prove to hold lease ${row.fence}`);
  }

  /** Of the renewals that it may have been told of, one has the deadline that was asked for. */
  #mustBeInTime(call: Call, { do: what, ttlMs }: Asked<'renew'> | Asked<'allocate'>): void {
    const { log, states } = this.#pool;
    const isInTime = log.slice(call.since).some((row) => {
      if (!this.#isToldOf(call, row)) return false;
      const { tokens, options } = states[row.seq - 1]!;
      const before = tokens.find(({ tokenId }) => tokenId === row.tokenId)!.lease!;
      const byDefault = what === 'renew' ? before.ttlMs : options!.ttlMs;
      const latest = before.activatedAt + (options!.maxLifetimeMs ?? Number.POSITIVE_INFINITY);
      const asked = Math.min(row.at + (ttlMs ?? byDefault), latest);
      return row.expiresAt === Math.max(before.expiresAt, asked);
    });
    must(isInTime, 'I12', () => `call ${call.number} renewed until another deadline than it asked for`);
  }

  #mustBeAsShown(call: Call, grants: Answers['allocate']): void {
    const { number, request } = call;
    const rows = this.grantsOf(call);
    must(rows.length === grants.length, 'batch', () => `call ${number} was told of ${grants.length} leases`);
    for (const [place, { tokenId, lease, evicted }] of grants.entries()) {
      const row = rows[place]!;
      const stored = this.#pool.leases.findLast(({ fence }) => fence === row.seq)!;
      const { end: _, ...granted } = { ...stored, expiresAt: row.expiresAt };
      const shown = { tokenId, ...lease };
      must(same(shown, granted), 'I8', () => `call ${number} was told ${say(shown)}, not ${say(granted)}`);
      const askedMs = (request as Asked<'allocate'>).ttlMs ?? lease.ttlMs;
      const isAsAsked = lease.expiresAt - lease.activatedAt === askedMs;
      must(isAsAsked, 'I12', () => `grant ${row.seq} has not the TTL that was asked for`);
      const before = this.#pool.log[row.seq - 2];
      const isEvicted = row.reason === 'allocated_after_eviction';
      const isTold = isEvicted ? evicted?.leaseId === before?.leaseId : evicted === null;
      must(isTold, 'I7', () => `call ${number} was not told what was evicted for it`);
    }
  }

  /** How many leases were ended with the pool; tokens that were to leave go on the way. */
  #endedFor({ seq }: LogRow): number {
    const before = this.#pool.log.slice(0, seq - 1);
    const isOfIt = ({ reason }: LogRow) => reason === 'pool_deleted' || reason === 'pool_shrunk';
    const first = before.findLastIndex((each) => each.type === 'closed' || !isOfIt(each)) + 1;
    return before.slice(first).filter(({ type }) => type === 'released').length;
  }

  #heldBefore({ seq }: LogRow): number {
    return heldIn(this.#pool.states[seq - 1]!).length;
  }
}

const isReleased = ({ reason }: LogRow): boolean => reason === 'released_by_client';

const isRenewalOf = ({ onExisting, userId }: Asked<'allocate'>, { type, userId: of }: LogRow): boolean =>
  onExisting === 'renew' && type === 'renewed' && of === userId;

function isChangeTo({ changes }: Asked<'change'>, row: LogRow): boolean {
  const options = readOptions(row.metadata)!;
  return Object.entries(changes).every(([name, value]) => same(options[name as keyof typeof options], value));
}

export const isCommand = (request: Request): request is Asked<'renew' | 'release'> =>
  request.do === 'renew' || request.do === 'release';

function isUnsure({ outcome }: Call): boolean {
  if (outcome === null) return true;
  return 'refused' in outcome && outcome.refused.code === 'outcome_unknown';
}

/** A request with a key is done once at most, however many calls there are for it. */
const firstOfEachKey = (calls: readonly Call[]): Call[] =>
  calls.filter(
    (call, place) => call.keyed === null || calls.findIndex(({ keyed }) => keyed === call.keyed) === place,
  );

const leasesShown = (request: Request, ok: unknown): Lease[] =>
  request.do === 'allocate' ? (ok as Answers['allocate']).map(({ lease }) => lease) : [ok as Lease];

/** The leases that somebody was told they hold. */
function leasesIn({ request, outcome }: Call): Lease[] {
  const isHeld = request.do === 'allocate' || request.do === 'renew';
  return isHeld && outcome !== null && 'ok' in outcome ? leasesShown(request, outcome.ok) : [];
}
