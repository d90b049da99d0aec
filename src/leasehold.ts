/**
 * The package's door: a whole service in this very process, for the tests of software that holds leases. Its time is
 * simulated unless said, and its database in memory: nothing is listened to, and nothing left behind.
 */
import type { Server } from 'node:http';
import { type Assembly, type AssemblyConfig, assemble } from './assembly.ts';
import type { Clock } from './clock.ts';
import { readConfig } from './config.ts';
import { close, listen } from './http/server.ts';
import type { Labels } from './lease/lease.ts';
import type { PoolOptions } from './lease/pool-options.ts';
import { createLog } from './log.ts';
import { Requests } from './requests.ts';

/** What a pool goes by, as the README says of each option; what is left out is the default. */
export type PoolChoice = Partial<Omit<PoolOptions, 'tokens' | 'declaration'>> & {
  tokens?: { name?: string; labels?: Labels }[];
};

export interface LeaseholdOptions {
  /** Tokens of the default pool: 100 unless said. */
  size?: number;
  /** TTL of a grant that names none: two minutes unless said. */
  ttlMs?: number;
  /** The longest that a caller may name: 30 days unless said. */
  ttlMsMax?: number;
  /** Pools by name: further ones, and what else `default` and `clients` go by. */
  pools?: Record<string, PoolChoice>;
  leaseProof?: 'optional' | 'required';
  /** As EVENT_RETENTION. */
  eventRetention?: string;
  tokensMax?: number;
  /** `simulated` unless said. */
  clock?: 'simulated' | 'system';
  /** A folder for the embedded database, or a postgres:// URL; in memory unless said. */
  database?: string;
  /** `silent` unless said. */
  logLevel?: string;
}

/** Milliseconds since 1970. */
export interface Moved {
  now: number;
  /** When something ends by itself next; null if nothing does. */
  nextDeadline: number | null;
  /** How many facts came of it, in all pools. */
  facts: number;
}

export interface Leasehold {
  /** What leases go by, and what software under test may go by too: time waits for the requests that its timers lead to. */
  readonly clock: Pick<Clock, 'now' | 'setTimeout' | 'clearTimeout'>;
  /** Asks as `fetch` does, and without a network; a path will do for an address. */
  fetch(address: string | URL | Request, init?: RequestInit): Promise<Response>;
  /** Lets time pass, everything on the way at its own instant; resolves when all that it leads to is recorded. Rejects on a real clock. */
  advance(ms: number): Promise<Moved>;
  /** Listens on this machine, for those who ask over a network; a free port unless said. The URL. */
  listen(port?: number): Promise<string>;
  /** Ends it. Rejects if it has come upon a bug of its own. */
  close(): Promise<void>;
}

/** A started service. Rejects where an option is wrong, and where another process serves the pools of the database. */
export async function createLeasehold(options: LeaseholdOptions = {}): Promise<Leasehold> {
  const config = configOf(options);
  const requests = new Requests();
  const bugs: unknown[] = [];
  const log = createLog(config.logLevel);
  const assembly = await assemble(config, {
    log,
    crashed(error) {
      bugs.push(error);
      log.fatal({ err: error }, 'cannot go on: nothing is answered from what may be wrong');
    },
    settled: () => requests.settled(() => assembly.seats.taken),
    processMetrics: false,
  });
  const leasehold = new InProcess(config, assembly, requests, bugs);
  await assembly.service.start().catch((error) => rejectClosed(leasehold, error));
  if (assembly.service.stage !== 'serving')
    await rejectClosed(leasehold, new Error('another process serves the pools of this database'));
  return leasehold;
}

class InProcess implements Leasehold {
  readonly clock: Leasehold['clock'];
  readonly #config: AssemblyConfig;
  readonly #assembly: Assembly;
  readonly #requests: Requests;
  readonly #bugs: unknown[];
  readonly #servers: Server[] = [];
  #closing: Promise<void> | undefined;

  constructor(config: AssemblyConfig, assembly: Assembly, requests: Requests, bugs: unknown[]) {
    this.clock = requests.watched(assembly.clock);
    this.#config = config;
    this.#assembly = assembly;
    this.#requests = requests;
    this.#bugs = bugs;
  }

  // Members of their own, all that it can do: they are handed on alone.

  readonly fetch: Leasehold['fetch'] = async (address, init) => {
    const isRequest = address instanceof Request;
    const asked = new Request(isRequest ? address : new URL(address, 'http://leasehold'), init);
    return this.#counted(asked, async () => this.#assembly.app.fetch(await whole(asked)));
  };

  readonly advance: Leasehold['advance'] = async (ms) => {
    if (!Number.isSafeInteger(ms) || ms < 0) throw new RangeError('ms: must be a whole number from 0 on');
    const moved = await this.#assembly.service.moving.advance(ms);
    if ('ok' in moved) return moved.ok;
    const { code, detail = code } = moved.refused as { code: string; detail?: string };
    throw new Error(`time does not pass: ${detail}`);
  };

  readonly listen: Leasehold['listen'] = async (port = 0) => {
    const { app } = this.#assembly;
    const fetch: typeof app.fetch = (...asked) => this.#counted(asked[0], async () => app.fetch(...asked));
    const { host } = this.#config;
    const server = await listen({ fetch }, { ...this.#config, host, port });
    this.#servers.push(server);
    return `http://${host}:${(server.address() as { port: number }).port}`;
  };

  readonly close: Leasehold['close'] = () => {
    this.#closing ??= this.#close();
    return this.#closing;
  };

  /** Time waits for those who ask, but for those who move it. */
  #counted(asked: Request, answer: () => Promise<Response>): Promise<Response> {
    const { pathname } = new URL(asked.url);
    return pathname.startsWith('/api/clock/') ? answer() : this.#requests.during(answer);
  }

  async #close(): Promise<void> {
    const { service } = this.#assembly;
    service.stopServing();
    await Promise.all(this.#servers.map((server) => close(server, 0)));
    await service.close(this.#config.shutdownTimeoutMs);
    if (this.#bugs.length > 0) throw this.#bugs[0];
  }
}

async function rejectClosed(leasehold: Leasehold, error: unknown): Promise<never> {
  await leasehold.close().catch(() => {});
  throw error;
}

/** How long a body is, a request that comes over a network says by itself. */
async function whole(request: Request): Promise<Request> {
  if (request.body === null || request.headers.has('content-length')) return request;
  const body = await request.arrayBuffer();
  const headers = new Headers(request.headers);
  headers.set('content-length', String(body.byteLength));
  const { url, method, signal } = request;
  return new Request(url, { method, headers, body, signal });
}

/** The variables of the environment that options stand for. */
const variables = {
  size: 'POOL_SIZE',
  ttlMs: 'TTL_MS',
  ttlMsMax: 'TTL_MS_MAX',
  leaseProof: 'LEASE_PROOF',
  eventRetention: 'EVENT_RETENTION',
  tokensMax: 'TOKENS_MAX',
  clock: 'CLOCK',
  logLevel: 'LOG_LEVEL',
} as const satisfies Partial<Record<keyof LeaseholdOptions, string>>;

/** As the environment is checked. Throws with a line for each option that is wrong. */
function configOf(options: LeaseholdOptions): AssemblyConfig {
  const { pools, database, ...others } = { clock: 'simulated', logLevel: 'silent', ...options };
  // Whatever looks like a URL is none of a folder: a wrong one is said to be wrong.
  const isUrl = database !== undefined && /^[a-z][a-z0-9+.-]*:\/\//i.test(database);
  const given: [string, unknown][] = Object.entries(others).map(([name, value]) => {
    if (!(name in variables)) throw new Error(`${name}: is not known`);
    return [variables[name as keyof typeof variables], value];
  });
  const env = Object.fromEntries(
    [...given, ['DATABASE_URL', isUrl ? database : undefined], ['DATA_DIR', isUrl ? undefined : database]]
      .filter(([, value]) => value !== undefined)
      .map(([name, value]) => [name, String(value)]),
  );
  try {
    return { ...readConfig(env, pools), dataDir: database ?? null };
  } catch (error) {
    let { message } = error as Error;
    for (const [option, variable] of Object.entries(variables))
      message = message.replaceAll(new RegExp(`\\b${variable}\\b`, 'g'), option);
    throw new Error(message.replace('DATABASE_URL', 'database'));
  }
}
