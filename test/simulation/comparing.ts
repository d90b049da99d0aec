/** What makes two things the same, and a proof one of a lease. */
import type { Proof } from '../../src/lease/command.ts';
import type { Lease } from '../../src/lease/lease.ts';

export const proves = ({ leaseId, userId }: Proof, lease: Lease): boolean =>
  (leaseId === undefined || leaseId === lease.leaseId) && (userId === undefined || userId === lease.userId);

export const same = (one: unknown, other: unknown): boolean => say(one) === say(other);

/** JSON with its members in order. */
export const say = (value: unknown): string =>
  JSON.stringify(value, (_, member) =>
    member !== null && typeof member === 'object' && !Array.isArray(member)
      ? Object.fromEntries(Object.entries(member).sort(([a], [b]) => (a < b ? -1 : 1)))
      : member,
  );
