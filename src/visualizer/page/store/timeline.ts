/** The past of a token as spans of time, drawn from its facts: who held it, when it rested, when it was out of use. Pure. */
import type { WireFact } from '../wire.ts';

export interface Span {
  kind: 'active' | 'resting' | 'withdrawn';
  /** Who held it; null where nobody did. */
  userId: string | null;
  /** null: before the oldest fact that is known. */
  from: number | null;
  /** null: it lasts. */
  to: number | null;
  /** Why it ended; null while it lasts. */
  reason: string | null;
  /** When it was renewed. */
  renewedAt: number[];
  /** Of the fact that began it, or, where that is not known, of its end: no other span has the same of its kind. */
  seq: number;
}

/** The oldest first. `facts`: of one token, in any order, without gaps. */
export function spansOf(facts: readonly WireFact[]): Span[] {
  const spans: Span[] = [];
  const open: Partial<Record<Span['kind'], Span>> = {};
  const begin = (kind: Span['kind'], fact: WireFact) => {
    const span: Span = {
      kind,
      userId: kind === 'active' ? fact.user_id : null,
      from: Date.parse(fact.at),
      to: null,
      reason: null,
      renewedAt: [],
      seq: fact.seq,
    };
    open[kind] = span;
    spans.push(span);
  };
  const end = (kind: Span['kind'], fact: WireFact, isSure = true) => {
    const span = open[kind];
    delete open[kind];
    const ended = { to: Date.parse(fact.at), reason: fact.reason };
    if (span !== undefined) Object.assign(span, ended);
    else if (isSure)
      spans.push({ kind, userId: fact.user_id, from: null, renewedAt: [], seq: fact.seq, ...ended });
  };
  for (const fact of [...facts].sort((one, other) => one.seq - other.seq)) {
    if (fact.type === 'activated') {
      end('resting', fact, false);
      begin('active', fact);
    } else if (fact.type === 'renewed') open.active?.renewedAt.push(Date.parse(fact.at));
    else if (fact.type === 'released' || fact.type === 'expired') {
      end('active', fact);
      if (hasRest(fact)) begin('resting', fact);
    } else if (fact.type === 'rested') end('resting', fact);
    else if (fact.type === 'withdrawn') {
      end('resting', fact, false);
      begin('withdrawn', fact);
    } else if (fact.type === 'restored') {
      end('withdrawn', fact);
      if (hasRest(fact)) begin('resting', fact);
    } else if (fact.type === 'deleted') {
      end('resting', fact, false);
      end('withdrawn', fact, false);
    }
  }
  return spans;
}

const hasRest = ({ metadata }: WireFact): boolean =>
  metadata !== null && typeof metadata === 'object' && 'rests_until' in metadata;

/** How far back a line of time goes that shows these spans: to the first beginning that is known. */
export const beginningOf = (spans: readonly Span[], now: number): number =>
  spans.reduce((first, { from, to }) => Math.min(first, from ?? to ?? now), now);
