/** What clients ask of the service and are answered: each call from its beginning to its end. */
import type { Proof } from '../../src/lease/command.ts';
import type { Labels, Lease, Status } from '../../src/lease/lease.ts';
import type { PoolOptions } from '../../src/lease/pool-options.ts';
import type { Outcome } from '../../src/lease/refusal.ts';
import type { FactView, LeaseView, TokenView } from '../../src/lease/view.ts';
import type { AllocateAsk, Grant } from '../../src/service/allocating.ts';
import type { TokenPage, TokenWithHistory, WaiterInLine } from '../../src/service/pool-reads.ts';
import type { PoolService, PoolView } from '../../src/service/pool-service.ts';
import type { Service } from '../../src/service/service.ts';
import type { SimulatedProcess } from './process.ts';
import type { Ask, ProofKind } from './steps.ts';

type Renewal = { tokenId: string; ttlMs?: number | undefined } & Proof;

/** What is asked, with ids instead of numbers. */
export type Request = { pool: string } & (
  | ({ do: 'allocate'; userId: string; metadata: { call: number } } & AllocateAsk)
  | ({ do: 'renew' } & Renewal)
  | { do: 'renew many'; asks: Renewal[] }
  | ({ do: 'release'; tokenId: string } & Proof)
  | { do: 'release all' }
  | { do: 'withdraw'; tokenId: string; note: string | null; endLease: boolean }
  | { do: 'restore'; tokenId: string }
  | { do: 'create'; labels: Labels }
  | { do: 'delete'; tokenId: string }
  | { do: 'change'; changes: Partial<PoolOptions> }
  | { do: 'make pool'; options: PoolOptions }
  | { do: 'delete pool' }
  | { do: 'list'; status: 'all' | Status; limit: number }
  | { do: 'token'; tokenId: string; limit: number }
  | { do: 'history'; tokenId: string; limit: number }
  | { do: 'facts'; limit: number }
  | { do: 'queue'; limit: number }
);

/** What is answered to each. */
export interface Answers {
  allocate: Grant[];
  renew: Lease;
  'renew many': Outcome<Lease>[];
  release: Lease;
  'release all': number;
  withdraw: TokenView;
  restore: TokenView;
  create: TokenView;
  delete: null;
  change: PoolView;
  'make pool': PoolView;
  'delete pool': number;
  list: TokenPage;
  token: TokenWithHistory;
  history: LeaseView[];
  facts: FactView[];
  queue: { waiting: WaiterInLine[]; total: number };
}

/** A request that comes with a key, and may come again. */
export interface Keyed {
  key: string;
  fingerprint: string;
  /** The first call with it. */
  first: Call;
}

export interface Call {
  number: number;
  request: Request;
  keyed: Keyed | null;
  /** When it was asked, by the base of all clocks. */
  askedAt: number;
  process: SimulatedProcess;
  /** The last fact of the log when it was asked. */
  since: number;
  /** How long the process had been running by then. */
  awakeMs: number;
  /** Without one: it is still under way, or nobody will ever know. */
  outcome: Outcome<unknown> | null;
  /** When the process got it, by its own clock, and as the how manyth of all calls; null while it has not. */
  arrived: { at: number; place: number } | null;
  /** Aborted when the client hangs up. */
  gone: AbortController;
  /** When that was, by the clock of the process. */
  goneAt: number | null;
}

/** A lease that a client has been told of. */
export interface Told {
  pool: string;
  tokenId: string;
  leaseId: string;
  userId: string;
}

const noToken = 'ffffffff-0000-4000-8000-000000000000';
const noLease = 'ffffffff-0000-7000-8000-000000000000';
const shownHistory = 3;

/** What a step can mean by its numbers. */
export interface Meant {
  told: readonly Told[];
  tokensOf(pool: string): readonly string[];
  /** The options of a pool that can be made. */
  options: PoolOptions;
}

export const poolNames = ['default', 'other'] as const;

/** Puts ids where the step has numbers: leases by how long ago they were told, tokens by their order. */
export function requestOf(ask: Ask, number: number, meant: Meant): Request {
  const pool = poolNames['pool' in ask ? ask.pool : 0]!;
  const tokenOf = (token: number) => meant.tokensOf(pool).at(-1 - token) ?? noToken;
  switch (ask.do) {
    case 'allocate': {
      const { user, pool: _, ...rest } = ask;
      return { ...rest, pool, userId: `user ${user}`, metadata: { call: number } };
    }
    case 'renew': {
      const { lease, proof, ...rest } = ask;
      return { ...rest, ...leaseAsked(lease, proof, meant) };
    }
    case 'renew many': {
      const asks = ask.leases.map((lease) => leaseAsked(lease, 'lease', meant));
      const [first] = asks;
      const ofIt = asks.filter((each) => each.pool === first?.pool);
      return {
        do: ask.do,
        pool: first?.pool ?? pool,
        asks: ofIt.map(({ pool: _, ...each }) => ({ ...each, ttlMs: ask.ttlMs })),
      };
    }
    case 'release':
      return { do: ask.do, ...leaseAsked(ask.lease, ask.proof, meant) };
    case 'token':
    case 'history':
      return { do: ask.do, pool, tokenId: tokenOf(ask.token), limit: shownHistory };
    case 'withdraw':
      return { do: ask.do, pool, tokenId: tokenOf(ask.token), note: ask.note, endLease: ask.endLease };
    case 'restore':
    case 'delete':
      return { do: ask.do, pool, tokenId: tokenOf(ask.token) };
    case 'make pool':
      return { do: ask.do, pool, options: meant.options };
    default:
      return { ...ask, pool };
  }
}

function leaseAsked(lease: number, proof: ProofKind, { told, tokensOf }: Meant) {
  const meant = told.at(-1 - (lease % Math.max(1, told.length)));
  const other = told.at(-1 - ((lease + 1) % Math.max(1, told.length)));
  const pool = meant?.pool ?? poolNames[0];
  const all = tokensOf(pool);
  const tokenId = meant?.tokenId ?? all[lease % all.length] ?? noToken;
  return { pool, tokenId: lease === 39 ? noToken : tokenId, ...proofOf(proof, meant, other) };
}

/** The same, of another call. */
export const renumbered = (request: Request, number: number): Request =>
  request.do === 'allocate' ? { ...request, metadata: { call: number } } : request;

const reads: ReadonlySet<Request['do']> = new Set(['list', 'token', 'history', 'facts', 'queue']);

export const isChange = (request: Request): boolean => !reads.has(request.do);

/** Requests that are not known to be done once by those who ask for them. */
const unkeyed: ReadonlySet<Request['do']> = new Set(['renew many', 'make pool', 'delete pool', 'change']);

export const canHaveKey = (request: Request): boolean => isChange(request) && !unkeyed.has(request.do);

function proofOf(kind: ProofKind, meant: Told | undefined, other: Told | undefined): Proof {
  const leaseId = meant?.leaseId ?? noLease;
  const userId = meant?.userId ?? 'nobody';
  switch (kind) {
    case 'none':
      return {};
    case 'lease':
      return { leaseId };
    case 'user':
      return { userId };
    case 'both':
      return { leaseId, userId };
    case 'another lease':
      return { leaseId: other?.leaseId ?? noLease };
    case 'another user':
      return { userId: 'mallory' };
    case 'right lease, another user':
      return { leaseId, userId: 'mallory' };
    case 'made up':
      return { leaseId: noLease };
    default:
      return kind satisfies never;
  }
}

/** Asks the service. */
export async function send(service: Service, call: Call): Promise<Outcome<unknown>> {
  const { request } = call;
  if (request.do === 'make pool') return service.createPool({ name: request.pool, options: request.options });
  if (request.do === 'delete pool') return service.deletePool(request.pool);
  if (request.do === 'change') return service.changePool(request.pool, request.changes);
  // At once where it is known, so that it is known when somebody joins a line.
  const known = service.pool(request.pool);
  const found = 'ok' in known ? known : await service.find(request.pool);
  return 'refused' in found ? found : sendTo(found.ok, call, request);
}

type OfPool = Exclude<Request, { do: 'make pool' | 'delete pool' | 'change' }>;

function sendTo(service: PoolService, { keyed, gone }: Call, request: OfPool): Promise<Outcome<unknown>> {
  const once = keyed ? { key: keyed.key, fingerprint: keyed.fingerprint } : undefined;
  const { do: _, pool: __, ...ask } = request;
  switch (request.do) {
    case 'allocate':
      return service.allocate(ask as AllocateAsk, once, { gone: () => gone.signal });
    case 'renew':
      return service.renew(ask as Renewal, once);
    case 'renew many':
      return service.renewMany(request.asks);
    case 'release':
      return service.release(ask as Renewal, once);
    case 'release all':
      return service.releaseAll(once);
    case 'withdraw':
      return service.withdraw(request.tokenId, { note: request.note, endLease: request.endLease }, once);
    case 'restore':
      return service.restore(request.tokenId, once);
    case 'create':
      return service.create({ name: null, labels: request.labels }, once);
    case 'delete':
      return service.delete(request.tokenId, once);
    case 'list':
      return service.reads.tokens(request.status, { limit: request.limit });
    case 'token':
      return service.reads.token(request.tokenId, request.limit);
    case 'history':
      return service.reads.history(request.tokenId, { limit: request.limit });
    case 'facts':
      return service.reads.facts({}, { order: 'desc', limit: request.limit });
    case 'queue':
      return service.reads.queue(request.limit);
    default:
      return request satisfies never;
  }
}
