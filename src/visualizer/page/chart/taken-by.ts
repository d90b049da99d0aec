/** Which transition of the token machine a fact of the log tells of. Pure. */
import type { Taken } from './taken.ts';

/** Of a token, as a snapshot has it. */
export interface Standing {
  status: string;
  kept_until: string | null;
}

/** Of a fact, as a stream has it. */
export interface Told {
  seq: number;
  token_id: string | null;
  type: string;
  reason: string;
}

/** The state that the token's machine is in; null: there is no such token. */
export function stateOf(token: Standing | null): string | null {
  if (token === null) return null;
  return token.status === 'available' && token.kept_until !== null ? 'idle' : token.status;
}

const recalled = new Set(['cleanup', 'pool_deleted', 'token_deleted']);
const evicted = new Set(['lru_eviction', 'oldest_eviction']);

/**
 * What `fact` tells of, of a token that was `before` until then; null: of no transition of a token. `previous`: the fact before
 * it in the log, where it is known.
 *
 * What follows from it at once has no fact of its own (a token that comes to rest has become available first), and is not
 * told. A lease that ends because its token is withdrawn makes two facts of one transition: the first one looks as if the
 * lease went on, and the second one tells of its end. A timer that fires late is told as if it had fired.
 */
export function takenBy(before: Standing | null, fact: Told, previous: Told | null = null): Taken | null {
  const from = stateOf(before) ?? 'available';
  const step = (from: string, event: string, to: string, index = 0): Taken => ({
    key: fact.seq,
    from,
    event,
    to,
    index,
  });
  switch (fact.type) {
    case 'created':
      return step('available', 'always', 'available');
    case 'activated':
      return fact.reason === 'allocated_after_eviction'
        ? step('active', 'EVICT', 'active')
        : step(from, 'ALLOCATE', 'active');
    case 'renewed':
      return step('active', 'RENEW', 'active', 2);
    case 'released':
      if (evicted.has(fact.reason)) return step('active', 'EVICT', 'active');
      if (fact.reason === 'maintenance') return step('active', 'WITHDRAW', 'available');
      return recalled.has(fact.reason)
        ? step('active', 'RECALL', 'available')
        : step('active', 'RELEASE', 'available', 1);
    case 'expired':
      return fact.reason === 'ttl_expired_while_down'
        ? step('available', 'always', 'available', 1)
        : step('active', 'untilDeadline', 'available');
    case 'rested':
      return step('resting', 'untilRested', 'available');
    case 'withdrawn':
      return from === 'active'
        ? step('active', 'WITHDRAW', 'active', 1)
        : step(from, 'WITHDRAW', 'withdrawn');
    case 'restored':
      return from === 'active' ? step('active', 'RESTORE', 'active') : step(from, 'RESTORE', 'available');
    case 'deleted':
      if (fact.reason === 'idle_ttl_expired') return step('idle', 'untilUnwanted', 'deleted');
      return hadToLeave(fact, previous)
        ? step('available', 'always', 'deleted', 3)
        : step(from, 'RULE', 'deleted');
    default:
      return null;
  }
}

/** Whether the token was to leave when its lease was over, and did so in the same moment. */
function hadToLeave(fact: Told, previous: Told | null): boolean {
  if (previous?.token_id !== fact.token_id || previous.seq + 1 !== fact.seq) return false;
  if (previous.reason === 'token_deleted') return true;
  const isEnd = previous.type === 'released' || previous.type === 'expired';
  return isEnd && fact.reason === 'pool_shrunk' && previous.reason !== 'ttl_expired_while_down';
}
