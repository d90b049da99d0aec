/**
 * Calls that change something, and the facts they led to: what is told is one fact, written between the call and its
 * answer, and no other call's; and each fact that somebody has to have asked for is of such a call, or of one
 * whose caller may not know.
 */
import type { Proof } from '../../src/lease/command.ts';
import type { Lease } from '../../src/lease/lease.ts';
import { must } from './broken.ts';
import { type Answers, type Call, isChange, type Request } from './calls.ts';
import { proves, same, say } from './comparing.ts';
import type { LogRow } from './ground.ts';
import { unmatched } from './matching.ts';
import type { SequentialPool } from './sequential-pool.ts';

export type Asked<K extends Request['do']> = Extract<Request, { do: K }>;

export class Changes {
  readonly #pool: SequentialPool;
  readonly #proofRequired: boolean;
  /** Of the calls that were told of a fact: the last fact there was by then. */
  readonly #told = new Map<Call, number>();
  /** Of the grants, by the number of the first call for it. */
  readonly #grants = new Map<number, LogRow>();

  constructor(pool: SequentialPool, proofRequired: boolean) {
    this.#pool = pool;
    this.#proofRequired = proofRequired;
  }

  granted(number: number, row: LogRow): void {
    must(!this.#grants.has(number), 'I9', () => `fact ${row.seq} grants call ${number} a second lease`);
    this.#grants.set(number, row);
  }

  grantOf({ number, keyed }: Call): LogRow | undefined {
    return this.#grants.get(keyed?.first.number ?? number);
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
    if (outcome !== null && 'refused' in outcome)
      must(row.expiresAt! <= now, 'I6', () => `call ${call.number} was told too early that it was too late`);
    const lease = leaseIn(call);
    if (lease !== null)
      must(lease.expiresAt > now, 'I6', () => `call ${call.number} was told of a lease that was over`);
    if (isCommand(request)) this.#mustBeProven(call, request, row);
    if (request.do === 'renew') this.#mustBeInTime(call, request);
    if (request.do === 'allocate' && lease !== null) this.#mustBeAsShown(call, row);
  }

  /** At the end, when nothing is under way. */
  explainAll(calls: readonly Call[]): void {
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

  /** The first fact of what somebody has to have asked for. */
  #isAsked(row: LogRow): boolean {
    return row.type === 'activated' || row.type === 'renewed' || isReleased(row) || this.#isStart(row);
  }

  /** Of a release of all leases. */
  #isStart({ seq, reason }: LogRow): boolean {
    return reason === 'cleanup' && this.#pool.log[seq - 2]?.reason !== 'cleanup';
  }

  #mayHaveLedTo(call: Call, row: LogRow, unproven = false): boolean {
    const { request } = call;
    if (row.seq <= call.since) return false;
    if (request.do === 'allocate') return this.grantOf(call) === row;
    if (request.do === 'release all') return this.#isStart(row);
    if (!isCommand(request) || row.tokenId !== request.tokenId) return false;
    const isOfItsKind = request.do === 'renew' ? row.type === 'renewed' : isReleased(row);
    return isOfItsKind && (unproven || proves(request, row as unknown as Lease));
  }

  #isToldOf(call: Call, row: LogRow, unproven = false): boolean {
    const { request, outcome } = call;
    if (row.seq > this.#told.get(call)! || !this.#mayHaveLedTo(call, row, unproven)) return false;
    if (outcome === null) return false;
    if ('refused' in outcome)
      return outcome.refused.code === 'too_late' && outcome.refused.endedAt === row.expiresAt;
    if (request.do === 'release all') return this.#heldBefore(row) === outcome.ok;
    const { leaseId, expiresAt } = leaseOf(request, outcome.ok);
    return leaseId === row.leaseId && expiresAt === row.expiresAt;
  }

  #mustHaveBeenEmpty({ number, since }: Call): void {
    const isEmpty = this.#pool.states.slice(since).some((state) => state.every((lease) => lease === null));
    must(isEmpty, 'I13', () => `call ${number} released nothing when there were leases`);
  }

  #mustBeProven({ number }: Call, proof: Proof, row: LogRow): void {
    const isProven =
      proves(proof, row as unknown as Lease) && (!this.#proofRequired || proof.leaseId !== undefined);
    must(isProven, 'I4', () => `call ${number} did not prove to hold lease ${row.fence}`);
  }

  /** Of the renewals that it may have been told of, one has the deadline that was asked for. */
  #mustBeInTime(call: Call, { ttlMs }: Asked<'renew'>): void {
    const { log, states, tokenIds } = this.#pool;
    const isInTime = log.slice(call.since).some((row) => {
      if (!this.#isToldOf(call, row)) return false;
      const before = states[row.seq - 1]![tokenIds.indexOf(row.tokenId!)]!;
      return row.expiresAt === Math.max(before.expiresAt, row.at + (ttlMs ?? before.ttlMs));
    });
    must(isInTime, 'I12', () => `call ${call.number} renewed until another deadline than it asked for`);
  }

  #mustBeAsShown({ number, request, outcome }: Call, row: LogRow): void {
    const { tokenId, lease, evicted } = (outcome as { ok: Answers['allocate'] }).ok;
    const stored = this.#pool.leases.findLast(({ fence }) => fence === row.seq)!;
    const { end: _, ...granted } = { ...stored, expiresAt: row.expiresAt };
    const shown = { tokenId, ...lease };
    must(same(shown, granted), 'I8', () => `call ${number} was told ${say(shown)}, not ${say(granted)}`);
    const askedMs = (request as Asked<'allocate'>).ttlMs ?? lease.ttlMs;
    const isAsAsked = lease.expiresAt - lease.activatedAt === askedMs;
    must(isAsAsked, 'I12', () => `grant ${row.seq} has not the TTL that was asked for`);
    const before = this.#pool.log[row.seq - 2];
    const fits = row.reason === 'allocated' ? evicted === null : evicted?.leaseId === before?.leaseId;
    must(fits, 'I7', () => `call ${number} was not told what was evicted for it`);
  }

  #heldBefore({ seq }: LogRow): number {
    return this.#pool.states[seq - 1]!.filter((lease) => lease !== null).length;
  }
}

const isReleased = ({ reason }: LogRow): boolean => reason === 'released_by_client';

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

const leaseOf = (request: Request, ok: unknown): Lease =>
  request.do === 'allocate' ? (ok as Answers['allocate']).lease : (ok as Lease);

/** The lease that somebody was told they hold. */
function leaseIn({ request, outcome }: Call): Lease | null {
  const isHeld = request.do === 'allocate' || request.do === 'renew';
  return isHeld && outcome !== null && 'ok' in outcome ? leaseOf(request, outcome.ok) : null;
}
