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
const tokenSetup = 'token/token-setup.ts';
const poolMachine = 'pool/pool-machine.ts';
const poolSetup = 'pool/pool-setup.ts';
const granting = 'pool/granting.ts';
const serving = 'pool/serving.ts';
const pool = 'pool/pool.ts';
const groupCommit = 'journal/group-commit.ts';
const service = 'service/service.ts';
const poolService = 'service/pool-service.ts';
const allocating = 'service/allocating.ts';
const replies = 'service/replies.ts';
const reads = 'service/pool-reads.ts';
const written = 'journal/written.ts';
const durable = 'service/durable.ts';
const tenure = 'service/tenure.ts';
const once = 'service/exactly-once.ts';

const enrolled =
  'const input: TokenInput = { ...token, leaving: null, created: null, ended: null, rules, at };';
const isOurs = 'if ((await store.digestAt(pool, seq)) !== digest) return false;';

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
            { type: 'end'`,
      `actions: [
            { type: 'end'`,
    ),
  ),
  bug(
    'a renewal shortens',
    edit(tokenSetup, 'Math.max(lease.expiresAt, Math.min(asked, latest))', 'Math.min(asked, latest)'),
  ),
  bug(
    'a renewal adds to the deadline',
    edit(tokenSetup, 'const asked = at + (ttlMs', 'const asked = lease.expiresAt + (ttlMs'),
  ),
  bug(
    'who releases has to prove nothing',
    edit(
      token,
      `RELEASE: [
          {
            guard: { type: 'disproven', params: ({ event }) => event },
            actions: { type: 'refuse', params: { code: 'lease_mismatch' } },
          },
          {`,
      `RELEASE: [
          {`,
    ),
  ),
  bug(
    'a proof by user alone is not checked',
    edit(tokenSetup, '(userId !== undefined && userId !== held(context).userId)', 'false'),
  ),
  bug(
    'deadlines begin anew after a restart',
    edit(poolSetup, enrolled, enrolled.replace('at }', 'at: token.lease?.activatedAt ?? at }')),
  ),
];

const ofPool: Bug[] = [
  bug(
    'the most recently used lease is evicted',
    edit(
      granting,
      'order.toEvict(newcomer.labels, grantedBy(context, newcomer.at))!',
      "order.first('used', order.size).at(-1)!",
    ),
  ),
  bug(
    'a lease is evicted although a token is free',
    edit(
      granting,
      'const free = order.longestFree(newcomer.labels);',
      'const free = order.available > 1 || order.active === 0 ? order.longestFree(newcomer.labels) : undefined;',
    ),
  ),
  bug(
    'a renewal is no use',
    edit(poolSetup, "if (context.options.eviction === 'lru') context.order.move(entry, 'used');", ''),
  ),
  bug(
    'a refused renewal counts as use',
    edit(
      poolSetup,
      '({ context }, { tokenId }: Passed) => context.order.get(tokenId)!.actor,',
      `({ context }, { tokenId }: Passed) => {
        const entry = context.order.get(tokenId)!;
        if (entry.place === 'used') context.order.move(entry, 'used');
        return entry.actor;
      },`,
    ),
  ),
  bug('a late renewal revives', edit(pool, "if (asked.type !== 'LEAVE') this.pass(asked.at);", '')),
  bug(
    'fences begin anew after a restart',
    edit(granting, '{ leaseId, userId, fence: seq,', '{ leaseId, userId, fence: order.active,'),
    edit('pool/fact-counter.ts', "fact.type === 'activated' && fact.lease.fence !== seq", 'false'),
  ),
  bug(
    'a release of all leases skips one',
    edit(poolSetup, 'of context.order.held(portion))', 'of context.order.held(portion).slice(1))'),
    edit(pool, 'while (this.#context.order.active > 0) this', 'while (this.#context.order.active > 1) this'),
  ),
  bug(
    'a timer that is late is taken to be in time',
    edit(pool, 'if (isLate) this.pass(this.#clock.now());', ''),
  ),
];

/** In what the options of a pool say. */
const ofOptions: Bug[] = [
  bug(
    'a lease is evicted that has just been granted',
    edit(
      granting,
      'options.minHoldMs === 0 ? Number.POSITIVE_INFINITY : at - options.minHoldMs',
      'options.minHoldMs === 0 ? Number.POSITIVE_INFINITY : at',
    ),
  ),
  bug(
    'the oldest lease goes by its use',
    edit(poolSetup, "if (context.options.eviction === 'lru') context", 'context'),
  ),
  bug(
    'a token does not rest',
    edit(tokenSetup, 'leaving === null && rules.coolDownMs > 0 && !letGoOf.has(reason)', 'false'),
  ),
  bug(
    'a restart forgets a rest',
    edit(poolSetup, enrolled, enrolled.replace('...token,', '...token, restsUntil: null,')),
  ),
  bug('a renewal goes beyond the longest lifetime', edit(tokenSetup, 'Math.min(asked, latest)', 'asked')),
  bug(
    'who waits in line is not counted for what a user may hold',
    edit(poolSetup, 'order.heldBy(userId) + line.countOf(userId) +', 'order.heldBy(userId) +'),
  ),
  bug(
    'who asks for what they hold gets another',
    edit(poolSetup, 'onExisting === as &&', "onExisting === as && as === 'renew' &&"),
  ),
  bug(
    'labels are not compared',
    edit('pool/order-of-use.ts', 'if (labels[name] !== asked[name]) return false;', ''),
  ),
  bug(
    'a shrinking pool cuts off those who hold its tokens',
    edit(
      poolSetup,
      "enqueue.sendTo(entry.actor, { type: 'RULE', at, rules, leaving: leaves ? 'pool_shrunk' : null });",
      `enqueue.sendTo(entry.actor, { type: 'RULE', at, rules, leaving: leaves ? 'pool_shrunk' : null });
        if (leaves && entry.userId !== null)
          enqueue.sendTo(entry.actor, { type: 'RECALL', at, reason: 'cleanup' });`,
    ),
  ),
  bug(
    'a shrinking pool keeps what nobody holds',
    edit(poolSetup, 'const leaving = leavers(options, order);', 'const leaving = new Set();'),
  ),
  bug(
    'a held token is deleted by the timer of its idle time',
    edit(
      token,
      `ALLOCATE: {
      target: 'active',
      actions`,
      `ALLOCATE: {
      actions`,
    ),
  ),
  bug(
    'a token is granted in maintenance',
    edit(
      'token/token.ts',
      'leaving !== null || withdrawn !== null || restsUntil',
      'leaving !== null || restsUntil',
    ),
  ),
  bug(
    'a token that was to leave is made again',
    edit(
      'pool/pool-view.ts',
      'for (const { tokenId, name, labels } of order.all()) yield',
      'for (const { tokenId, name, labels, leaves } of order.all()) if (!leaves) yield',
    ),
  ),
];

const ofLine: Bug[] = [
  bug(
    'the lowest priority is served first',
    edit('pool/line.ts', 'sort((a, b) => b - a)', 'sort((a, b) => a - b)'),
  ),
  bug(
    'those who came last are served first',
    edit(serving, 'for (const waiter of line) {', 'for (const waiter of [...line].reverse()) {'),
  ),
  bug(
    'one who has left the line is served',
    edit(
      poolMachine,
      "LEAVE: { actions: { type: 'leaveLine', params: ({ event }) => event } },",
      'LEAVE: {},',
    ),
  ),
  bug(
    'what comes free is not handed over',
    edit(pool, '    if (!this.#bug) this.#uninterrupted(() => this.#keeper.serve());\n', ''),
  ),
  bug('one is served whose time in line was over', edit(serving, '(wait.until ?? at) < at', 'false')),
  bug(
    'a newcomer evicts past those who wait',
    edit(
      'pool/prospects.ts',
      "if (options.whenFull === 'evict') this.#evictAfter(order.",
      'if (false) this.#evictAfter(order.',
    ),
  ),
  bug(
    'who waits gets another token than the one that they came to hold',
    edit(serving, 'wantsTheSame(waiter) && order', 'false && order'),
  ),
  bug(
    'who waits is told so before their time is over',
    edit(allocating, 'this.#line.wait(leaseId, waitMs, ', 'this.#line.wait(leaseId, waitMs / 2, '),
  ),
];

const ofPools: Bug[] = [
  bug(
    'a pool is ended before its line has been sent away',
    edit(
      poolMachine,
      `{ type: 'dismissAll', params: { code: 'pool_not_found' } },
            'clearLine',
            { type: 'recallAll'`,
      "{ type: 'recallAll'",
    ),
  ),
  bug(
    'a process that was followed makes a pool',
    edit(service, 'return home.settled(view);', 'return { ok: view };'),
  ),
  bug(
    'a process that was followed ends a pool',
    edit(service, 'return home.settled(released);', 'return { ok: released };'),
  ),
  bug(
    'a process that was followed does not know a pool',
    edit(service, 'return isUnknown ? this.#atDefault((home) => home.told(found)) : found;', 'return found;'),
  ),
  bug(
    'a pool is changed before that is written',
    edit(
      poolService,
      'keep(view);\n      return cameOf(answer.step, await this.settled(view));',
      'keep(view);\n      return cameOf(answer.step, { ok: view });',
    ),
  ),
];

const ofJournal: Bug[] = [
  bug('every conflict is taken for our own commit', edit(written, isOurs, 'if (seq) return true;')),
  bug('no conflict is taken for our own commit', edit(written, isOurs, 'if (seq) return false;')),
  bug(
    'any fact in the place of ours is taken for ours',
    edit(written, isOurs, 'if ((await store.digestAt(pool, seq)) === null) return false;'),
  ),
  bug(
    'a lost commit is tried again with new numbers',
    edit(
      groupCommit,
      'this.#appendAgain(entries)',
      `this.#appendAgain({
              ...entries,
              facts: entries.facts.map((fact) => ({ ...fact, seq: fact.seq + entries.facts.length })),
            })`,
    ),
  ),
  bug(
    'a lost commit is given up',
    edit(groupCommit, "if (failure !== 'lost') this.#end", 'if (failure) this.#end'),
  ),
  bug('patience has no end', edit(groupCommit, '        this.#giveUpWaiting();\n', '')),
  sqlBug(
    'nobody looks whether another process has opened the pools',
    edit('journal/append.ts', 'if (row!.openings === 0) throw', 'if (row!.openings < 0) throw'),
  ),
  sqlBug(
    'the row of a token is not written',
    edit('journal/append.ts', 'if (after) left.push(', 'if (after && fact.seq % 7 > 0) left.push('),
  ),
  sqlBug(
    'the order of use is forgotten in a restart',
    edit('journal/open-pools.ts', "= 'active'`, tokens.seq, tokens.ordinal", "= 'active'`, tokens.ordinal"),
  ),
];

const ofService: Bug[] = [
  bug(
    'a reply comes before its commit',
    edit(replies, '(await this.#durable.unsettled()) ?? { ok: shown }', '{ ok: shown }'),
  ),
  bug(
    'a fenced process goes on by what it remembers',
    edit(durable, 'this.#journal.confirmed()', 'this.#journal.committed()'),
  ),
  bug(
    'a fenced process goes on showing what it remembers',
    edit(
      reads,
      `const shown = this.#tokenPage(status, page, this.#clock.now());
      return (await this.#durable.unconfirmed()) ?? { ok: shown };`,
      `const shown = this.#tokenPage(status, page, this.#clock.now());
      return this.#journal.committed().then(() => ({ ok: shown }), () => this.#durable.unavailable());`,
    ),
  ),
  bug(
    'a fenced process refuses by what it remembers',
    edit(
      replies,
      'return (await this.#durable.unconfirmed()) ?? refused({ code });',
      'return (await this.#journal.committed().then(() => null, () => this.#durable.unavailable())) ?? refused({ code });',
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
  bug(
    'the clock is not anchored',
    edit(tenure, 'clock.anchor?.(Math.max(database, last ?? database), last);', ''),
  ),
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
    edit('service/sweep.ts', 'pool.isOverdue(armedAt)', 'pool.isOverdue(this.#clock.now() - everyMs)'),
  ),
];

const ofKeys: Bug[] = [
  bug('an answer is kept after its facts, not with them', edit(replies, 'keep(shown);', '')),
  bug('two requests with one key are done at once', edit(once, 'this.#underWay.set(once.key, once);', '')),
  bug('the request of a key is not compared', edit(once, 'one.fingerprint === other.fingerprint', 'true')),
];

export const bugs: readonly Bug[] = [
  ...ofToken,
  ...ofPool,
  ...ofOptions,
  ...ofLine,
  ...ofPools,
  ...ofJournal,
  ...ofService,
  ...ofKeys,
];
