/**
 * Every rule that a log and its tokens can be held against, fact by fact: O(tokens) of memory, however long the
 * log is. Knows no SQL; it is given the standing, then the facts in order, and is told when those are all.
 */
import type { AuditedFact, Standing } from '../journal/audited.ts';
import { chainStart, digestOf } from '../journal/chain.ts';
import type { FactType, PoolFactType } from '../lease/fact.ts';
import { type Details, detailsOf } from './details.ts';
import { Fold } from './fold.ts';
import type { FoldedToken } from './group.ts';
import { isOfPool, known, quiet } from './kinds.ts';
import { checkActivated, checkExpired, checkReleased, checkRenewed } from './lease-rules.ts';
import { nowhere, type Report, type Say, shown } from './report.ts';
import { checkBeginning, checkEndOfRun, leavesWith } from './runs.ts';
import { checkHead, checkOpenings, checkPool, checkTable, checkTokens } from './table.ts';
import {
  checkCreated,
  checkDeleted,
  checkNoLease,
  checkRested,
  checkRestored,
  checkWaits,
} from './token-rules.ts';

export class Audit {
  /** How many facts there were. */
  facts = 0;
  readonly #standing: Standing;
  readonly #report: Report;
  readonly #fold: Fold;
  readonly #places: ReadonlyMap<string, number>;
  readonly #prunedSeq: number;
  /** No fact up to this one has a digest: they are older than digests. */
  readonly #unchainedSeq: number;
  #expectedSeq: number;
  #digest: string;
  /** The fact before this one; null at the beginning. */
  #before: AuditedFact | null = null;
  /** The end of a lease whose token has left just now. */
  #endedOnTheWay: AuditedFact | null = null;
  #openedSeq: number | null = null;
  #openings = 0;
  /** A process has taken the pool, and all that has happened since happened while none had it. */
  #isTakingUp: boolean;
  /** Leases begun, those that the pruned facts left included, and leases ended [I11]. */
  #begun: number;
  #ended = 0;

  constructor(standing: Standing, report: Report) {
    const { pool } = standing;
    this.#standing = standing;
    this.#report = report;
    this.#fold = new Fold(standing);
    this.#places = new Map(standing.tokens.map(({ id, ordinal }) => [id, ordinal]));
    this.#begun = this.#fold.active;
    this.#prunedSeq = pool?.prunedSeq ?? 0;
    this.#unchainedSeq = pool?.chainSeq ?? Number.POSITIVE_INFINITY;
    this.#digest = pool?.chainDigest ?? chainStart;
    this.#expectedSeq = this.#prunedSeq + 1;
    this.#isTakingUp = this.#prunedSeq > 0;
    checkTokens(standing, report);
  }

  /** The seq of the fact that has to come next. */
  get expectedSeq(): number {
    return this.#expectedSeq;
  }

  next(fact: AuditedFact): void {
    this.facts++;
    const pruned = this.#prunedSeq;
    if (fact.seq > pruned) this.#follow(fact);
    else this.#say(fact)('I3', `is there, though all facts up to ${pruned} have been pruned`);
  }

  #follow(fact: AuditedFact): void {
    this.#checkPlace(fact);
    this.#checkDigest(fact);
    this.#checkNeighbours(fact);
    if (!known.has(`${fact.type} ${fact.reason}`)) this.#say(fact)('I8', 'has no known type and reason');
    if (isOfPool(fact)) this.#change(fact);
    else this.#happen(fact);
    this.#before = fact;
  }

  /** There are no more facts. */
  end(): void {
    const { headSeq, pool, tokens } = this.#standing;
    const head = headSeq ?? this.#prunedSeq;
    this.#checkNeighbours(null);
    if (this.#expectedSeq <= head) this.#sayMissing(this.#expectedSeq, head);
    if (pool !== null) checkHead(pool, head, this.#openedSeq, this.#report);
    checkOpenings(this.#standing, this.#openings, this.#report);
    checkTable(tokens, head, this.#fold, this.#report);
    checkPool(this.#standing, this.#fold, this.#before, this.#report);
    const live = tokens.filter(({ status }) => status === 'active').length;
    const message = `${this.#begun} leases have begun, but ${live} are live and ${this.#ended} have ended`;
    if (this.#begun !== live + this.#ended) this.#report.add('I11', nowhere, message);
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

  #checkNeighbours(fact: AuditedFact | null): void {
    const before = this.#endedOnTheWay ?? this.#before;
    const isLeaver = leavesWith(before, fact);
    this.#endedOnTheWay = isLeaver ? before : null;
    if (!isLeaver) checkEndOfRun(before, fact, this.#fold.active, this.#report);
    // What was before the first fact has been pruned.
    if (fact !== null && (this.#before !== null || this.#prunedSeq === 0))
      checkBeginning(this.#before, fact, this.#isTakingUp, this.#report);
  }

  #change(fact: AuditedFact & { type: PoolFactType }): void {
    const say = this.#say(fact);
    const { tokenId, userId, leaseId, fence, expiresAt, metadata } = fact;
    if ([tokenId, userId, leaseId, fence, expiresAt].some((member) => member !== null))
      say('I8', 'is of the pool, and says what only a fact of a token says');
    switch (fact.type) {
      case 'opened':
        this.#openedSeq = fact.seq;
        this.#isTakingUp = true;
        if ((metadata === null) !== (this.#fold.options !== null))
          say('I8', metadata === null ? 'opens a pool that is not there' : 'makes a pool that is there');
        if (metadata === null && this.#fold.storedOptions !== null) this.#openings++;
        if (metadata === null) return;
        this.#fold.make(fact);
        if (this.#fold.options === null) say('I8', 'makes the pool with options that make no sense');
        return;
      case 'changed':
        if (this.#fold.options === null) say('I8', 'changes a pool that is not there');
        this.#fold.rule(fact);
        if (this.#fold.options === null) say('I8', 'changes the options of the pool to none');
        return;
      case 'closed':
        if (metadata !== null) say('I8', 'closes the pool, and says more than that');
        if (this.#fold.active > 0) say('I11', `closes the pool while ${this.#fold.active} leases are live`);
        this.#fold.close();
    }
  }

  #happen(fact: AuditedFact): void {
    const say = this.#say(fact);
    if (fact.tokenId === null) {
      say('I2', 'is of no token');
      return;
    }
    const said = detailsOf(fact);
    if (said.isOdd) say('I8', 'has metadata that is not of such a fact');
    if (fact.type === 'created') this.#create(fact, fact.tokenId, said, say);
    else this.#happenTo(this.#tokenOf(fact.tokenId, say), fact, said, say);
    if (!quiet.has(fact.reason)) this.#isTakingUp = false;
  }

  #tokenOf(id: string, say: Say): FoldedToken {
    const token = this.#fold.get(id) ?? this.#fold.see(id);
    if (token !== undefined) return token;
    say('I2', 'is of a token that the pool does not have');
    return this.#fold.adopt(id);
  }

  #create(fact: AuditedFact, id: string, said: Details, say: Say): void {
    if (this.#fold.get(id) !== undefined) {
      say('I2', 'creates a token that is there');
      return;
    }
    const fold = this.#fold;
    const token = fold.create(id, said.name, said.labels);
    checkNoLease(fact, say);
    checkCreated(fact, token, fold, say);
    checkWaits(fact, token, said, fold, say);
    fold.set(token, { keptUntil: said.keptUntil, seq: fact.seq }, null);
    const placed = this.#places.get(id) ?? fold.lastOrdinal;
    if (placed !== fold.lastOrdinal)
      say('I2', `creates token ${fold.lastOrdinal} of the pool, and the table tokens has it as ${placed}`);
  }

  #happenTo(token: FoldedToken, fact: AuditedFact, said: Details, say: Say): void {
    const fold = this.#fold;
    const waits = { restsUntil: said.restsUntil, keptUntil: said.keptUntil, seq: fact.seq };
    switch (fact.type as Exclude<FactType, PoolFactType | 'created'>) {
      case 'activated':
        checkActivated(fact, token, fold, say);
        this.#begun++;
        fold.activate(token, fact);
        return;
      case 'renewed':
        checkRenewed(fact, token, fold, say);
        fold.renew(token, fact);
        return;
      case 'released':
      case 'expired':
        this.#ended++;
        if (fact.type === 'released') checkReleased(fact, token, fold, say);
        else checkExpired(fact, token, say);
        checkWaits(fact, token, said, fold, say);
        fold.set(token, waits, null);
        return;
      case 'rested':
        checkNoLease(fact, say);
        checkRested(fact, token, say);
        checkWaits(fact, token, said, fold, say);
        fold.set(token, waits, token.lease);
        return;
      case 'withdrawn':
        checkNoLease(fact, say);
        fold.set(token, { ...waits, withdrawn: { note: said.note } }, token.lease);
        return;
      case 'restored':
        checkNoLease(fact, say);
        checkRestored(token, say);
        checkWaits(fact, token, said, fold, say);
        fold.restore(token, waits);
        return;
      case 'deleted':
        checkNoLease(fact, say);
        checkDeleted(fact, token, fold, say);
        fold.delete(token);
    }
  }

  #say(fact: AuditedFact): Say {
    return (invariant, message) => this.#report.add(invariant, fact, message);
  }
}
