/** What clients ask of the service and are answered: each call from its beginning to its end. */
import type { Proof } from '../../src/lease/command.ts';
import type { Lease } from '../../src/lease/lease.ts';
import type { Outcome } from '../../src/lease/refusal.ts';
import type { FactView, LeaseView } from '../../src/lease/view.ts';
import type { Grant, Service, TokenPage, TokenWithHistory } from '../../src/service/service.ts';
import type { SimulatedProcess } from './process.ts';
import type { Ask, ProofKind } from './steps.ts';

/** What is asked, with ids instead of numbers. */
export type Request =
  | { do: 'allocate'; userId: string; ttlMs?: number | undefined; metadata: { call: number } }
  | ({ do: 'renew'; tokenId: string; ttlMs?: number | undefined } & Proof)
  | ({ do: 'release'; tokenId: string } & Proof)
  | { do: 'release all' }
  | { do: 'list'; status: 'all' | 'available' | 'active'; limit: number }
  | { do: 'token'; tokenId: string; limit: number }
  | { do: 'history'; tokenId: string; limit: number }
  | { do: 'facts'; limit: number };

/** What is answered to each. */
export interface Answers {
  allocate: Grant;
  renew: Lease;
  release: Lease;
  'release all': number;
  list: TokenPage;
  token: TokenWithHistory;
  history: LeaseView[];
  facts: FactView[];
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
}

/** A lease that a client has been told of. */
export interface Told {
  tokenId: string;
  leaseId: string;
  userId: string;
}

const noToken = 'ffffffff-0000-4000-8000-000000000000';
const noLease = 'ffffffff-0000-7000-8000-000000000000';
const shownHistory = 3;

/** Puts ids where the step has numbers: leases by how long ago they were told, tokens by their order. */
export function requestOf(
  ask: Ask,
  number: number,
  told: readonly Told[],
  tokenIds: readonly string[],
): Request {
  switch (ask.do) {
    case 'allocate':
      return { do: 'allocate', userId: `user ${ask.user}`, ttlMs: ask.ttlMs, metadata: { call: number } };
    case 'renew':
    case 'release': {
      const { lease, proof, ...rest } = ask;
      const meant = told.at(-1 - (lease % Math.max(1, told.length)));
      const other = told.at(-1 - ((lease + 1) % Math.max(1, told.length)));
      const tokenId = meant?.tokenId ?? tokenIds[lease % tokenIds.length] ?? noToken;
      return { ...rest, tokenId: lease === 39 ? noToken : tokenId, ...proofOf(proof, meant, other) };
    }
    case 'token':
    case 'history':
      return { do: ask.do, tokenId: tokenIds[ask.token] ?? noToken, limit: shownHistory };
    default:
      return ask;
  }
}

/** The same, of another call. */
export const renumbered = (request: Request, number: number): Request =>
  request.do === 'allocate' ? { ...request, metadata: { call: number } } : request;

export const isChange = (request: Request): boolean =>
  ['allocate', 'renew', 'release', 'release all'].includes(request.do);

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
export function send(service: Service, { request, keyed }: Call): Promise<Outcome<Answers[Request['do']]>> {
  const once = keyed ? { key: keyed.key, fingerprint: keyed.fingerprint } : undefined;
  switch (request.do) {
    case 'allocate': {
      const { do: _, ...ask } = request;
      return service.allocate(ask, once);
    }
    case 'renew': {
      const { do: _, ...ask } = request;
      return service.renew(ask, once);
    }
    case 'release': {
      const { do: _, ...ask } = request;
      return service.release(ask, once);
    }
    case 'release all':
      return service.releaseAll(once);
    case 'list':
      return service.tokens(request.status, { limit: request.limit });
    case 'token':
      return service.token(request.tokenId, request.limit);
    case 'history':
      return service.history(request.tokenId, { limit: request.limit });
    case 'facts':
      return service.facts({}, { order: 'desc', limit: request.limit });
    default:
      return request satisfies never;
  }
}
