/**
 * Every rule that a log and its tokens can be held against, fact by fact: O(tokens) of memory, however long the
 * log is. Knows no SQL; it is given the standing, then the facts in order, and is told when those are all.
 */
import type { AuditedFact, Standing } from '../journal/audited.ts';
import { chainStart, digestOf } from '../journal/chain.ts';
import { type FactType, reasons } from '../lease/fact.ts';
import type { Invariant } from '../lease/violation.ts';
import { Fold } from './fold.ts';
import { checkActivated, checkExpired, checkReleased, checkRenewed } from './lease-rules.ts';
import { nowhere, type Report, shown } from './report.ts';
import { checkTable, checkTokens } from './table.ts';

const known = new Set<string>();
for (const [type, ofType] of Object.entries(reasons)) {
  for (const reason of ofType) known.add(`${type} ${reason}`);
}

export class Audit {
  /** How many facts there were. */
  facts = 0;
  readonly #standing: Standing;
  readonly #report: Report;
  readonly #fold: Fold;
  readonly #prunedSeq: number;
  /** No fact up to this one has a digest: they are older than digests. */
  readonly #unchainedSeq: number;
  #expectedSeq: number;
  #digest: string;
  /** The fact before this one; null at the beginning. */
  #before: AuditedFact | null = null;
  #openedSeq: number | null = null;
  /** Leases begun, those that the pruned facts left included, and leases ended [I11]. */
  #begun: number;
  #ended = 0;

  constructor(standing: Standing, report: Report) {
    const { pool, tokens, prunedTokens } = standing;
    this.#standing = standing;
    this.#report = report;
    this.#fold = new Fold(
      tokens.map(({ id }) => id),
      prunedTokens,
    );
    this.#begun = this.#fold.active;
    this.#prunedSeq = pool?.prunedSeq ?? 0;
    this.#unchainedSeq = pool?.chainSeq ?? Number.POSITIVE_INFINITY;
    this.#digest = pool?.chainDigest ?? chainStart;
    this.#expectedSeq = this.#prunedSeq + 1;
    checkTokens(standing, report);
  }

  /** The seq of the fact that has to come next. */
  get expectedSeq(): number {
    return this.#expectedSeq;
  }

  next(fact: AuditedFact): void {
    this.facts++;
    if (fact.seq <= this.#prunedSeq) {
      this.#report.add('I3', fact, `is there, though all facts up to ${this.#prunedSeq} have been pruned`);
      return;
    }
    this.#checkPlace(fact);
    this.#checkDigest(fact);
    this.#checkNeighbour(fact);
    if (!known.has(`${fact.type} ${fact.reason}`)) this.#say(fact)('I8', 'has no known type and reason');
    if (fact.type === 'opened') this.#open(fact);
    else this.#happen(fact);
    this.#before = fact;
  }

  /** There are no more facts. */
  end(): void {
    const { headSeq, pool, tokens } = this.#standing;
    const head = headSeq ?? this.#prunedSeq;
    this.#checkEndOfRun(null);
    if (this.#expectedSeq <= head) this.#sayMissing(this.#expectedSeq, head);
    if (pool !== null) {
      if (Math.max(pool.openedSeq, pool.chainSeq, pool.prunedSeq) > head)
        this.#report.add('I3', nowhere, `the log ends at ${head}, but the table pools knows of facts beyond`);
      const opened = this.#openedSeq ?? Math.min(pool.openedSeq, this.#prunedSeq);
      if (pool.openedSeq !== opened)
        this.#report.add(
          'I3',
          { seq: pool.openedSeq, tokenId: null },
          'is not the newest opening of the pool',
        );
    }
    checkTable(tokens, head, this.#fold, this.#report);
    const active = tokens.filter(({ status }) => status === 'active').length;
    if (this.#begun !== active + this.#ended) {
      const message = `${this.#begun} leases have begun, but ${active} are live and ${this.#ended} have ended`;
      this.#report.add('I11', nowhere, message);
    }
  }

  #checkPlace(fact: AuditedFact): void {
    if (fact.seq !== this.#expectedSeq) this.#sayMissing(this.#expectedSeq, fact.seq - 1);
    this.#expectedSeq = fact.seq + 1;
    const before = this.#before;
    if (before === null || fact.at >= before.at) return;
    // Before there were digests, the next process to open the pool went by its own clock.
    if (fact.type === 'opened' && fact.seq <= this.#unchainedSeq) return;
    this.#say(fact)('I3', `happened at ${shown(fact.at)}, before the fact before it, at ${shown(before.at)}`);
  }

  #sayMissing(first: number, last: number): void {
    const what = first === last ? 'the fact is' : `the facts up to ${last} are`;
    this.#report.add('I3', { seq: first, tokenId: null }, `${what} missing`);
  }

  #checkDigest(fact: AuditedFact): void {
    if (fact.seq <= this.#unchainedSeq) {
      if (fact.digest !== '') this.#say(fact)('I8', 'has a digest, though it is older than digests');
      return;
    }
    if (digestOf(this.#digest, fact) !== fact.digest)
      this.#say(fact)('I8', 'is not as it was written, or not what was written here: its digest is wrong');
    // From what is written: one wrong fact is reported once, and not with all that follow it.
    this.#digest = fact.digest;
  }

  /** What must be next to what: the two facts of an eviction, and those that come with an opening. */
  #checkNeighbour(fact: AuditedFact): void {
    this.#checkEndOfRun(fact);
    const before = this.#before;
    // What was before the first fact has been pruned.
    if (before === null && this.#prunedSeq > 0) return;
    if (fact.reason === 'allocated_after_eviction' && before?.reason !== 'lru_eviction')
      this.#say(fact)('I7', 'grants after an eviction, but there was none');
    if (
      fact.reason === 'ttl_expired_while_down' &&
      before?.type !== 'opened' &&
      before?.reason !== 'ttl_expired_while_down'
    )
      this.#say(fact)('I8', 'expired while no process had the pool, but none has just opened it');
  }

  /** The fact before is of an eviction or of a clean-up, and `fact` shows whether that was done whole. */
  #checkEndOfRun(fact: AuditedFact | null): void {
    const before = this.#before;
    if (before?.reason === 'lru_eviction') {
      const served =
        fact?.reason === 'allocated_after_eviction' &&
        fact.tokenId === before.tokenId &&
        fact.at === before.at;
      if (!served) this.#say(before)('I7', 'evicts a lease, and nobody is granted its token');
    }
    if (before?.reason === 'cleanup' && this.#fold.active > 0) {
      const goesOn = fact?.reason === 'cleanup' && fact.at === before.at;
      if (!goesOn) this.#say(before)('I13', `ends a clean-up that leaves ${this.#fold.active} leases live`);
    }
  }

  #open(fact: AuditedFact): void {
    this.#openedSeq = fact.seq;
    const { tokenId, userId, leaseId, fence, expiresAt, metadata } = fact;
    if ([tokenId, userId, leaseId, fence, expiresAt, metadata].some((member) => member !== null))
      this.#say(fact)('I8', 'opens the pool, and says what only a fact of a token says');
  }

  #happen(fact: AuditedFact): void {
    const say = this.#say(fact);
    if (fact.tokenId === null) {
      say('I2', 'is of no token');
      return;
    }
    let token = this.#fold.get(fact.tokenId);
    if (token === undefined) {
      say('I2', 'is of a token that the table tokens does not have');
      token = this.#fold.adopt(fact.tokenId);
    }
    switch (fact.type as Exclude<FactType, 'opened'>) {
      case 'activated':
        checkActivated(fact, token, say);
        this.#begun++;
        this.#fold.activate(token, fact);
        return;
      case 'renewed':
        checkRenewed(fact, token, say);
        this.#fold.renew(token, fact);
        return;
      case 'released':
        checkReleased(fact, token, this.#fold, say);
        break;
      case 'expired':
        checkExpired(fact, token, say);
        break;
      default:
        return;
    }
    this.#ended++;
    this.#fold.free(token, fact.seq);
  }

  #say(fact: AuditedFact): (invariant: Invariant, message: string) => void {
    return (invariant, message) => this.#report.add(invariant, fact, message);
  }
}
