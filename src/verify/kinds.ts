/** Kinds of facts. */
import type { AuditedFact } from '../journal/audited.ts';
import { type PoolFactType, reasons } from '../lease/fact.ts';

/** Each type with each of its reasons. */
export const known = new Set<string>();
for (const [type, ofType] of Object.entries(reasons)) {
  for (const reason of ofType) known.add(`${type} ${reason}`);
}

export const isOfPool = (fact: AuditedFact): fact is AuditedFact & { type: PoolFactType } =>
  fact.type === 'opened' || fact.type === 'changed' || fact.type === 'closed';

/** What happens by itself while no process has the pool, and what comes of it. */
export const quiet: ReadonlySet<string> = new Set([
  'ttl_expired_while_down',
  'cool_down_over',
  'idle_ttl_expired',
  'pool_shrunk',
]);
