/** What each fact of a token itself must be: of its coming and going, its rests, and its being out of use. */
import type { AuditedFact } from '../journal/audited.ts';
import { endedAt } from '../lease/evolve.ts';
import type { PoolOptions } from '../lease/pool-options.ts';
import type { Details } from './details.ts';
import type { Fold } from './fold.ts';
import type { FoldedToken } from './group.ts';
import { type Say, shown } from './report.ts';

/** Of the fold with the token in it. */
export function checkCreated(fact: AuditedFact, token: FoldedToken, fold: Fold, say: Say): void {
  const { options, size } = fold;
  if (options === null) {
    say('I2', 'creates a token of a pool that is not there');
    return;
  }
  if (fact.reason === 'token_created') {
    if (options.membership !== 'elastic') say('I2', 'creates a token of a pool that is not elastic');
    if (size > options.size)
      say('I2', `creates a token too many: there are ${size}, and may be ${options.size}`);
    return;
  }
  if (options.membership !== 'fixed' || fact.at !== fold.ruledAt)
    say('I2', 'creates a token of a pool that has not grown');
  if (options.tokens === null ? size > options.size : !fold.isListed(token))
    say('I2', 'creates a token that the pool is not to have');
}

export function checkDeleted(fact: AuditedFact, token: FoldedToken, fold: Fold, say: Say): void {
  if (token.lease !== null) say('I11', 'deletes a token that somebody holds');
  switch (fact.reason) {
    case 'deleted_by_client':
      if (fold.options?.membership !== 'elastic') say('I2', 'deletes a token of a pool that is not elastic');
      return;
    case 'idle_ttl_expired':
      if (token.keptUntil === null || token.keptUntil > fact.at)
        say(
          'I2',
          `deletes a token that is kept ${token.keptUntil === null ? 'for ever' : `until ${shown(token.keptUntil)}`}`,
        );
      return;
    default:
      if (!fold.mayLeave(token)) say('I2', 'deletes a token of a pool that has not shrunk');
  }
}

export function checkRested(fact: AuditedFact, { restsUntil }: FoldedToken, say: Say): void {
  if (restsUntil === null) say('I8', 'ends the rest of a token that does not rest');
  else if (restsUntil > fact.at) say('I19', `ends the rest of a token that rests until ${shown(restsUntil)}`);
}

export function checkRestored({ withdrawn }: FoldedToken, say: Say): void {
  if (withdrawn === null) say('I8', 'takes back into use a token that was in use');
}

/** That only its metadata say anything of a fact that is not of a lease. */
export function checkNoLease(fact: AuditedFact, say: Say): void {
  const { userId, leaseId, fence, expiresAt } = fact;
  if ([userId, leaseId, fence, expiresAt].some((member) => member !== null))
    say('I8', 'says what only a fact of a lease says');
}

const letGoOf: ReadonlySet<string> = new Set(['released_by_client', 'caller_gone']);
const leaves: ReadonlySet<string> = new Set(['token_deleted', 'pool_deleted']);

interface Waits {
  restsUntil: number | null;
  keptUntil: number | null;
}

const nothing: Waits = { restsUntil: null, keptUntil: null };

/** How long it rests, and is kept, from this fact on. `token` is as it was before it. */
export function checkWaits(fact: AuditedFact, token: FoldedToken, said: Details, fold: Fold, say: Say): void {
  const rules = [fold.options, fact.at === fold.ruledAt ? fold.before : null];
  const right = rules.flatMap((options) => (options ? waitsAfter(fact, token, options) : []));
  if (fold.mayLeave(token) || leaves.has(fact.reason)) right.push(nothing);
  if (right.length === 0 || right.some((each) => isSame(each, said))) return;
  const [{ restsUntil, keptUntil }] = right as [Waits];
  if (said.restsUntil !== restsUntil)
    say('I19', `lets a token rest until ${shown(said.restsUntil)}, not until ${shown(restsUntil)}`);
  if (said.keptUntil !== keptUntil)
    say('I19', `keeps a token until ${shown(said.keptUntil)}, not until ${shown(keptUntil)}`);
}

const isSame = (one: Waits, other: Waits) =>
  one.restsUntil === other.restsUntil && one.keptUntil === other.keptUntil;

function waitsAfter(fact: AuditedFact, token: FoldedToken, options: PoolOptions): Waits[] {
  const { coolDownMs, idleTtlMs } = options;
  const kept = (at: number): Waits => ({
    restsUntil: null,
    keptUntil: idleTtlMs === null ? null : at + idleTtlMs,
  });
  switch (fact.type) {
    case 'released':
    case 'expired': {
      const at = endedAt({ type: fact.type, at: fact.at, expiresAt: fact.expiresAt ?? fact.at });
      const rests = coolDownMs > 0 && !letGoOf.has(fact.reason);
      if (rests) return [{ restsUntil: at + coolDownMs, keptUntil: null }];
      return [token.withdrawn === null ? kept(at) : nothing];
    }
    case 'rested':
      // From when it was due, or from when that was seen.
      return [kept(fact.at), kept(token.restsUntil ?? fact.at)];
    // A rest goes on meanwhile.
    case 'withdrawn':
      return [{ restsUntil: token.restsUntil, keptUntil: null }];
    case 'restored': {
      const { restsUntil, lease } = token;
      if (restsUntil !== null && restsUntil > fact.at) return [{ restsUntil, keptUntil: null }];
      return [lease === null ? kept(fact.at) : nothing];
    }
    case 'created':
      return [kept(fact.at)];
    default:
      return [nothing];
  }
}
