/**
 * All pools of this process: finds the one that is meant, makes new ones, changes them and lets them go. The only place
 * where pools and journal meet is below it: `tenure.ts` brings them together, `pool-service.ts` asks both.
 */
import type { Clock } from '../clock.ts';
import type { Journal } from '../journal/journal.ts';
import type { Lease } from '../lease/lease.ts';
import {
  type Contradiction,
  contradictions,
  type DeclaredPool,
  type PoolOptions,
} from '../lease/pool-options.ts';
import { type Outcome, type Refusal, refused, type Stage } from '../lease/refusal.ts';
import type { Counts, PastLease } from '../lease/view.ts';
import type { Verification } from '../lease/violation.ts';
import { heldToken } from '../pool/pool-view.ts';
import type { Task } from '../verify/verify-log.ts';
import type { Once } from './exactly-once.ts';
import { declaredOf, requestOf } from './making.ts';
import { Moving, type MovingOptions } from './moving.ts';
import { PoolService, type PoolView } from './pool-service.ts';
import { type HeldPool, type ServiceListener, Tenure, type TenureOptions } from './tenure.ts';
import { Verifier } from './verifier.ts';

export interface ServiceOptions extends Omit<TenureOptions, 'declared'>, MovingOptions {
  /** The pools that there are in any case, by name; the first one is the default pool. */
  declared: readonly [DeclaredPool, ...DeclaredPool[]];
  /** How many tokens pools can be made or changed to have, all together. */
  tokensMax: number;
}

/** Either is there. */
export type FoundLease = { live: { pool: string; tokenId: string; lease: Lease } } | { past: PastLease };

export class Service {
  readonly #clock: Clock;
  readonly #journal: Journal;
  readonly #options: ServiceOptions;
  readonly #listener: ServiceListener;
  readonly #tenure: Tenure;
  readonly #verifier: Verifier;
  /** For simulated time. */
  readonly moving: Moving;
  readonly #services = new WeakMap<HeldPool, PoolService>();

  constructor(journal: Journal, options: ServiceOptions, listener: ServiceListener) {
    this.#journal = journal;
    this.#options = options;
    this.#listener = listener;
    this.#clock = options.clock;
    const [first, ...others] = options.declared;
    const declared = [declaredOf(first), ...others.map(declaredOf)] as const;
    this.#tenure = new Tenure(journal, { ...options, declared }, listener);
    this.moving = new Moving(options, this.#tenure, (ask) => this.#atDefault(ask));
    this.#verifier = new Verifier(journal, () => this.stage, listener);
  }

  get stage(): Stage {
    return this.#tenure.stage;
  }

  /** Of the default pool, where it is served. */
  get counts(): Counts | null {
    return this.#tenure.pools.get(this.#options.declared[0].name)?.pool.counts ?? null;
  }

  /** Milliseconds since 1970, by the clock that leases go by. */
  now(): number {
    return this.#clock.now();
  }

  /** Elapsed milliseconds, for measuring only. */
  elapsed(): number {
    return this.#options.elapsed?.() ?? this.#clock.now();
  }

  /** Resolves when the pools are served, or another process is found to serve them; then this one stands by. */
  async start(): Promise<void> {
    await this.#tenure.start();
  }

  /** The pool of this name; without one, the default pool. Refuses `pool_not_found`, and `unavailable` where none is served, or it is damaged. */
  pool(name: string = this.#options.declared[0].name): Outcome<PoolService> {
    const held = this.#tenure.pools.get(name);
    if (held) return { ok: this.#serviceOf(held) };
    return this.stage === 'serving' || this.stage === 'degraded' ? this.#unserved(name) : this.#unavailable();
  }

  /** The same, and there is none of that name in truth: not just for all that a process knew that has been followed. */
  async find(name: string | undefined): Promise<Outcome<PoolService>> {
    const found = this.pool(name);
    const isUnknown = 'refused' in found && found.refused.code === 'pool_not_found';
    return isUnknown ? this.#atDefault((home) => home.told(found)) : found;
  }

  /** All pools, by name, as this process knows them. */
  pools(): Outcome<PoolView[]> {
    if (this.stage !== 'serving') return this.#unavailable();
    const at = this.#clock.now();
    const views = Array.from(this.#tenure.pools.values(), ({ name, pool }) => {
      pool.pass(at);
      return { name, options: pool.options, counts: pool.counts };
    });
    return { ok: views.sort((one, other) => (one.name < other.name ? -1 : 1)) };
  }

  /** The same, as they are in truth. */
  confirmedPools(): Promise<Outcome<PoolView[]>> {
    const known = this.pools();
    return 'refused' in known ? Promise.resolve(known) : this.#atDefault((home) => home.confirmed(known.ok));
  }

  /** Makes a pool. Refuses `pool_exists`, `invalid_options`. */
  createPool({ name, options }: DeclaredPool, once?: Once): Promise<Outcome<PoolView>> {
    const make = (home: PoolService) =>
      home.once<PoolView>(once, async (keep) => {
        const wrong = [...contradictions(options), ...this.#tooMany(name, options)];
        if (wrong.length > 0) return refused({ code: 'invalid_options', errors: wrong });
        if (this.#tenure.pools.has(name) || this.#journal.damaged.has(name))
          return home.told(refused({ code: 'pool_exists' }));
        const { opened } = this.#journal.make(requestOf({ name, options }), this.#clock.now());
        const held = this.#tenure.serve(opened);
        const view = { name, options, counts: held.pool.counts };
        keep(view);
        return home.settled(view);
      });
    return this.#journal.step(options.size, () => this.#atDefault(make));
  }

  /** Changes options of a pool that is being used. Refuses `pool_not_found`, `invalid_options`. */
  async changePool(name: string, changes: Partial<PoolOptions>, once?: Once): Promise<Outcome<PoolView>> {
    const found = await this.find(name);
    if ('refused' in found) return found;
    const pool = found.ok;
    const sizeIn = (options: PoolOptions) => changes.size ?? changes.tokens?.length ?? options.size;
    const change = () =>
      pool.change(
        (options) => ({ ...options, ...changes, size: sizeIn(options) }),
        (options) => [...this.#tooMany(name, options), ...this.#unfit(name, options)],
        once,
      );
    return this.#journal.step(Math.max(0, sizeIn(pool.options) - pool.counts.total), change);
  }

  /** Ends a pool with all its leases. Its log stays. Refuses `pool_not_found`, and `pool_permanent` for those that are declared. */
  deletePool(name: string, once?: Once): Promise<Outcome<number>> {
    return this.#atDefault((home) =>
      home.once<number>(once, async (keep) => {
        if (this.#options.declared.some((each) => each.name === name))
          return home.told(refused({ code: 'pool_permanent' }));
        const held = this.#tenure.pools.get(name);
        if (!held) return home.told(this.#unserved(name));
        const { facts, refusal } = held.pool.command({ type: 'CLOSE', at: this.#clock.now() });
        if (refusal !== null) return this.#unavailable();
        this.#tenure.drop(held);
        const released = facts.filter(({ type }) => type === 'released').length;
        keep(released);
        return home.settled(released);
      }),
    );
  }

  /** A lease of any pool, by its id: live, or what became of it. Refuses `lease_not_found`. */
  lease(leaseId: string): Promise<Outcome<FoundLease>> {
    return this.#atDefault<FoundLease>(async (home) => {
      const find = ({ pool }: HeldPool) => pool.see((context) => heldToken(context, leaseId));
      for (const held of this.#tenure.pools.values()) {
        if (!find(held)) continue;
        held.pool.pass(this.#clock.now());
        const found = find(held);
        if (found) return home.confirmed<FoundLease>({ live: { pool: held.name, ...found } });
      }
      const past = await home.read(() => this.#journal.lease(leaseId));
      if ('refused' in past) return past;
      return past.ok ? { ok: { past: past.ok } } : home.told(refused({ code: 'lease_not_found' }));
    });
  }

  /** Holds the log of a pool and its tokens against their rules, on a standby too. Refuses `verify_running`, `pool_not_found`. */
  verify(task: Task, pool: string = this.#options.declared[0].name): Promise<Outcome<Verification>> {
    return this.#verifier.verify(pool, task);
  }

  /** From here on every command is refused; what was begun is still committed. */
  stopServing(): void {
    this.#tenure.stop();
    this.#verifier.stop();
  }

  /** Writes what is left to write, for `timeoutMs` at most, and closes the database. How many facts were lost. */
  async close(timeoutMs: number): Promise<number> {
    const uncommitted = await this.#journal.drained(timeoutMs);
    this.#tenure.end();
    await this.#journal.close();
    return uncommitted;
  }

  /** Of a pool that none of those is that are served: there is none, or it is damaged. */
  #unserved(name: string): { refused: Refusal } {
    const detail = this.#journal.damaged.get(name);
    if (detail === undefined) return refused({ code: 'pool_not_found' });
    return refused({ code: 'unavailable', stage: this.stage, detail });
  }

  /** What is wrong with the size, where it is more than there may be in all. */
  #tooMany(name: string, { size }: PoolOptions): Contradiction[] {
    const { tokensMax } = this.#options;
    const all = Array.from(this.#tenure.pools.values(), (held) => [held.name, tokensOf(held)] as const);
    const before = all.find((each) => each[0] === name)?.[1] ?? 0;
    const free = tokensMax - all.reduce((sum, [, tokens]) => sum + tokens, 0) + before;
    if (size <= Math.max(before, free)) return [];
    const message = `must be at most ${Math.max(0, free)}: all pools together may have ${tokensMax} tokens`;
    return [{ option: 'size', message }];
  }

  #unfit(name: string, options: PoolOptions): Contradiction[] {
    return this.#options.declared.find((each) => each.name === name)?.unfit?.(options) ?? [];
  }

  #unavailable(): { refused: Refusal } {
    return refused({ code: 'unavailable', stage: this.stage });
  }

  #serviceOf(held: HeldPool): PoolService {
    const known = this.#services.get(held);
    if (known) return known;
    const service = new PoolService(this.#clock, held, () => this.stage, this.#listener);
    this.#services.set(held, service);
    return service;
  }

  /** What concerns no pool of its own yet, or none any more, is answered by way of the default one. */
  async #atDefault<T>(ask: (home: PoolService) => Promise<Outcome<T>>): Promise<Outcome<T>> {
    const home = this.pool();
    return 'refused' in home ? home : ask(home.ok);
  }
}

/** How many tokens it has, or may come to have. */
const tokensOf = ({ pool }: HeldPool): number => Math.max(pool.options.size, pool.counts.total);
