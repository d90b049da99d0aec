/** Bugs to plant: each is one that has been made somewhere, or nearly was here, and a simulation worth its time finds it. */

export interface Edit {
  /** Below `src/`. */
  file: string;
  /** Found there exactly once. */
  from: string;
  to: string;
}

export interface Bug {
  name: string;
  edits: readonly Edit[];
  /** Whether it is in what only the SQL databases have. */
  isSql?: true;
}

const edit = (file: string, from: string, to: string): Edit => ({ file, from, to });
const bug = (name: string, ...edits: Edit[]): Bug => ({ name, edits });
const sqlBug = (name: string, ...edits: Edit[]): Bug => ({ name, edits, isSql: true });

const token = 'token/token-machine.ts';
const poolMachine = 'pool/pool-machine.ts';
const pool = 'pool/pool.ts';
const journal = 'journal/journal.ts';
const groupCommit = 'journal/group-commit.ts';
const service = 'service/service.ts';
const durable = 'service/durable.ts';
const tenure = 'service/tenure.ts';
const once = 'service/exactly-once.ts';

const ofToken: Bug[] = [
  bug(
    'a renewal does not set the timer anew',
    edit(
      token,
      `target: 'active',
            reenter: true,
            actions: [
              { type: 'prolong'`,
      `actions: [
              { type: 'prolong'`,
    ),
  ),
  bug(
    'the timer of an evicted lease ends the next one',
    edit(
      token,
      `target: 'active',
          reenter: true,
          actions: [
            {
              type: 'record',
              params: ({ event }) => ({ type: 'released', reason: 'lru_eviction'`,
      `actions: [
            {
              type: 'record',
              params: ({ event }) => ({ type: 'released', reason: 'lru_eviction'`,
    ),
  ),
  bug(
    'a renewal shortens',
    edit(token, 'Math.max(lease.expiresAt, at + (ttlMs ?? lease.ttlMs))', 'at + (ttlMs ?? lease.ttlMs)'),
  ),
  bug(
    'a renewal adds to the deadline',
    edit(token, 'lease.expiresAt, at + (ttlMs', 'lease.expiresAt + (ttlMs'),
  ),
  bug(
    'who releases has to prove nothing',
    edit(
      token,
      `RELEASE: [
          {
            guard: { type: 'proven', params: ({ event }) => event },`,
      `RELEASE: [
          {`,
    ),
  ),
  bug(
    'a proof by user alone is not checked',
    edit(token, '(proof.userId === undefined || proof.userId === held(context).userId)', 'true'),
  ),
  bug(
    'deadlines begin anew after a restart',
    edit(
      poolMachine,
      'input: { tokenId, lease, at } });',
      'input: { tokenId, lease, at: lease?.activatedAt ?? at } });',
    ),
  ),
];

const ofPool: Bug[] = [
  bug(
    'the most recently used lease is evicted',
    edit(
      poolMachine,
      'use(context, context.order.leastRecentlyUsed!',
      'use(context, context.order.mostRecentlyUsed!',
    ),
  ),
  bug(
    'a lease is evicted although a token is free',
    edit(poolMachine, 'context.order.available > 0', 'context.order.available > 1'),
  ),
  bug(
    'a renewal is no use',
    edit(
      poolMachine,
      'use(context, context.order.get(tokenId)!, expiresAt, 1),',
      '(context.deadlines.set(context.order.get(tokenId)!, expiresAt), { seq: context.seq + 1 }),',
    ),
  ),
  bug(
    'a refused renewal counts as use',
    edit(
      poolMachine,
      '({ context }, { tokenId }: Renew | Release) => context.order.get(tokenId)!.actor,',
      `({ context }, { tokenId }: Renew | Release) => {
        const entry = context.order.get(tokenId)!;
        if (entry.inUse) context.order.use(entry);
        return entry.actor;
      },`,
    ),
  ),
  bug('a late renewal revives', edit(pool, 'this.pass(command.at);', '')),
  bug(
    'fences begin anew after a restart',
    edit(poolMachine, 'fence: context.seq,', 'fence: context.order.active,'),
    edit(pool, "(type === 'activated' && lease.fence !== seq)", 'false'),
  ),
  bug(
    'a release of all leases skips one',
    edit(poolMachine, 'context.order.inUse(portion);', 'context.order.inUse(portion).slice(1);'),
  ),
];

const ofJournal: Bug[] = [
  bug(
    'every conflict is taken for our own commit',
    edit(journal, 'first !== undefined && (await this.#store.digestAt(first.seq)) === first.digest', 'true'),
  ),
  bug(
    'no conflict is taken for our own commit',
    edit(journal, 'first !== undefined && (await this.#store.digestAt(first.seq)) === first.digest', 'false'),
  ),
  bug(
    'any fact in the place of ours is taken for ours',
    edit(
      journal,
      '(await this.#store.digestAt(first.seq)) === first.digest',
      '(await this.#store.digestAt(first.seq)) !== null',
    ),
  ),
  bug(
    'a lost commit is tried again with new numbers',
    edit(
      groupCommit,
      'this.#appendOnce(entries))',
      `this.#appendOnce(
              retryMs === 0
                ? entries
                : { ...entries, facts: entries.facts.map((fact) => ({ ...fact, seq: fact.seq + entries.facts.length })) },
            ))`,
    ),
  ),
  bug(
    'a lost commit is given up',
    edit(groupCommit, "if (failure !== 'lost') this.#end", 'if (failure) this.#end'),
  ),
  bug('patience has no end', edit(groupCommit, '        this.#giveUpWaiting();\n', '')),
  bug(
    'nobody looks whether another process has opened the pool',
    edit(journal, 'await this.#store.hasFactsAfter(this.#seq)', 'false'),
  ),
  sqlBug(
    'an append leaves out what is taken',
    edit(
      'journal/append.ts',
      '.returning({ seq: tokenEvents.seq }),',
      '.onConflictDoNothing().returning({ seq: tokenEvents.seq }),',
    ),
  ),
  sqlBug(
    'the row of a token is not written',
    edit(
      'journal/append.ts',
      'Array.from(states.values(), stateRow)',
      'Array.from(states.values(), stateRow).slice(1)',
    ),
  ),
  sqlBug(
    'the order of use is forgotten in a restart',
    edit(
      'journal/opening.ts',
      'desc(tokens.status), asc(tokens.seq), asc(tokens.ordinal)',
      'desc(tokens.status), asc(tokens.ordinal)',
    ),
  ),
];

const ofService: Bug[] = [
  bug(
    'a reply comes before its commit',
    edit(service, 'return (await this.#durable.unsettled()) ?? { ok: shown };', 'return { ok: shown };'),
  ),
  bug(
    'a fenced process goes on by what it remembers',
    edit(durable, 'this.#journal.confirmed()', 'this.#journal.committed()'),
  ),
  bug(
    'a fenced process goes on showing what it remembers',
    edit(
      service,
      'return (await this.#durable.unconfirmed()) ?? { ok: shown };',
      'return this.#journal.committed().then(() => ({ ok: shown }), () => this.#durable.unavailable());',
    ),
  ),
  bug(
    'a fenced process refuses by what it remembers',
    edit(
      service,
      'const unsure = await this.#durable.unconfirmed();',
      'const unsure = await this.#journal.committed().then(() => null, () => this.#durable.unavailable());',
    ),
  ),
  bug(
    'a lease is handed out that is over',
    edit(durable, 'const isLive = lease.expiresAt > this.#clock.now();', 'const isLive = true;'),
  ),
  bug(
    'a repetition shows a lease that has ended while it was confirmed',
    edit(durable, 'await this.look(look, (token) => (token ? [token] : []));', 'await look();'),
  ),
  bug('a lease is shown that is over', edit(durable, 'lease === null || lease.expiresAt > now', 'true')),
  bug(
    'what may be recorded is said not to be',
    edit(durable, "() => refused({ code: 'outcome_unknown' })", '() => this.unavailable()'),
  ),
  bug('the clock is not anchored', edit(tenure, 'clock.anchor?.(Math.max(database, last ?? database));', '')),
  bug(
    'time runs backwards with the clock of the database',
    edit(tenure, 'Math.max(database, last ?? database)', 'database'),
  ),
  bug(
    'who is fenced out does not stand by',
    edit(tenure, 'fenced: () => this.#leave(),', 'fenced: () => {},'),
  ),
  bug('who stands by asks but once', edit(tenure, 'this.#keepAsking(!answered);', '')),
  bug(
    'a process that was stopped takes timers for lost',
    edit(tenure, 'this.#pool.isOverdue(armedAt)', 'this.#pool.isOverdue(clock.now() - sweepEveryMs)'),
  ),
];

const ofKeys: Bug[] = [
  bug('an answer is kept after its facts, not with them', edit(service, 'keep(shown);', '')),
  bug('two requests with one key are done at once', edit(once, 'this.#underWay.set(once.key, once);', '')),
  bug('the request of a key is not compared', edit(once, 'one.fingerprint === other.fingerprint', 'true')),
];

export const bugs: readonly Bug[] = [...ofToken, ...ofPool, ...ofJournal, ...ofService, ...ofKeys];
