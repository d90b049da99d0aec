/**
 * Holds what clients were answered against the log: an answer that changed something is one fact, written between
 * the call and its answer, and no other call's; every other answer fits a state that there was in between. Together
 * with the order of the log that makes what clients see linearizable [I15].
 */
import type { Proof } from '../../src/lease/command.ts';
import type { Lease } from '../../src/lease/lease.ts';
import type { Refusal } from '../../src/lease/refusal.ts';
import { must } from './broken.ts';
import type { Answers, Call, Request } from './calls.ts';
import { proves, same, say } from './comparing.ts';
import type { LogRow } from './ground.ts';
import { refusalFits } from './judge-refusals.ts';
import { judgeRead } from './judge-reads.ts';
import type { SequentialPool } from './sequential-pool.ts';

export type Asked<K extends Request['do']> = Extract<Request, { do: K }>;

export class Judge {
  readonly #pool: SequentialPool;
  readonly #proofRequired: boolean;
  /** Whose fact each is, of those that somebody was told of. */
  readonly #claims = new Map<number, Call>();
  /** Of the grants, by the number of the call. */
  readonly #grants = new Map<number, LogRow>();

  constructor(pool: SequentialPool, proofRequired: boolean) {
    this.#pool = pool;
    this.#proofRequired = proofRequired;
  }

  /** A fact has been written: a grant says which call it is for. */
  written(row: LogRow, callOf: (number: number) => Call | undefined): void {
    if (row.type !== 'activated') return;
    const { call: number } = row.metadata as { call: number };
    const call = callOf(number);
    must(call?.request.do === 'allocate', 'I8', () => `fact ${row.seq} is of no call`);
    must(!this.#grants.has(number), 'I9', () => `fact ${row.seq} grants call ${number} a second lease`);
    must(
      !isRefusedForGood(call),
      'I17',
      () => `call ${number} was refused, and then granted by fact ${row.seq}`,
    );
    this.#grants.set(number, row);
  }

  /** The call has just been answered, when its process's clock said `now`. */
  answered(call: Call, now: number): void {
    const { outcome } = call;
    if (outcome === null) return;
    if ('refused' in outcome) this.#judgeRefusal(call, outcome.refused, now);
    else this.#judgeAnswer(call, outcome.ok as never, now);
  }

  /** At the end, when nothing is under way: each fact is of a call that was told of it, or may have led to it. */
  explainAll(calls: readonly Call[]): void {
    const unsure = calls.filter((call) => isUnsure(call) && isChange(call.request));
    for (const row of this.#pool.log) {
      if (this.#claims.has(row.seq) || !isAsked(row)) continue;
      const call = unsure.find((each) => mayHaveLedTo(each, row) && this.#mayClaim(each, row));
      must(
        call !== undefined,
        'I17',
        () => `nobody was told of fact ${row.seq} (${row.type}), or may not know`,
      );
      this.#claims.set(row.seq, call);
      if (call.request.do !== 'release all') unsure.splice(unsure.indexOf(call), 1);
    }
  }

  #mayClaim(call: Call, row: LogRow): boolean {
    return call.request.do !== 'allocate' || this.#grants.get(call.number) === row;
  }

  #judgeAnswer(call: Call, answer: never, now: number): void {
    const { request } = call;
    if (request.do === 'allocate') this.#judgeGrant(call, answer, now);
    else if (request.do === 'renew') this.#judgeRenewal(call, request, answer, now);
    else if (request.do === 'release') this.#judgeRelease(call, request, answer);
    else if (request.do === 'release all') this.#judgeReleaseAll(call, answer);
    else judgeRead(this.#pool, call, answer, now);
  }

  #judgeGrant(call: Call, { tokenId, lease, evicted }: Answers['allocate'], now: number): void {
    const row = this.#grants.get(call.number);
    must(row !== undefined, 'I14', () => `call ${call.number} was granted a lease that is not in the log`);
    this.#claim(call, row);
    const shown = { tokenId, ...lease };
    const stored = this.#pool.leases.findLast(({ fence }) => fence === row.seq)!;
    const { end: _, ...granted } = { ...stored, expiresAt: row.expiresAt };
    must(same(shown, granted), 'I8', () => `call ${call.number} was told ${say(shown)}, not ${say(granted)}`);
    const asked = (call.request as Asked<'allocate'>).ttlMs ?? lease.ttlMs;
    must(
      lease.expiresAt - lease.activatedAt === asked,
      'I12',
      () => `grant ${row.seq} has not the TTL it asked`,
    );
    must(
      lease.expiresAt > now,
      'I6',
      () => `call ${call.number} was told of lease ${row.seq} when it was over`,
    );
    const before = this.#pool.log[row.seq - 2];
    const fits = row.reason === 'allocated' ? evicted === null : evicted?.leaseId === before?.leaseId;
    must(fits, 'I7', () => `call ${call.number} was not told what was evicted for it`);
  }

  #judgeRenewal(call: Call, request: Asked<'renew'>, lease: Lease, now: number): void {
    const row = this.#find(call, (each) => each.type === 'renewed' && isOf(each, request.tokenId, lease));
    must(row !== undefined, 'I14', () => `the renewal of call ${call.number} is not in the log`);
    this.#claim(call, row);
    this.#mustBeProven(call, request, row);
    const before = this.#leaseBefore(row);
    const expected = Math.max(before.expiresAt, row.at + (request.ttlMs ?? before.ttlMs));
    must(
      row.expiresAt === expected,
      'I12',
      () => `fact ${row.seq} renews until ${row.expiresAt}, not ${expected}`,
    );
    must(
      lease.expiresAt > now,
      'I6',
      () => `call ${call.number} renewed lease ${lease.fence} when it was over`,
    );
  }

  #judgeRelease(call: Call, request: Asked<'release'>, lease: Lease): void {
    const row = this.#find(call, (each) => isReleased(each) && isOf(each, request.tokenId, lease));
    must(row !== undefined, 'I14', () => `the release of call ${call.number} is not in the log`);
    this.#claim(call, row);
    this.#mustBeProven(call, request, row);
  }

  #judgeReleaseAll(call: Call, released: number): void {
    const { states, log } = this.#pool;
    if (released === 0) {
      const isEmpty = states.slice(call.since).some((state) => state.every((lease) => lease === null));
      must(isEmpty, 'I13', () => `call ${call.number} released nothing when there were leases`);
      return;
    }
    const first = this.#find(call, ({ reason }) => reason === 'cleanup');
    must(first !== undefined, 'I14', () => `the releases of call ${call.number} are not in the log`);
    const held = states[first.seq - 1]!.filter((lease) => lease !== null).length;
    must(released === held, 'I13', () => `call ${call.number} released ${released} leases of ${held}`);
    for (const row of log.slice(first.seq - 1, first.seq - 1 + released)) {
      must(row.reason === 'cleanup', 'I13', () => `fact ${row.seq} is in the middle of a release of all`);
      this.#claim(call, row);
    }
  }

  #judgeRefusal(call: Call, refusal: Refusal, now: number): void {
    const { number, request } = call;
    if (refusal.code === 'unavailable' || refusal.code === 'outcome_unknown') {
      const wasGranted = this.#grants.has(number) && refusal.code === 'unavailable';
      must(!wasGranted, 'I17', () => `call ${number} was granted, and told that nothing was done`);
      return;
    }
    if (refusal.code === 'too_late') {
      must(refusal.endedAt <= now, 'I6', () => `call ${number} was told too early that it was too late`);
      const row = this.#grants.get(number) ?? this.#find(call, (each) => mayHaveLedTo(call, each));
      must(
        row?.expiresAt === refusal.endedAt,
        'I14',
        () => `what came too late for call ${number} is not there`,
      );
      this.#claim(call, row);
      return;
    }
    must(!this.#grants.has(number), 'I17', () => `call ${number} was granted and refused`);
    const fits = isCommand(request) && refusalFits(this.#pool, call, request, refusal, this.#proofRequired);
    const isMissing = 'tokenId' in request && !this.#pool.tokenIds.includes(request.tokenId);
    const notFound = refusal.code === 'not_found' && isMissing;
    must(fits || notFound, 'I15', () => `call ${number} was refused without reason: ${say(refusal)}`);
  }

  /** The first fact between the call and now that fits, and is nobody else's. */
  #find({ since }: Call, fits: (row: LogRow) => boolean): LogRow | undefined {
    return this.#pool.log.slice(since).find((row) => !this.#claims.has(row.seq) && fits(row));
  }

  #claim(call: Call, row: LogRow): void {
    const other = this.#claims.get(row.seq);
    must(
      other === undefined,
      'I9',
      () => `calls ${other?.number} and ${call.number} were told of fact ${row.seq}`,
    );
    must(
      row.seq > call.since,
      'I15',
      () => `call ${call.number} came after fact ${row.seq}, which it led to`,
    );
    this.#claims.set(row.seq, call);
  }

  #mustBeProven(call: Call, proof: Proof, row: LogRow): void {
    const lease = this.#leaseBefore(row);
    const isProven = proves(proof, lease) && (!this.#proofRequired || proof.leaseId !== undefined);
    must(isProven, 'I4', () => `call ${call.number} did not prove to hold lease ${lease.fence}`);
  }

  #leaseBefore({ seq, tokenId }: LogRow): Lease {
    return this.#pool.states[seq - 1]![this.#pool.tokenIds.indexOf(tokenId!)]!;
  }
}

const isReleased = ({ reason }: LogRow): boolean => reason === 'released_by_client';
const isOf = (row: LogRow, tokenId: string, lease: Lease): boolean =>
  row.tokenId === tokenId && row.leaseId === lease.leaseId && row.expiresAt === lease.expiresAt;

const isCommand = (request: Request): request is Asked<'renew' | 'release'> =>
  request.do === 'renew' || request.do === 'release';
const isChange = (request: Request): boolean =>
  isCommand(request) || request.do === 'allocate' || request.do === 'release all';

/** A fact that is there only because somebody asked for it. */
const isAsked = (row: LogRow): boolean =>
  row.type === 'activated' || row.type === 'renewed' || isReleased(row) || row.reason === 'cleanup';

function isUnsure({ outcome }: Call): boolean {
  if (outcome === null) return true;
  return 'refused' in outcome && outcome.refused.code === 'outcome_unknown';
}

function isRefusedForGood({ outcome }: Call): boolean {
  if (outcome === null || !('refused' in outcome)) return false;
  return outcome.refused.code !== 'outcome_unknown' && outcome.refused.code !== 'too_late';
}

function mayHaveLedTo({ request, since }: Call, row: LogRow): boolean {
  if (row.seq <= since) return false;
  switch (request.do) {
    case 'allocate':
      return row.type === 'activated';
    case 'renew':
      return row.type === 'renewed' && row.tokenId === request.tokenId && fitsRow(request, row);
    case 'release':
      return isReleased(row) && row.tokenId === request.tokenId && fitsRow(request, row);
    case 'release all':
      return row.reason === 'cleanup';
    default:
      return false;
  }
}

const fitsRow = ({ leaseId, userId }: Proof, row: LogRow): boolean =>
  (leaseId === undefined || leaseId === row.leaseId) && (userId === undefined || userId === row.userId);
