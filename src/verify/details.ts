/** What a fact of a token says beside its lease: in its metadata, where they are not those of a grant. */
import type { AuditedFact } from '../journal/audited.ts';
import type { Json, Labels } from '../lease/lease.ts';

export interface Details {
  name: string | null;
  labels: Labels;
  note: string | null;
  restsUntil: number | null;
  keptUntil: number | null;
  /** It says something that no such fact says. */
  isOdd: boolean;
}

const of = {
  ending: ['rests_until', 'kept_until'],
  created: ['name', 'labels', 'kept_until'],
};
const allowed: Partial<Record<AuditedFact['type'], readonly string[]>> = {
  released: of.ending,
  expired: of.ending,
  rested: ['kept_until'],
  restored: of.ending,
  withdrawn: ['note', 'rests_until'],
  created: of.created,
};

const none: Details = { name: null, labels: {}, note: null, restsUntil: null, keptUntil: null, isOdd: false };

export function detailsOf({ type, metadata }: AuditedFact): Details {
  if (metadata === null || type === 'activated') return none;
  if (typeof metadata !== 'object' || Array.isArray(metadata)) return { ...none, isOdd: true };
  const names = Object.keys(metadata);
  const text = (name: string) => (typeof metadata[name] === 'string' ? metadata[name] : null);
  return {
    name: text('name'),
    labels: isLabels(metadata.labels) ? metadata.labels : {},
    note: text('note'),
    restsUntil: instantOf(text('rests_until')),
    keptUntil: instantOf(text('kept_until')),
    isOdd: names.length === 0 || names.some((name) => !allowed[type]?.includes(name)),
  };
}

const isLabels = (value: Json | undefined): value is Record<string, string> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const instantOf = (written: string | null): number | null => (written === null ? null : Date.parse(written));
